/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/sighting.h"

#include <math.h>
#include <string.h>

#include "infer/element.h"
#include "infer/preprocess.h"
#include "infer/tile.h"

/* From this share of its area within another box on, a box is a part of that. */
#define PART_MIN 0.7f

/* Whether the side from @begin to @end reaches an end of [@from, @to) that is not the frame's. */
static bool reaches(float begin, float end, uint32_t from, uint32_t to, uint32_t frame, float scale)
{
	float border = SP_TILE_BORDER / scale;

	return (from > 0 && begin < (float)from + border) ||
	       (to < frame && end > (float)to - border);
}

static void place(struct sp_sighting *sighting, const struct sp_detection *detection,
		  const struct sp_fit *look, uint32_t width, uint32_t height)
{
	const struct sp_scale_rect *from = &look->from;
	float right = detection->box[0] + detection->box[2],
	      bottom = detection->box[1] + detection->box[3];
	float *box = sighting->face.box;

	sighting->face = *detection;
	sp_fit_to_frame(look, &box[0], &box[1]);
	sp_fit_to_frame(look, &right, &bottom);
	box[2] = right - box[0];
	box[3] = bottom - box[1];
	for (int i = 0; i < 5; i++)
		sp_fit_to_frame(look, &sighting->face.landmark[i][0],
				&sighting->face.landmark[i][1]);
	sighting->cut =
		reaches(box[0], right, from->x, from->x + from->width, width, look->scale_x) ||
		reaches(box[1], bottom, from->y, from->y + from->height, height, look->scale_y);
}

/* An order without ties. */
static bool is_better(const struct sp_sighting *a, const struct sp_sighting *b)
{
	if (a->cut != b->cut)
		return b->cut;
	if (a->face.score != b->face.score)
		return a->face.score > b->face.score;
	return a->look != b->look ? a->look < b->look : a->face.cell < b->face.cell;
}

void sp_sightings_add(struct sp_sightings *sightings, const struct sp_detection *detections,
		      unsigned int n, const struct sp_fit *looks, unsigned int look, uint32_t width,
		      uint32_t height)
{
	for (unsigned int i = 0; i < n; i++) {
		struct sp_sighting new = { .look = look }, *weakest = sightings->of;

		place(&new, &detections[i], &looks[look], width, height);
		if (sightings->n < SP_DETECTIONS_MAX) {
			sightings->of[sightings->n++] = new;
			continue;
		}
		for (unsigned int k = 1; k < sightings->n; k++)
			if (is_better(weakest, &sightings->of[k]))
				weakest = &sightings->of[k];
		if (is_better(&new, weakest))
			*weakest = new;
	}
}

static float area(const float box[4])
{
	return box[2] * box[3];
}

/* The share of @inner that lies in @outer. */
static float share_in(const float inner[4], const float outer[4])
{
	float width = fminf(inner[0] + inner[2], outer[0] + outer[2]) - fmaxf(inner[0], outer[0]);
	float height = fminf(inner[1] + inner[3], outer[1] + outer[3]) - fmaxf(inner[1], outer[1]);

	return width > 0 && height > 0 ? width * height / area(inner) : 0;
}

static bool sees_all(const struct sp_fit *look, const float box[4])
{
	const struct sp_scale_rect *from = &look->from;

	return box[0] >= (float)from->x && box[1] >= (float)from->y &&
	       box[0] + box[2] <= (float)(from->x + from->width) &&
	       box[1] + box[3] <= (float)(from->y + from->height);
}

/* Whether @part is a piece of the face @of that its look did not see as a whole. */
static bool is_part(const struct sp_sighting *part, const struct sp_sighting *of,
		    const struct sp_fit *looks)
{
	if (part->look == of->look || (of->cut && !part->cut) ||
	    !(area(part->face.box) < area(of->face.box)))
		return false;
	return share_in(part->face.box, of->face.box) >= PART_MIN &&
	       !sees_all(&looks[part->look], of->face.box);
}

static bool is_same(const struct sp_sighting *a, const struct sp_sighting *b, float overlap_max)
{
	return a->look != b->look && sp_box_overlap(a->face.box, b->face.box) > overlap_max;
}

/* Insertion: few faces, mostly in order, and no memory taken. */
static void sort(struct sp_sighting *of, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++) {
		struct sp_sighting moving = of[i];
		unsigned int k = i;

		while (k > 0 && is_better(&moving, &of[k - 1]))
			k--;
		memmove(&of[k + 1], &of[k], (i - k) * sizeof(*of));
		of[k] = moving;
	}
}

void sp_sightings_merge(struct sp_sightings *sightings, const struct sp_fit *looks,
			float overlap_max)
{
	struct sp_sighting *of = sightings->of;
	unsigned int n = sightings->n, kept = 0;
	bool part[SP_DETECTIONS_MAX];

	sort(of, n);
	for (unsigned int i = 0; i < n; i++) {
		part[i] = false;
		for (unsigned int k = 0; k < n && !part[i]; k++)
			part[i] = is_part(&of[i], &of[k], looks);
	}
	for (unsigned int i = 0; i < n; i++) {
		bool again = part[i];

		for (unsigned int k = 0; k < kept && !again; k++)
			again = is_same(&of[i], &of[k], overlap_max);
		if (!again)
			of[kept++] = of[i];
	}
	sightings->n = kept;
}
