/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/model_card.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/diag.h"
#include "infer/align.h"
#include "infer/model.h"

const char *sp_model_role_name(enum sp_model_role role)
{
	static const char *const names[] = { "detector", "embedder", "quality", "other" };

	return names[role];
}

const char *sp_decode_kind_name(enum sp_decode_kind kind)
{
	static const char *const names[] = { "yunet", "scrfd", "retinaface" };

	return names[kind];
}

void sp_model_card_default(enum sp_model_role role, struct sp_model_card *ret_card)
{
	static const uint32_t strides[] = { 8, 16, 32 };

	memset(ret_card, 0, sizeof(*ret_card));
	ret_card->role = role;
	switch (role) {
	case SP_ROLE_DETECTOR:
		ret_card->input = sp_input_levels;
		ret_card->decode = SP_DECODE_YUNET;
		ret_card->levels = 3;
		memcpy(ret_card->stride, strides, sizeof(strides));
		ret_card->anchors = 1;
		ret_card->score_min = 0.6f;
		ret_card->overlap_max = 0.3f;
		/* Of our own detector; that of YuNet_n is about 0.04. */
		ret_card->landmark_error = 0.088f;
		return;
	case SP_ROLE_EMBEDDER:
		ret_card->input = sp_input_imagenet;
		ret_card->side = SP_ALIGNED_SIDE;
		break;
	default:
		ret_card->input = sp_input_signed;
		ret_card->side = SP_QUALITY_SIDE;
		ret_card->best = 1;
		break;
	}
	memcpy(ret_card->points, sp_align_template, sizeof(ret_card->points));
}

/* ---- the file beside the network ------------------------------------------------------------- */

/* NAME.yaml of NAME.onnx; of any other name, that and .yaml. -ENAMETOOLONG. */
static int card_path(const char *model, char path[SP_CARD_PATH])
{
	size_t n = strlen(model);

	if (n > 5 && !strcmp(model + n - 5, ".onnx"))
		n -= 5;
	return snprintf(path, SP_CARD_PATH, "%.*s.yaml", (int)n, model) < SP_CARD_PATH
		       ? 0
		       : -ENAMETOOLONG;
}

/* The bytes of @path, to be freed. -ENOENT: there is no such file. */
static int read_file(const char *path, char **ret_bytes, size_t *ret_size, struct sp_err *err)
{
	FILE *file = fopen(path, "re");
	char *bytes;
	size_t n;
	int failed;

	if (!file)
		return sp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	bytes = malloc(SP_CARD_BYTES_MAX + 1);
	n = bytes ? fread(bytes, 1, SP_CARD_BYTES_MAX + 1, file) : 0;
	failed = ferror(file);
	fclose(file);
	if (bytes && !failed && n <= SP_CARD_BYTES_MAX) {
		*ret_bytes = bytes;
		*ret_size = n;
		return 0;
	}
	free(bytes);
	if (!bytes)
		return sp_err_set(err, -ENOMEM, "%s: out of memory", path);
	if (failed)
		return sp_err_set(err, -EIO, "%s: it cannot be read", path);
	return sp_err_set(err, -EFBIG, "%s: more than %d bytes; this is no model card", path,
			  SP_CARD_BYTES_MAX);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether the card speaks of this network. */
static int check_model(const struct sp_model_card *card, const struct sp_model *model,
		       struct sp_err *err)
{
	if (*card->file && strcmp(card->file, base_name(model->name)))
		return sp_err_set(err, -EINVAL,
				  "%s: file: it is the card of %s, not of %s; give each network "
				  "its own",
				  card->path, card->file, base_name(model->name));
	if (card->pinned && memcmp(card->sha256, model->sha256, sizeof(card->sha256)))
		return sp_err_set(
			err, -EINVAL,
			"%s: sha256: not that of %s, which has %02x%02x%02x%02x…; get the "
			"file that the card was written for, or write the card anew",
			card->path, model->name, model->sha256[0], model->sha256[1],
			model->sha256[2], model->sha256[3]);
	return 0;
}

int sp_model_card_load(const struct sp_model *model, enum sp_model_role role,
		       struct sp_model_card *ret_card, struct sp_err *err)
{
	struct sp_model_card card;
	char path[SP_CARD_PATH], *bytes = NULL;
	struct sp_err why = { "" };
	size_t size = 0;
	int rc = card_path(model->name, path);

	if (rc)
		return sp_err_set(err, rc, "%s: the path is too long for a card", model->name);
	rc = read_file(path, &bytes, &size, &why);
	if (rc == -ENOENT && role != SP_ROLES) {
		sp_model_card_default(role, ret_card);
		return 0;
	}
	if (!rc)
		rc = sp_model_card_parse(bytes, size, path, role, &card, &why);
	free(bytes);
	if (rc)
		return sp_err_set(err, rc, "%s", why.text);
	strcpy(card.path, path);
	rc = check_model(&card, model, err);
	if (!rc)
		*ret_card = card;
	return rc;
}

/* ---- identity -------------------------------------------------------------------------------- */

/*
 * What becomes the embedder's input, as text: five digits of a factor, thousandths of a pixel, so
 * that one preprocessing written in two ways is one.
 */
static int describe(const struct sp_model_card *card, char *text, size_t size)
{
	int n = snprintf(text, size, "sallyport template: side %u, %s", card->side,
			 card->input.bgr ? "bgr" : "rgb");

	for (unsigned int c = 0; c < 3; c++)
		n += snprintf(text + n, size - (size_t)n, ", %.4e %.4f",
			      (double)card->input.scale[c], (double)card->input.shift[c] + 0.0);
	for (unsigned int i = 0; i < 5; i++)
		n += snprintf(text + n, size - (size_t)n, ", %.3f %.3f", (double)card->points[i][0],
			      (double)card->points[i][1]);
	return n;
}

void sp_model_card_identity(const struct sp_model_card *card, const struct sp_model *model,
			    uint8_t ret_id[32])
{
	struct sp_model_card usual;
	char bytes[SP_SHA256_SIZE + 512], text[512];
	int n;

	sp_model_card_default(SP_ROLE_EMBEDDER, &usual);
	describe(&usual, text, sizeof(text));
	memcpy(bytes, model->sha256, SP_SHA256_SIZE);
	n = describe(card, bytes + SP_SHA256_SIZE, sizeof(bytes) - SP_SHA256_SIZE);
	memcpy(ret_id, model->sha256, SP_SHA256_SIZE);
	if (!strcmp(text, bytes + SP_SHA256_SIZE))
		return;
	/* Never that of the file alone, come what may: templates must not compare by mistake. */
	if (EVP_Digest(bytes, SP_SHA256_SIZE + (size_t)n, ret_id, NULL, EVP_sha256(), NULL) != 1)
		memset(ret_id, 0, SP_SHA256_SIZE);
}
