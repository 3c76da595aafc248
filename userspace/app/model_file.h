/* SPDX-License-Identifier: Apache-2.0 */
/* What a model file is, by its shape and its content rather than by its name. */
#ifndef SP_APP_MODEL_FILE_H
#define SP_APP_MODEL_FILE_H

#include <stdint.h>

#include "app/known_models.h"
#include "infer/model_card.h"

struct sp_err;
struct sp_model;

enum { SP_SHA256_TEXT = 65, SP_MODEL_OPERATORS_MAX = 32 };

struct sp_model_operator {
	const char *type; /* as in the file; ends with the model */
	uint32_t n;
};

struct sp_model_figures {
	uint64_t parameters; /* constants that the network reads, once each */
	uint32_t nodes, operators_n;
	struct sp_model_operator operators[SP_MODEL_OPERATORS_MAX]; /* by name */
};

/*
 * What @model is: by its card, else by its shape what its kind is by default: the heads of YuNet;
 * an aligned face in, a vector or a figure out. Its role is SP_ROLES where neither tells. 0, or
 * -errno with @err filled: there is a card, and it is no good.
 */
int sp_model_card_of(const struct sp_model *model, struct sp_model_card *ret_card,
		     struct sp_err *err);

/* Of the network as it is run: folded and fused, with fewer nodes than the file. 0 or -ENOMEM. */
int sp_model_figures(const struct sp_model *model, struct sp_model_figures *ret_figures);

/* Returns @text. */
char *sp_sha256_text(const uint8_t sha256[32], char text[SP_SHA256_TEXT]);

#endif
