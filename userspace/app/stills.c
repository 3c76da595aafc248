/* SPDX-License-Identifier: Apache-2.0 */
#include "app/stills.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/backends.h"
#include "app/models.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/region.h"
#include "frame/frame.h"
#include "image/image.h"
#include "infer/preprocess.h"
#include "infer/quality.h"
#include "infer/tile.h"
#include "wire/pfnc.h"

enum {
	SIDE_MAX_DEFAULT = 1600,
	PICTURE_BYTES = 128 << 20, /* that a device has room for: 44 megapixels */
};

struct sp_stills {
	const struct sp_compute_ops *ops;
	struct sp_models models;
	struct sp_compute_config config;
	uint32_t side_max;
	struct sp_event done;
	/* One that looks at pictures as they are, one for pictures larger than side_max. */
	struct sp_compute *native, *reduced;
	struct sp_region region;
	struct sp_frame_wrap wrap;
	struct sp_compute *mapped; /* that the region is registered with */
	struct sp_compute *busy; /* whose result is lent */
	struct sp_result *result;
};

int sp_stills_open(const struct sp_stills_config *config, struct sp_stills **ret_stills,
		   struct sp_err *err)
{
	const struct sp_models_wish wish = { config->model_directory, config->detector,
					     config->embedder, config->quality };
	const char *backend = config->backend ?: "auto";
	struct sp_stills *s = calloc(1, sizeof(*s));
	int status;

	if (!s)
		return sp_err_set(err, -ENOMEM, "out of memory");
	s->ops = sp_backend_compute(backend);
	if (!s->ops) {
		status = sp_err_set(err, -EINVAL, "backend '%s' is not in this build; it has: %s",
				    backend, sp_backend_compute_names());
		goto err_free;
	}
	status = sp_models_choose(&wish, &s->models, err);
	if (status)
		goto err_free;
	sp_models_warn(&s->models);
	status = sp_event_init(&s->done);
	if (status) {
		sp_err_set(err, status, "%s", strerror(-status));
		goto err_free;
	}
	s->side_max = config->side_max ?: SIDE_MAX_DEFAULT;
	s->config = (struct sp_compute_config){
		.detector = s->models.detector,
		.embedder = s->models.embedder,
		.quality = *s->models.quality ? s->models.quality : NULL,
		.precision = config->precision,
		.workers = 1,
		.in_flight = 1,
		.tiles = config->tiles,
		.score_min = config->score_min,
		.limits = sp_quality_default_limits,
		.embed_invalid = true,
		.frame_bytes = PICTURE_BYTES,
		.batch = 1,
		.done = &s->done,
	};
	status = s->ops->open(&s->config, &s->native, err);
	if (status)
		goto err_event;
	*ret_stills = s;
	return 0;

err_event:
	sp_event_uninit(&s->done);
err_free:
	free(s);
	return status;
}

/* Gives the lent result back. */
static void release(struct sp_stills *s)
{
	if (s->result)
		s->busy->ops->put(s->busy, s->result);
	s->result = NULL;
}

/* The region of the last picture. */
static void forget(struct sp_stills *s)
{
	if (s->mapped && s->mapped->ops->forget_region)
		s->mapped->ops->forget_region(s->mapped, &s->region);
	s->mapped = NULL;
	sp_region_uninit(&s->region);
}

void sp_stills_close(struct sp_stills *s)
{
	if (!s)
		return;
	release(s);
	forget(s);
	s->native->ops->close(s->native);
	if (s->reduced)
		s->reduced->ops->close(s->reduced);
	sp_event_uninit(&s->done);
	free(s);
}

/* The detector's input for pictures like @image; 0: their own size. */
static uint32_t input_side(const struct sp_stills *s, const struct sp_image *image)
{
	return image->width <= s->side_max && image->height <= s->side_max ? 0 : s->side_max;
}

static int choose(struct sp_stills *s, const struct sp_image *image,
		  struct sp_compute **ret_compute, struct sp_err *err)
{
	struct sp_compute_config config = s->config;
	int status = 0;

	*ret_compute = s->native;
	config.detect_width = config.detect_height = input_side(s, image);
	if (!config.detect_width)
		return 0;
	if (!s->reduced)
		status = s->ops->open(&config, &s->reduced, err);
	*ret_compute = s->reduced;
	return status;
}

static int load(struct sp_stills *s, struct sp_compute *compute, const struct sp_image *image,
		struct sp_err *err)
{
	size_t bytes = (size_t)image->width * image->height * 3;
	int status;

	/* A region of its own for each picture: stills are few, and the backend may map regions. */
	forget(s);
	status = sp_region_init(&s->region, bytes, err);
	if (status)
		return status;
	memcpy(s->region.base, image->rgb, bytes);
	status = compute->ops->register_region(compute, &s->region, err);
	if (status)
		return status;
	s->mapped = compute;
	return sp_frame_wrap(&s->wrap, &s->region, 0, image->width, image->height, SP_PFNC_RGB8);
}

int sp_stills_analyse(struct sp_stills *s, const struct sp_image *image,
		      const struct sp_result **ret_result, struct sp_err *err)
{
	struct sp_frame *frame = &s->wrap.frame;
	struct sp_fit looks[SP_TILE_LOOKS_MAX];
	struct sp_compute *compute;
	unsigned int looks_n;
	int status;

	release(s);
	/* Told here, where there is a line for it: a result carries only a number. */
	status = sp_stills_plan(s, image, looks, &looks_n, err);
	if (!status)
		status = choose(s, image, &compute, err);
	if (!status)
		status = load(s, compute, image, err);
	if (status)
		return status;
	if (compute->ops->submit(compute, &frame, 1) != 1)
		return sp_err_set(err, -EBUSY, "the compute backend takes no picture");
	s->busy = compute;
	while (!compute->ops->poll(compute, &s->result, 1)) {
		sp_event_arm(&s->done);
		if (!compute->ops->poll(compute, &s->result, 1))
			sp_event_wait(&s->done, 100 * SP_NS_PER_MS);
		sp_event_disarm(&s->done);
		if (s->result)
			break;
	}
	s->result->frame = NULL;
	/* It is ours, wherever it comes back. */
	while (compute->ops->release && compute->ops->release(compute, &frame, 1))
		;
	if (s->result->cause != SP_RESULT_FACES)
		return sp_err_set(err, s->result->error ?: -EIO,
				  "the compute backend could not look at it: %s%s%s",
				  sp_result_cause_name(s->result->cause),
				  s->result->error ? ": " : "",
				  s->result->error ? strerror(-s->result->error) : "");
	*ret_result = s->result;
	return 0;
}

int sp_stills_plan(const struct sp_stills *s, const struct sp_image *image, struct sp_fit *looks,
		   unsigned int *ret_n, struct sp_err *err)
{
	uint32_t side = input_side(s, image);

	return sp_tile_plan(&s->config.tiles, image->width, image->height, side, side, looks, ret_n,
			    err);
}

const struct sp_compute_info *sp_stills_info(const struct sp_stills *s)
{
	return &s->native->info;
}

const struct sp_face *sp_stills_main_face(const struct sp_result *result)
{
	const struct sp_face *best = NULL;

	for (uint32_t i = 0; i < result->faces_n; i++) {
		const struct sp_face *face = &result->faces[i];

		if (face->embedded &&
		    (!best || face->box[2] * face->box[3] > best->box[2] * best->box[3]))
			best = face;
	}
	return best;
}
