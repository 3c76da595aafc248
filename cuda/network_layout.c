/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/network_layout.h"

#include <string.h>

/* Appends a run; what continues the one before makes that longer. false: too many. */
static bool add_run(struct sp_place *place, size_t length, size_t distance)
{
	struct sp_run *last = place->runs_n ? &place->runs[place->runs_n - 1] : NULL;

	if (length == 1)
		return true;
	if (last && last->distance == length * distance) {
		last->length *= length;
		last->distance = distance;
		return true;
	}
	if (place->runs_n == SP_PLACE_RUNS_MAX)
		return false;
	place->runs[place->runs_n++] = (struct sp_run){ length, distance };
	return true;
}

void sp_place_picture(struct sp_place *place, uint32_t buffer,
		      const struct sp_device_tensor *tensor)
{
	*place = (struct sp_place){ .buffer = buffer, .tensor = *tensor };
	add_run(place, tensor->c, 1);
	add_run(place, (size_t)tensor->h * tensor->w, tensor->pitch);
}

void sp_place_pixels(struct sp_place *place, uint32_t buffer, const struct sp_device_tensor *tensor)
{
	*place = (struct sp_place){ .buffer = buffer, .tensor = *tensor };
	add_run(place, (size_t)tensor->h * tensor->w, tensor->pitch);
	add_run(place, tensor->c, 1);
}

void sp_place_move(struct sp_place *place, const struct sp_place *from, uint32_t buffer,
		   const struct sp_device_tensor *tensor)
{
	size_t pitch = from->tensor.pitch;

	*place = (struct sp_place){ .buffer = buffer, .tensor = *tensor, .base = from->base };
	for (unsigned int i = 0; i < from->runs_n; i++) {
		size_t distance = from->runs[i].distance;

		/* From pixel to pixel, else from channel to channel. */
		if (distance % pitch == 0)
			distance = distance / pitch * tensor->pitch;
		add_run(place, from->runs[i].length, distance);
	}
}

size_t sp_place_elements(const struct sp_place *place)
{
	size_t n = 1;

	for (unsigned int i = 0; i < place->runs_n; i++)
		n *= place->runs[i].length;
	return n;
}

size_t sp_place_offset(const struct sp_place *place, size_t k)
{
	size_t offset = place->base;

	for (unsigned int i = place->runs_n; i--;) {
		offset += k % place->runs[i].length * place->runs[i].distance;
		k /= place->runs[i].length;
	}
	return offset;
}

/* Cuts the runs at the ends of axes: those of axis i are in @ret [first[i], first[i + 1]). */
static bool cut(const struct sp_place *place, const struct sp_shape *shape,
		struct sp_run ret[SP_PLACE_RUNS_MAX], unsigned int first[SP_RANK_MAX + 1])
{
	struct sp_run rest = { 1, 0 };
	unsigned int at = 0, n = 0;

	for (unsigned int axis = 0; axis < shape->rank; axis++) {
		size_t left = (size_t)shape->dim[axis];

		first[axis] = n;
		while (left > 1) {
			size_t take;

			if (rest.length == 1 && at < place->runs_n)
				rest = place->runs[at++];
			take = left < rest.length ? left : rest.length;
			if (take < 2 || left % take || rest.length % take || n == SP_PLACE_RUNS_MAX)
				return false;
			rest.length /= take;
			left /= take;
			ret[n++] = (struct sp_run){ take, rest.length * rest.distance };
		}
	}
	first[shape->rank] = n;
	return rest.length == 1 && at == place->runs_n;
}

bool sp_place_transpose(struct sp_place *place, const struct sp_shape *from, const int64_t *perm)
{
	unsigned int first[SP_RANK_MAX + 1];
	struct sp_run runs[SP_PLACE_RUNS_MAX];
	struct sp_place to = *place;

	if (!cut(place, from, runs, first))
		return false;
	to.runs_n = 0;
	for (unsigned int i = 0; i < from->rank; i++)
		for (unsigned int k = first[perm[i]]; k < first[perm[i] + 1]; k++)
			if (!add_run(&to, runs[k].length, runs[k].distance))
				return false;
	*place = to;
	return true;
}

static bool same_runs(const struct sp_place *a, const struct sp_place *b)
{
	return a->base == b->base && a->runs_n == b->runs_n &&
	       !memcmp(a->runs, b->runs, a->runs_n * sizeof(a->runs[0]));
}

bool sp_place_is_picture(const struct sp_place *place, const struct sp_shape *shape,
			 struct sp_device_tensor *ret_tensor)
{
	struct sp_device_tensor tensor = place->tensor;
	struct sp_place picture;

	if (shape->rank != 4 || shape->dim[1] != (int64_t)tensor.c ||
	    shape->dim[2] * shape->dim[3] != (int64_t)tensor.h * tensor.w)
		return false;
	tensor.h = (uint32_t)shape->dim[2];
	tensor.w = (uint32_t)shape->dim[3];
	sp_place_picture(&picture, place->buffer, &tensor);
	if (!same_runs(place, &picture))
		return false;
	*ret_tensor = tensor;
	return true;
}

bool sp_place_is_rows(const struct sp_place *place, const struct sp_shape *shape, size_t *ret_pitch)
{
	size_t length = shape->rank ? (size_t)shape->dim[shape->rank - 1] : 1;
	size_t rows = sp_place_elements(place) / length;
	/* Rows that follow each other without a gap are one run. */
	size_t pitches[] = { length, place->runs_n ? place->runs[0].distance : 1 };

	for (unsigned int i = 0; i < 2; i++) {
		struct sp_place wanted = { .base = place->base };

		add_run(&wanted, rows, pitches[i]);
		add_run(&wanted, length, 1);
		if (!same_runs(place, &wanted))
			continue;
		*ret_pitch = pitches[i];
		return true;
	}
	return false;
}

bool sp_place_alike(const struct sp_place *a, const struct sp_place *b)
{
	struct sp_place moved;

	if (a->tensor.type != b->tensor.type || a->tensor.c != b->tensor.c ||
	    (size_t)a->tensor.h * a->tensor.w != (size_t)b->tensor.h * b->tensor.w)
		return false;
	sp_place_move(&moved, b, a->buffer, &a->tensor);
	return same_runs(a, &moved);
}

/*
 * Distances of a walk over @of_shape, row-major, for each axis of @shape; 0 where it is broadcast.
 * false: it does not broadcast to @shape.
 */
static bool distances(const struct sp_shape *shape, const struct sp_shape *of_shape,
		      size_t ret[SP_RANK_MAX])
{
	size_t distance = 1;

	if (of_shape->rank > shape->rank)
		return false;
	memset(ret, 0, SP_RANK_MAX * sizeof(ret[0]));
	for (unsigned int i = 1; i <= of_shape->rank; i++) {
		int64_t n = of_shape->dim[of_shape->rank - i];

		if (n != 1 && n != shape->dim[shape->rank - i])
			return false;
		ret[shape->rank - i] = n == 1 ? 0 : distance;
		distance *= (size_t)n;
	}
	return true;
}

/* Which of the broadcast ones number @k of @shape meets. */
static size_t met(const struct sp_shape *shape, const size_t distance[SP_RANK_MAX], size_t k)
{
	size_t at = 0;

	for (unsigned int i = shape->rank; i--;) {
		at += k % (size_t)shape->dim[i] * distance[i];
		k /= (size_t)shape->dim[i];
	}
	return at;
}

bool sp_place_channels(const struct sp_place *place, const struct sp_shape *shape, const float *of,
		       const struct sp_shape *of_shape, float *ret)
{
	size_t distance[SP_RANK_MAX], pitch = place->tensor.pitch, n = sp_place_elements(place);
	bool one = sp_shape_elements(of_shape) == 1;

	if (!distances(shape, of_shape, distance))
		return false;
	memset(ret, 0, pitch * sizeof(*ret));
	/* The first of each channel sets its value, the others must agree. */
	for (size_t c = 0; c < place->tensor.c; c++)
		ret[c] = of[0];
	if (one)
		return true;
	for (unsigned int set = 1; set < 3; set++)
		for (size_t k = 0; k < n; k++) {
			float *to = &ret[sp_place_offset(place, k) % pitch];
			float value = of[met(shape, distance, k)];

			if (set == 1)
				*to = value;
			else if (*to != value)
				return false;
		}
	return true;
}

bool sp_place_meets_pixel(const struct sp_place *place, const struct sp_shape *shape,
			  const struct sp_place *other, const struct sp_shape *other_shape)
{
	size_t distance[SP_RANK_MAX], n = sp_place_elements(place), pitch = place->tensor.pitch;

	if (other->tensor.h != 1 || other->tensor.w != 1 || other->tensor.c != place->tensor.c ||
	    other->tensor.type != place->tensor.type || !distances(shape, other_shape, distance))
		return false;
	for (size_t k = 0; k < n; k++)
		if (sp_place_offset(place, k) % pitch !=
		    sp_place_offset(other, met(shape, distance, k)))
			return false;
	return true;
}
