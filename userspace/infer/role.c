/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/role.h"

#include <errno.h>
#include <stdbool.h>

#include "base/diag.h"
#include "infer/model.h"
#include "infer/pixels.h"
#include "infer/preprocess.h"

static const char *name_of(enum sp_model_role role)
{
	return role == SP_ROLE_DETECTOR	 ? "detector"
	       : role == SP_ROLE_QUALITY ? "quality network"
					 : "embedder";
}

int sp_role_told(int rc, const char *path, enum sp_model_role role, struct sp_err *err)
{
	if (rc != -ENOENT)
		return rc;
	return sp_err_set(err, rc,
			  "%s: the %s's file is not there; run `sallyport model install` or set "
			  "SALLYPORT_MODELS",
			  path, name_of(role));
}

/* ---- detectors ---- */

int sp_detector_check(const struct sp_model *model, const struct sp_model_card *card,
		      struct sp_detect_outputs *ret_outputs, uint32_t *ret_width,
		      uint32_t *ret_height, struct sp_err *err)
{
	const struct sp_shape *shape;
	int rc = sp_detect_match(model, card, ret_outputs, err);

	if (rc)
		return rc;
	shape = &model->inputs[0].shape;
	if (model->inputs_n != 1 || shape->rank != 4 ||
	    (shape->dim[1] >= 0 && shape->dim[1] != 3) ||
	    (shape->dim[2] < 0) != (shape->dim[3] < 0) || shape->dim[2] > UINT16_MAX ||
	    shape->dim[3] > UINT16_MAX)
		return sp_err_set(err, -EINVAL,
				  "%s: its input is not one picture N × 3 × H × W; this is no "
				  "detector",
				  model->name);
	if (shape->dim[2] > 0 && (shape->dim[2] % SP_DETECT_STEP || shape->dim[3] % SP_DETECT_STEP))
		return sp_err_set(
			err, -EINVAL,
			"%s: made for an input of %lld x %lld; sides must be multiples of %d",
			model->name, (long long)shape->dim[3], (long long)shape->dim[2],
			SP_DETECT_STEP);
	*ret_width = shape->dim[3] > 0 ? (uint32_t)shape->dim[3] : 0;
	*ret_height = shape->dim[2] > 0 ? (uint32_t)shape->dim[2] : 0;
	return 0;
}

int sp_role_detector(const struct sp_compute_config *config, const struct sp_model *model,
		     const struct sp_model_card *card, struct sp_detect_outputs *ret_outputs,
		     uint32_t *ret_width, uint32_t *ret_height, struct sp_err *err)
{
	uint32_t width, height, wanted[2] = { 0, 0 };
	struct sp_fit fit;
	int rc = sp_detector_check(model, card, ret_outputs, &width, &height, err);

	if (rc)
		return rc;
	if (!config->detect_width != !config->detect_height ||
	    config->detect_width > SP_PIXELS_SIDE_MAX || config->detect_height > SP_PIXELS_SIDE_MAX)
		return sp_err_set(
			err, -EINVAL,
			"detector: an input of %u x %u is not possible; give both sides, up to "
			"%d, or neither",
			config->detect_width, config->detect_height, SP_PIXELS_SIDE_MAX);
	if (config->detect_width) {
		sp_fit_init(&fit, &(struct sp_scale_rect){ 0, 0, 1, 1 }, config->detect_width,
			    config->detect_height);
		wanted[0] = fit.input_width;
		wanted[1] = fit.input_height;
	}
	if (width && wanted[0] && (wanted[0] != width || wanted[1] != height))
		return sp_err_set(
			err, -EINVAL,
			"%s: made for an input of %u x %u, not %u x %u; leave the size out or "
			"use a model of any size",
			model->name, width, height, wanted[0], wanted[1]);
	*ret_width = width ? width : wanted[0];
	*ret_height = width ? height : wanted[1];
	return 0;
}

/* ---- networks that look at a face ---- */

/* How many numbers a network gives for one face, as its file says; -1: it does not. */
static int64_t numbers_of(const struct sp_model *model)
{
	struct sp_shape shape = model->outputs[0].shape;

	if (shape.rank > 1)
		shape.dim[0] = 1; /* faces */
	return model->outputs_n == 1 ? sp_shape_elements(&shape) : 0;
}

int sp_role_face(const struct sp_model *model, const struct sp_model_card *card,
		 uint32_t *ret_numbers, struct sp_err *err)
{
	bool quality = card->role == SP_ROLE_QUALITY;
	int64_t min = quality ? 1 : 2, max = quality ? 1 : SP_EMBEDDING_MAX;
	const struct sp_shape *in = &model->inputs[0].shape;
	const struct sp_shape want = { .rank = 4, .dim = { 1, 3, card->side, card->side } };
	const char *role = name_of(card->role);
	int64_t numbers = numbers_of(model);
	bool fits = model->inputs_n == 1 && in->rank == 4;

	for (unsigned int i = 1; i < 4 && fits; i++)
		fits = in->dim[i] < 0 || in->dim[i] == want.dim[i];
	if (!fits)
		return sp_err_set(err, -EINVAL,
				  "%s: its input is not 3 x %u x %u; this is no %s, or its card "
				  "must say which side it has (docs/models.md)",
				  model->name, card->side, card->side, role);
	if (numbers < 0)
		numbers = min == max ? min : card->size ? (int64_t)card->size : -1;
	if (numbers < min || numbers > max)
		return sp_err_set(err, -EINVAL,
				  "%s: it does not give one vector of %lld to %lld numbers; "
				  "this is no %s",
				  model->name, (long long)min, (long long)max, role);
	if (card->size && numbers != (int64_t)card->size)
		return sp_err_set(err, -EINVAL, "%s: output.size: %u, but %s gives %lld numbers",
				  card->path, card->size, model->name, (long long)numbers);
	*ret_numbers = (uint32_t)numbers;
	return 0;
}
