/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/detector.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"
#include "infer/preprocess.h"

void sp_detector_init(struct sp_detector *detector, const struct sp_model *model,
		      const struct sp_model_card *card, const struct sp_detect_outputs *outputs)
{
	memset(detector, 0, sizeof(*detector));
	detector->model = model;
	detector->card = card;
	detector->outputs = *outputs;
	detector->options.precision = SP_PRECISION_F32;
}

void sp_detector_uninit(struct sp_detector *detector)
{
	for (int i = 0; i < SP_DETECTOR_SIZES; i++)
		sp_executor_destroy(detector->sizes[i].executor);
	memset(detector, 0, sizeof(*detector));
}

/* The heads of @size from what its executor makes, whatever the file says of its outputs. */
static int bind_heads(const struct sp_detector *detector, struct sp_detector_size *size,
		      struct sp_err *err)
{
	const struct sp_model_card *card = detector->card;
	const struct sp_detect_outputs *outputs = &detector->outputs;
	unsigned int n = outputs->whole ? 1 : card->levels;

	for (unsigned int h = 0; h < SP_HEADS; h++) {
		for (unsigned int l = 0; l < n && sp_detect_values(card->decode, h); l++) {
			struct sp_shape shape;
			const char *name;
			const float *floats = sp_executor_output(
				size->executor, outputs->index[h][l], &name, &shape);
			char text[96];

			if (!sp_detect_bind(card, h, l, outputs->whole, floats, &shape,
					    size->levels))
				continue;
			return sp_err_set(
				err, -EINVAL,
				"%s: outputs do not fit an input of %u x %u: %s is %s, "
				"which is not what a %s of these strides and anchors has; "
				"look at its card (docs/models.md)",
				detector->model->name, size->width, size->height, name,
				sp_shape_text(&shape, text, sizeof(text)),
				sp_decode_kind_name(card->decode));
		}
	}
	return 0;
}

static int size_init(const struct sp_detector *detector, struct sp_detector_size *size,
		     uint32_t width, uint32_t height, struct sp_err *err)
{
	const int64_t shape[4] = { 1, 3, height, width };
	int rc = sp_executor_create(detector->model, shape, &detector->options, &size->executor,
				    err);

	if (rc)
		return rc;
	size->input = sp_executor_input(size->executor);
	size->width = width;
	size->height = height;
	sp_detect_levels(detector->card, width, height, size->levels);
	rc = bind_heads(detector, size, err);
	if (rc) {
		sp_executor_destroy(size->executor);
		memset(size, 0, sizeof(*size));
	}
	return rc;
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
	n = sp_detect_decode(detector->card, size->levels, score_min, detector->detections);
	return (int)sp_detect_suppress(detector->detections, n, detector->card->overlap_max);
}
