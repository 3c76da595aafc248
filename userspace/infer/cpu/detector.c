/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/detector.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"
#include "infer/preprocess.h"

enum { OUTPUTS_MAX = 64 };

int sp_detector_check(const struct sp_model *model, struct sp_yunet_heads *ret_heads,
		      uint32_t *ret_width, uint32_t *ret_height, struct sp_err *err)
{
	const char *names[OUTPUTS_MAX], *missing;
	unsigned int n = model->outputs_n < OUTPUTS_MAX ? model->outputs_n : OUTPUTS_MAX;
	const struct sp_shape *shape;

	for (unsigned int i = 0; i < n; i++)
		names[i] = model->outputs[i].name;
	if (!sp_yunet_match(names, n, ret_heads, &missing))
		return sp_err_set(err, -EINVAL,
				  "%s: no output %s; the detector must be a YuNet (cls_8 … kps_32)",
				  model->name, missing);
	shape = &model->inputs[0].shape;
	if (model->inputs_n != 1 || shape->rank != 4 ||
	    (shape->dim[1] >= 0 && shape->dim[1] != 3) ||
	    (shape->dim[2] < 0) != (shape->dim[3] < 0) || shape->dim[2] > UINT16_MAX ||
	    shape->dim[3] > UINT16_MAX)
		return sp_err_set(
			err, -EINVAL,
			"%s: its input is not one picture N × 3 × H × W; the detector must be "
			"a YuNet",
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

void sp_detector_init(struct sp_detector *detector, const struct sp_model *model,
		      const struct sp_yunet_heads *heads)
{
	memset(detector, 0, sizeof(*detector));
	detector->model = model;
	detector->heads = *heads;
	detector->options.precision = SP_PRECISION_F32;
}

void sp_detector_uninit(struct sp_detector *detector)
{
	for (int i = 0; i < SP_DETECTOR_SIZES; i++)
		sp_executor_destroy(detector->sizes[i].executor);
	memset(detector, 0, sizeof(*detector));
}

/* The floats of output @i if it has @values for each of @cells, else NULL. */
static const float *head(const struct sp_executor *executor, unsigned int i, size_t cells,
			 size_t values)
{
	struct sp_shape shape;
	const float *floats = sp_executor_output(executor, i, NULL, &shape);
	int64_t before = 1;

	if (!shape.rank || shape.dim[shape.rank - 1] != (int64_t)values)
		return NULL;
	for (unsigned int d = 0; d + 1 < shape.rank; d++)
		before *= shape.dim[d];
	return before == (int64_t)cells ? floats : NULL;
}

static int size_init(const struct sp_detector *detector, struct sp_detector_size *size,
		     uint32_t width, uint32_t height, struct sp_err *err)
{
	const int64_t shape[4] = { 1, 3, height, width };
	struct sp_executor *executor;
	int rc = sp_executor_create(detector->model, shape, &detector->options, &executor, err);

	if (rc)
		return rc;
	for (unsigned int l = 0; l < SP_YUNET_LEVELS; l++) {
		size_t cells = sp_yunet_cells(l, width, height);
		struct sp_yunet_level *level = &size->levels[l];

		level->cls = head(executor, detector->heads.cls[l], cells, 1);
		level->obj = head(executor, detector->heads.obj[l], cells, 1);
		level->bbox = head(executor, detector->heads.bbox[l], cells, 4);
		level->kps = head(executor, detector->heads.kps[l], cells, 10);
		if (!level->cls || !level->obj || !level->bbox || !level->kps) {
			sp_executor_destroy(executor);
			return sp_err_set(
				err, -EINVAL,
				"%s: outputs of stride %u do not fit an input of %u x %u; the "
				"detector must be a YuNet",
				detector->model->name, 8u << l, width, height);
		}
	}
	size->executor = executor;
	size->input = sp_executor_input(executor);
	size->width = width;
	size->height = height;
	return 0;
}

int sp_detector_prepare(struct sp_detector *detector, uint32_t width, uint32_t height,
			struct sp_detector_size **ret_size, struct sp_err *err)
{
	struct sp_detector_size *oldest = &detector->sizes[0], *size;
	int rc;

	for (int i = 0; i < SP_DETECTOR_SIZES; i++) {
		size = &detector->sizes[i];
		if (size->executor && size->width == width && size->height == height)
			goto found;
		if (size->used < oldest->used)
			oldest = size;
	}
	size = oldest;
	sp_executor_destroy(size->executor);
	memset(size, 0, sizeof(*size));
	rc = size_init(detector, size, width, height, err);
	if (rc)
		return rc;
found:
	size->used = ++detector->uses;
	*ret_size = size;
	return 0;
}

int sp_detector_run(struct sp_detector *detector, struct sp_detector_size *size, float score_min)
{
	int rc = sp_executor_run(size->executor);
	unsigned int n;

	if (rc)
		return rc;
	n = sp_yunet_decode(size->levels, size->width, size->height, score_min,
			    detector->detections);
	return (int)sp_detect_suppress(detector->detections, n, SP_DETECT_OVERLAP_MAX);
}
