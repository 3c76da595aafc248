/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a detector finds of synthetic travellers, and how well an embedder tells them apart. Figures
 * of synthetic people compare models and guard against mistakes; they do not predict the field's.
 */
#ifndef LANESIM_MEASURE_H
#define LANESIM_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

struct sp_err;

struct lanesim_measure {
	const char *model; /* path of an ONNX file */
	uint64_t seed;
	uint32_t n; /* pictures or vehicles, or people */
	uint32_t threads;     /* 0: one a CPU */
	bool progress; /* a bar on a terminal */
};

/* ---- detectors ------------------------------------------------------------------------------ */

enum lanesim_stage {
	LANESIM_HEADS, /* single people of 256 × 256, 40 … 70 pixels between the eyes, yaw ≤ 30° */
	LANESIM_LANES, /* vehicles seen from every post, a fifth of them empty, a tenth no vehicle */
};

struct lanesim_detection_measure {
	struct lanesim_measure common;
	enum lanesim_stage stage;
	float score_min; /* the detector's threshold */
	/*
	 * Between the eyes as they are seen, pixels: faces that are smaller or turned away neither
	 * count nor count as false.
	 */
	float eye_distance_min;
};

/* Faces count if at least 60 % of them can be seen; hidden ones are neither missed nor false. */
struct lanesim_detection_figures {
	uint32_t pictures, faces, found, false_faces;
	double score; /* mean of those found */
	/* Mean error, in distances between the eyes were the face turned here … */
	double landmark;
	double landmarks[5]; /* … and of each */
	double offset[5][2]; /* mean, along the line of the eyes and across it, down */
};

int lanesim_measure_detector(const struct lanesim_detection_measure *measure,
			     struct lanesim_detection_figures *ret_figures, struct sp_err *err);

/* ---- embedders ------------------------------------------------------------------------------ */

enum {
	LANESIM_RATES = 3,
	LANESIM_MEASURED_MAX = 32768, /* pictures: their pairs take 2 GiB */
};

struct lanesim_embedding_measure {
	struct lanesim_measure common; /* n people, apart.h's filter between them */
	uint32_t shots; /* of each; fair ones, yaw ≤ 15°; n × shots ≤ LANESIM_MEASURED_MAX */
	/* Another embedder that keeps people apart too (likeness.h); NULL: none. */
	const char *judge;
	float judge_cosine;
};

struct lanesim_embedding_figures {
	uint32_t people, pictures;
	double genuine, impostor; /* mean cosines */
	/*
	 * At false accept rates 1e-2, 1e-3, 1e-4 over all pairs: the threshold, true accepts there.
	 */
	double rate[LANESIM_RATES], threshold[LANESIM_RATES], accepted[LANESIM_RATES];
};

int lanesim_measure_embedder(const struct lanesim_embedding_measure *measure,
			     struct lanesim_embedding_figures *ret_figures, struct sp_err *err);

#endif
