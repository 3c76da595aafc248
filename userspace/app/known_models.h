/* SPDX-License-Identifier: Apache-2.0 */
/* The models that this program knows by name and sha256: the recommended ones, and ours. */
#ifndef SP_APP_KNOWN_MODELS_H
#define SP_APP_KNOWN_MODELS_H

#include <stdint.h>

#include "infer/model_card.h"

enum sp_model_origin { SP_MODEL_UNKNOWN, SP_MODEL_RECOMMENDED, SP_MODEL_OURS };

struct sp_known_model {
	const char *file;
	const char *sha256; /* hexadecimal; "" of ours that are not trained yet */
	enum sp_model_role role;
	enum sp_model_origin origin;
	uint64_t bytes; /* 0: not pinned */
	const char *licence;
	/* Where its authors publish it. @path is NULL if they do not: it is a conversion. */
	const char *repository, *commit, *path;
};

/* Ends with a NULL file. */
extern const struct sp_known_model sp_known_models[];

/* "ours", "recommended", "unknown". */
const char *sp_model_origin_name(enum sp_model_origin origin);

/* The one of that file name, or NULL. */
const struct sp_known_model *sp_known_model_named(const char *file);
/* The one whose file has this @sha256 (hexadecimal), or NULL. */
const struct sp_known_model *sp_known_model_of(const char *sha256);
/* The one for a role; there is one of each of both origins. */
const struct sp_known_model *sp_known_model_for(enum sp_model_role role,
						enum sp_model_origin origin);

#endif
