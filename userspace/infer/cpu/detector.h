/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A detector on one thread: an executor for each size of input that it has met, a few of them
 * kept.
 */
#ifndef SP_INFER_CPU_DETECTOR_H
#define SP_INFER_CPU_DETECTOR_H

#include <stdint.h>

#include "infer/cpu/executor.h"
#include "infer/detect.h"
#include "infer/detect_outputs.h"

struct sp_err;
struct sp_model;

enum { SP_DETECTOR_SIZES = 4 }; /* cameras of more sizes than this make executors over and over */

/* Ready for one size of input. */
struct sp_detector_size {
	struct sp_executor *executor;
	float *input; /* 3 × height × width */
	struct sp_detect_level levels[SP_CARD_LEVELS_MAX];
	uint32_t width, height;
	uint64_t used; /* counts up; the least is the first to go */
};

struct sp_detector {
	const struct sp_model *model;
	const struct sp_model_card *card;
	struct sp_detect_outputs outputs;
	struct sp_executor_options options; /* float32 unless changed before the first prepare */
	uint64_t uses;
	struct sp_detector_size sizes[SP_DETECTOR_SIZES];
	struct sp_detection detections[SP_DETECTIONS_MAX];
};

/* @model has been checked; it and @card outlive the detector. */
void sp_detector_init(struct sp_detector *detector, const struct sp_model *model,
		      const struct sp_model_card *card, const struct sp_detect_outputs *outputs);
void sp_detector_uninit(struct sp_detector *detector);

/*
 * Gets ready for an input of @width × @height (multiples of 32). Takes memory the first time that a
 * size is met, none after that while no more than SP_DETECTOR_SIZES sizes take turns. 0 or -errno.
 */
int sp_detector_prepare(struct sp_detector *detector, uint32_t width, uint32_t height,
			struct sp_detector_size **ret_size, struct sp_err *err);

/*
 * Runs on size->input. Faces, best first, are in detector->detections, in pixels of the input;
 * returns how many, or -EIO.
 */
int sp_detector_run(struct sp_detector *detector, struct sp_detector_size *size, float score_min);

#endif
