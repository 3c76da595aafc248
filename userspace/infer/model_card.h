/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a network's file does not say of itself: what it is for, how its input is made and its
 * output read. A card is a small YAML file beside the network, NAME.yaml for NAME.onnx; its fields
 * are in docs/models.md. A network without a card is one of the kinds that the program knows.
 */
#ifndef SP_INFER_MODEL_CARD_H
#define SP_INFER_MODEL_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/input.h"

struct sp_err;
struct sp_model;

/* SP_ROLES: any, or none of these. */
enum sp_model_role { SP_ROLE_DETECTOR, SP_ROLE_EMBEDDER, SP_ROLE_QUALITY, SP_ROLES };

/* How a detector's outputs become faces. */
enum sp_decode_kind { SP_DECODE_YUNET, SP_DECODE_SCRFD, SP_DECODE_RETINAFACE, SP_DECODES };

/* What a detector gives of each anchor; YuNet alone has objectness. */
enum sp_head_kind {
	SP_HEAD_SCORES,
	SP_HEAD_BOXES,
	SP_HEAD_LANDMARKS,
	SP_HEAD_OBJECTNESS,
	SP_HEADS
};

enum {
	SP_CARD_BYTES_MAX = 1 << 16, /* of a card's file */
	SP_CARD_PATH = 4096,
	SP_CARD_TEXT = 256,
	SP_CARD_NAME = 128, /* of an output, as SP_GRAPH_NAME_MAX */
	SP_CARD_LEVELS_MAX = 5, /* strides of a detector */
	SP_CARD_ANCHORS_MAX = 4, /* a cell */
	SP_CARD_STRIDE_MAX = 128,
	SP_CARD_SIDE_MIN = 32, /* of an aligned face */
	SP_CARD_SIDE_MAX = 256,
	SP_QUALITY_SIDE = 96, /* of LightQNet */
};

struct sp_model_card {
	char path[SP_CARD_PATH]; /* of the card; "": none, these are the role's defaults */
	enum sp_model_role role;
	char title[SP_CARD_TEXT], licence[SP_CARD_TEXT], note[SP_CARD_TEXT];
	bool pinned; /* sha256 is given */
	uint8_t sha256[32]; /* that the network's file must have */
	char file[SP_CARD_NAME]; /* that it must be called; "": whatever */

	struct sp_input_form input;

	/* Detectors. */
	enum sp_decode_kind decode;
	unsigned int levels;
	uint32_t stride[SP_CARD_LEVELS_MAX]; /* finest first */
	unsigned int anchors; /* a cell */
	float anchor[SP_CARD_LEVELS_MAX][SP_CARD_ANCHORS_MAX]; /* RETINAFACE: sides, pixels */
	float variance[2]; /* RETINAFACE: of centres and landmarks, of sides */
	bool logits; /* scores are not yet between 0 and 1: sigmoid, or softmax of two */
	float score_min, overlap_max; /* where nobody sets others */
	float landmark_error; /* mean distance from the true ones, in eye distances */
	/* Names of the outputs, by level, or one for all levels; "": found by their shapes. */
	char output[SP_HEADS][SP_CARD_LEVELS_MAX][SP_CARD_NAME];

	/* Embedders and quality networks: they look at an aligned face. */
	uint32_t side; /* pixels */
	float points[5][2]; /* where its landmarks lie, pixels of SP_ALIGNED_SIDE squared */
	uint32_t size; /* EMBEDDER: numbers it gives; 0: as its file says */
	float worst, best; /* QUALITY: outputs that mean 0 and 1 */
};

/* "detector", "embedder", "quality", "other". */
const char *sp_model_role_name(enum sp_model_role role);
/* "yunet", "scrfd", "retinaface". */
const char *sp_decode_kind_name(enum sp_decode_kind kind);

/* What holds for @role without a card: YuNet, MobileFaceNet, LightQNet. */
void sp_model_card_default(enum sp_model_role role, struct sp_model_card *ret_card);

/*
 * The card of @model: the file beside it if there is one, else what @role is by default. Checked
 * against the model's name and sha256. @role SP_ROLES: whatever the card says; -ENOENT without one.
 * 0; -errno with @err naming file, line and field: a card that is no YAML, a field that is unknown,
 * missing, of another role or out of range, a sha256 that is not the file's.
 */
int sp_model_card_load(const struct sp_model *model, enum sp_model_role role,
		       struct sp_model_card *ret_card, struct sp_err *err);

/* The same from @size bytes in memory; @name stands in messages. Not checked against a model. */
int sp_model_card_parse(const void *bytes, size_t size, const char *name, enum sp_model_role role,
			struct sp_model_card *ret_card, struct sp_err *err);

/*
 * What templates of an embedder are marked with: sha256 of its file, and where its card departs
 * from the default of what becomes its input, of both. Templates of different identities do not
 * compare. The precision (infer/precision.h) is no part of it.
 */
void sp_model_card_identity(const struct sp_model_card *card, const struct sp_model *model,
			    uint8_t ret_id[32]);

#endif
