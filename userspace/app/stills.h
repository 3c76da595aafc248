/* SPDX-License-Identifier: Apache-2.0 */
/* Single pictures through the compute port: what `detect` and `compare` look at. */
#ifndef SP_APP_STILLS_H
#define SP_APP_STILLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/compute.h"

struct sp_err;
struct sp_fit;
struct sp_image;
struct sp_stills;

struct sp_stills_config {
	const char *backend;	     /* NULL: "auto" */
	const char *model_directory; /* NULL: the usual places */
	const char *detector, *embedder, *quality; /* as sp_models_choose takes them */
	enum sp_precision precision;
	struct sp_tile_config tiles; /* what is looked at; zeroed: the whole picture */
	float score_min;	     /* 0: as the detector's card says */
	uint32_t side_max; /* larger pictures are looked at reduced to this; 0: 1600 pixels */
};

int sp_stills_open(const struct sp_stills_config *config, struct sp_stills **ret_stills,
		   struct sp_err *err);
void sp_stills_close(struct sp_stills *stills);

/*
 * The faces of @image, in its pixels; every face that can be aligned is embedded, valid or not.
 * *@ret_result is valid until the next call. 0 or -errno with @err filled.
 */
int sp_stills_analyse(struct sp_stills *stills, const struct sp_image *image,
		      const struct sp_result **ret_result, struct sp_err *err);

/*
 * The looks at @image that analyse takes: into @looks (room for SP_TILE_LOOKS_MAX), how many into
 * *ret_n. 0 or -errno as sp_tile_plan.
 */
int sp_stills_plan(const struct sp_stills *stills, const struct sp_image *image,
		   struct sp_fit *looks, unsigned int *ret_n, struct sp_err *err);

const struct sp_compute_info *sp_stills_info(const struct sp_stills *stills);

/*
 * The face that a document photograph is of: the largest. NULL if there is none with an embedding.
 */
const struct sp_face *sp_stills_main_face(const struct sp_result *result);

#endif
