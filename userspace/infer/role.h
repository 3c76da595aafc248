/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a network can play the role that a backend wants it for, by its file and its card. */
#ifndef SP_INFER_ROLE_H
#define SP_INFER_ROLE_H

#include <stdint.h>

#include "infer/compute.h"
#include "infer/detect_outputs.h"
#include "infer/model_card.h"

struct sp_err;
struct sp_model;

/* @rc as it is; for a file that is not there, @err says what to do. */
int sp_role_told(int rc, const char *path, enum sp_model_role role, struct sp_err *err);

/*
 * Whether @model is a detector as its card has it: one picture in, the heads out. 0 with the size
 * that it is made for in *ret_width and *ret_height (0, 0: any size), or -EINVAL.
 */
int sp_detector_check(const struct sp_model *model, const struct sp_model_card *card,
		      struct sp_detect_outputs *ret_outputs, uint32_t *ret_width,
		      uint32_t *ret_height, struct sp_err *err);

/*
 * The same for the configuration's detector, with the size of its input that both agree on (0, 0:
 * the frame's own).
 */
int sp_role_detector(const struct sp_compute_config *config, const struct sp_model *model,
		     const struct sp_model_card *card, struct sp_detect_outputs *ret_outputs,
		     uint32_t *ret_width, uint32_t *ret_height, struct sp_err *err);

/*
 * Whether a network looks at an aligned face and gives one vector, of as many numbers as its card and
 * its role say. 0 with how many, or -EINVAL.
 */
int sp_role_face(const struct sp_model *model, const struct sp_model_card *card,
		 uint32_t *ret_numbers, struct sp_err *err);

#endif
