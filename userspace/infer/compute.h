/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PORT: compute. Frames in, faces out, whatever does the arithmetic. Implementations:
 * cpu/backend.c, none.c, the CUDA plugin (cuda/backend.c, through plugin.h), and failover.c, which
 * puts one of them in another's place.
 *
 * submit moves frames to the backend. Of each comes exactly one result, which holds the faces or, as
 * a tombstone, the cause why there are none to speak of. Results come in any order. A result needs
 * no pixels: portraits are small RGB pictures from a pool of the backend's. The frame itself comes
 * back once: from release, as soon as its pixels have been copied, where a backend copies them, else
 * in its result.
 *
 * Threads: open, close, register_region: main. submit, release, poll, put: one thread. The rest: any
 * thread.
 */
#ifndef SP_INFER_COMPUTE_H
#define SP_INFER_COMPUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/precision.h"
#include "infer/tile.h"

struct sp_compute;
struct sp_err;
struct sp_event;
struct sp_frame;
struct sp_gallery;
struct sp_region;

enum {
	SP_FACES_MAX = 16, /* a frame; more are dropped, weakest first, and counted */
	SP_EMBEDDING_MAX = 512, /* floats */
	SP_PORTRAIT_MAX = 256, /* pixels a side */
	SP_MODEL_ID_SIZE = 32, /* bytes */
	SP_HITS_MAX = 64, /* of a search */
	SP_COMPUTE_TEXT = 256, /* bytes of a backend's description */
};

/* Why a face may not be used; a face without any is valid. */
enum sp_face_reason {
	SP_FACE_TOO_SMALL = 1 << 0, /* eyes too close together */
	SP_FACE_TURNED = 1 << 1, /* yaw, pitch or roll too large */
	SP_FACE_BLURRED = 1 << 2,
	SP_FACE_DARK = 1 << 3,
	SP_FACE_BRIGHT = 1 << 4,
	SP_FACE_DAMAGED = 1 << 5, /* packets missing under it */
	SP_FACE_CUT = 1 << 6, /* touches the border of the image, or of all that was looked at */
	SP_FACE_POOR = 1 << 7, /* the quality network's score is too low */
	SP_FACE_UNDEREXPOSED = 1 << 8, /* too much of it is black */
	SP_FACE_OVEREXPOSED = 1 << 9, /* too much of it is white */
	SP_FACE_FLAT = 1 << 10, /* too little contrast, or too few levels */
	SP_FACE_UNEVEN = 1 << 11, /* lit from one side */
	SP_FACE_NEAR_BORDER = 1 << 12, /* too little of the image around it */
	SP_FACE_REASONS = 13,
};

/* "too_small", … for bit @i < SP_FACE_REASONS. */
const char *sp_face_reason_name(unsigned int i);

/* Definitions: infer/quality.h; for people: docs/quality.md. */
struct sp_quality {
	float eye_distance; /* pixels */
	float yaw, pitch, roll; /* degrees, estimated from the landmarks */
	float sharpness; /* squared grey levels */
	float exposure; /* mean luminance, 0 … 1 */
	float occlusion; /* share of the box lost with missing packets, 0 … 1 */
	float network; /* the quality network's score, 0 … 1 */
	float score; /* one figure to rank shots of a person by, 0 … 1 */
	/* 1: what follows is known. 0, of records that are older than it: all of it is 0. */
	uint32_t detailed;
	float yaw_error, pitch_error, roll_error; /* degrees, either way */
	float underexposed, overexposed; /* shares of the face, 0 … 1 */
	float dynamic_range; /* bits, 0 … 8 */
	float contrast; /* 0 … 0.5 */
	float evenness; /* of the light left and right, 0 … 1 */
	float aligned_occlusion; /* as occlusion, of the aligned picture */
	/* From between the eyes to the borders of the frame, in eye distances. */
	float margin_left, margin_above, margin_right, margin_below;
};

struct sp_portrait {
	uint32_t width, height;
	uint8_t rgb[SP_PORTRAIT_MAX * SP_PORTRAIT_MAX * 3]; /* rows without padding */
};

struct sp_face {
	float box[4]; /* x, y, width, height in pixels of the frame */
	/* The person's right eye, left eye, nose, right and left mouth corner. */
	float landmark[5][2];
	float score; /* the detector's, 0 … 1 */
	struct sp_quality quality;
	uint32_t reasons; /* enum sp_face_reason; 0 = valid */
	bool embedded;
	float embedding[SP_EMBEDDING_MAX]; /* L2-normalised; info.embedding_size floats */
	struct sp_portrait *portrait; /* NULL if the pool was empty */
};

enum sp_result_cause {
	SP_RESULT_FACES, /* looked at; perhaps no face */
	SP_RESULT_SHED, /* dropped before compute: too many waiting */
	SP_RESULT_UNREADABLE, /* pixel format or geometry that this backend cannot read */
	SP_RESULT_FAILED, /* the backend's error, see `error` */
	SP_RESULT_UNSEEN, /* there is no detector: frames are received and accounted for */
	SP_RESULT_LOST, /* it was in a device that failed or hung */
	SP_RESULT_CAUSES,
};

/* "faces", "shed", … */
const char *sp_result_cause_name(enum sp_result_cause cause);

struct sp_result {
	struct sp_frame *frame; /* goes back to its source; NULL once that is done, or by release */
	void *owner; /* whose it is, where backends stand in for each other (failover.c) */
	/* Copied from the frame, for when it is gone. */
	uint32_t stream;
	uint16_t lane, camera;
	uint32_t width, height;
	uint64_t block_id, device_ticks, exposure_ns, last_ns;
	uint32_t frame_flags;
	/*
	 * What came of it. Look at the cause first: where it is not SP_RESULT_FACES, faces that are
	 * here are those of an attempt that failed, kept only so that put finds their portraits.
	 */
	enum sp_result_cause cause;
	int error;
	uint64_t submitted_ns, done_ns;
	uint32_t faces_n, faces_dropped;
	struct sp_face faces[SP_FACES_MAX];
};

/* Everything of @result but its faces: what the frame was, SP_RESULT_FACES, no error. */
void sp_result_begin(struct sp_result *result, struct sp_frame *frame);

struct sp_quality_limits {
	float eye_distance_min; /* pixels */
	float yaw_max, pitch_max, roll_max; /* degrees */
	float sharpness_min, exposure_min, exposure_max, network_min;
	float underexposed_max, overexposed_max, dynamic_range_min, contrast_min, evenness_min;
	float occlusion_max; /* what may be lost; 0: nothing */
	float margin_min; /* eye distances, on each side */
};

/* A camera of whose frames something else is looked at than of those of others. */
struct sp_compute_camera {
	uint16_t lane, camera; /* as frames carry them */
	struct sp_tile_config tiles;
};

struct sp_compute_config {
	/*
	 * ONNX files, each with a card beside it or of the kind that its role has by default
	 * (infer/model_card.h). embedder, quality may be NULL: no templates, no network score.
	 */
	const char *detector, *embedder, *quality;
	enum sp_precision precision;
	unsigned int workers; /* 0: one a CPU */
	unsigned int in_flight; /* frames and results that may be in the backend at once */
	unsigned int detect_width, detect_height; /* network input; 0: the frame's own size */
	struct sp_tile_config tiles; /* what is looked at of a frame; zeroed: the whole */
	const struct sp_compute_camera *cameras; /* with wishes of their own; copied */
	unsigned int cameras_n;
	float score_min; /* the detector's threshold, 0: as its card says */
	struct sp_quality_limits limits;
	bool embed_invalid; /* embed faces that are not valid too */
	/* Of backends that copy frames to a device and compute many at once; others need none. */
	uint64_t frame_bytes; /* of the largest frame; 0: 16 MiB */
	unsigned int batch; /* frames at once, at most; 0: as the device likes */
	uint32_t batch_wait_us; /* that a frame waits for others at most; 0: 2000 */
	unsigned int device; /* which, where there are several */
	const char *cache; /* a directory for what was measured of the device; NULL: none */
	struct sp_event *done; /* signalled when poll has something; may be NULL */
};

struct sp_compute_info {
	const char *backend;
	const char *kernels; /* what computes: "avx512", …; NULL: nothing is computed */
	enum sp_precision precision; /* of these, never AUTO */
	unsigned int embedding_size; /* floats; 0 without an embedder */
	unsigned int work; /* frames inside that keep it busy; 0: two a worker */
	/*
	 * sha256 of the embedder's file, and of its preprocessing where that is not the usual one
	 * (sp_model_card_identity). Precision is no part of it: templates of one aligned face in
	 * bf16 and in f32 have a cosine of 0.998 or more (tests/parity), far closer than two
	 * photographs of one person, and compare.
	 */
	uint8_t embedder_id[SP_MODEL_ID_SIZE];
};

struct sp_hit {
	uint32_t index; /* row of the gallery */
	float similarity;
};

struct sp_compute_ops {
	const char *name;
	int (*open)(const struct sp_compute_config *config, struct sp_compute **ret_compute,
		    struct sp_err *err);
	void (*close)(struct sp_compute *compute);
	/*
	 * Describes what would compute, in one line, or says why nothing would: -errno with @err
	 * filled. Needs no open. NULL: nothing to look for.
	 */
	int (*probe)(unsigned int device, char text[SP_COMPUTE_TEXT], struct sp_err *err);
	/*
	 * Before the first frame of the region is submitted. The region outlives the backend, or is
	 * forgotten before it goes, when none of its frames is inside. forget_region may be NULL.
	 */
	int (*register_region)(struct sp_compute *compute, struct sp_region *region,
			       struct sp_err *err);
	void (*forget_region)(struct sp_compute *compute, struct sp_region *region);
	/* Returns how many of the frames it took, in order: [0, n]. Never waits. */
	unsigned int (*submit)(struct sp_compute *compute, struct sp_frame *const *frames,
			       unsigned int n);
	/* Up to @max finished results; returns how many. Never waits. */
	unsigned int (*poll)(struct sp_compute *compute, struct sp_result **results,
			     unsigned int max);
	/*
	 * Up to @max frames whose pixels are no longer needed; returns how many. They go back to
	 * their source now, and their results come without them. Never waits. NULL: all come in
	 * results.
	 */
	unsigned int (*release)(struct sp_compute *compute, struct sp_frame **frames,
				unsigned int max);
	/* The result's frame must have gone back to its source. */
	void (*put)(struct sp_compute *compute, struct sp_result *result);
	/*
	 * Gets ready to search @rows templates of @size floats, row-major and L2-normalised, which
	 * must stay until the gallery is closed, and do not change. 0 or -errno with @err filled.
	 */
	int (*gallery_open)(struct sp_compute *compute, const float *rows, uint32_t rows_n,
			    uint32_t size, struct sp_gallery **ret_gallery, struct sp_err *err);
	void (*gallery_close)(struct sp_compute *compute, struct sp_gallery *gallery);
	/*
	 * For each of @queries_n queries (@size floats each) the @k ≤ SP_HITS_MAX most similar rows,
	 * best first, equal ones by lower index, into hits[query × k …]. Similarities are float32 dot
	 * products whatever the backend sorted out beforehand. Returns how many for each: min(k,
	 * rows), or -errno.
	 */
	int (*search)(struct sp_compute *compute, const struct sp_gallery *gallery,
		      const float *queries, uint32_t queries_n, uint32_t k, struct sp_hit *hits);
};

struct sp_compute {
	const struct sp_compute_ops *ops;
	struct sp_compute_info info;
};

extern const struct sp_compute_ops sp_compute_cpu;
/* Looks at nothing: for lanes whose encounters are triggered, where there are no models. */
extern const struct sp_compute_ops sp_compute_none;
/*
 * cuda.c. Of these only name, open and probe are set: what they open has ops of its own. "cuda" is the
 * plugin, with the CPU to stand in while its device is lost, and refuses to open without one; "auto" is
 * that where it opens, else the CPU.
 */
extern const struct sp_compute_ops sp_compute_cuda, sp_compute_auto;

#endif
