/* SPDX-License-Identifier: Apache-2.0 */
#include "lane/compare.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

/*
 * weights/MobileFaceNet.onnx of github.com/foamliu/MobileFaceNet; the figures are measured by us.
 */
const struct sp_match_model sp_match_mobilefacenet = {
	.name = "MobileFaceNet",
	.sha256 = "b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507",
	.measured = "LFW, all pairs of its 13,233 photographs",
	.same_similarity = 0.40f,
	.thresholds_n = 3,
	.thresholds = { { 0.339f, 1e-3 }, { 0.413f, 1e-4 }, { 0.483f, 1e-5 } },
};

static const struct sp_match_model *const models[] = { &sp_match_mobilefacenet,
						       &sp_match_synthetic };

const struct sp_match_model *sp_match_model_find(const uint8_t sha256[32])
{
	char hex[2 * SP_MODEL_ID_SIZE + 1];

	for (int i = 0; i < SP_MODEL_ID_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (models[i]->thresholds_n && !strcmp(models[i]->sha256, hex))
			return models[i];
	return NULL;
}

float sp_match_same_similarity(const uint8_t sha256[32])
{
	const struct sp_match_model *model = sp_match_model_find(sha256);

	return (model ?: &sp_match_mobilefacenet)->same_similarity;
}

int sp_match_threshold_at(const struct sp_match_model *model, double fmr,
			  struct sp_match_threshold *ret_threshold, struct sp_err *err)
{
	const struct sp_match_threshold *t = model->thresholds;
	unsigned int last = model->thresholds_n - 1, i = 0;
	double share;

	if (!(fmr <= t[0].fmr && fmr >= t[last].fmr))
		return sp_err_set(
			err, -ERANGE,
			"false match rate %g: %s was measured from %g to %g; choose one of these",
			fmr, model->name, t[last].fmr, t[0].fmr);
	while (i + 1 < last && fmr < t[i + 1].fmr)
		i++;
	if (!last) {
		*ret_threshold = t[0];
		return 0;
	}
	share = log(t[i].fmr / fmr) / log(t[i].fmr / t[i + 1].fmr);
	*ret_threshold = (struct sp_match_threshold){
		.similarity =
			(float)(t[i].similarity + share * (t[i + 1].similarity - t[i].similarity)),
		.fmr = fmr,
	};
	return 0;
}

/* 10000 → "10,000". */
static void format_count(uint64_t n, char text[32])
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), at = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = 0;
}

char *sp_match_threshold_meaning(const struct sp_match_model *model,
				 const struct sp_match_threshold *threshold, char *text,
				 size_t size)
{
	char times[32];

	format_count((uint64_t)llround(1 / threshold->fmr), times);
	snprintf(text, size,
		 "two different people reach a similarity of %.3f once in %s comparisons (%s, %s)",
		 (double)threshold->similarity, times, model->name, model->measured);
	return text;
}

int sp_match_compare(const struct sp_template *a, const struct sp_template *b,
		     const struct sp_match_threshold *threshold,
		     struct sp_comparison *ret_comparison, struct sp_err *err)
{
	double dot = 0, aa = 0, bb = 0, similarity;

	if (!a->size || !b->size)
		return sp_err_set(
			err, -ENODATA,
			"compare: no template is kept of one of the faces; use another shot");
	if (a->size != b->size || memcmp(a->model_id, b->model_id, SP_MODEL_ID_SIZE))
		return sp_err_set(
			err, -EPROTO,
			"compare: the templates are of different models; embed both with one");
	for (uint32_t i = 0; i < a->size; i++) {
		dot += (double)a->embedding[i] * b->embedding[i];
		aa += (double)a->embedding[i] * a->embedding[i];
		bb += (double)b->embedding[i] * b->embedding[i];
	}
	if (!(aa > 0 && bb > 0 && isfinite(aa) && isfinite(bb)))
		return sp_err_set(err, -EDOM,
				  "compare: a template is damaged; embed the face again");
	similarity = fmax(-1, fmin(1, dot / sqrt(aa * bb)));
	*ret_comparison = (struct sp_comparison){
		.similarity = (float)similarity,
		.threshold = *threshold,
		.decision = (float)similarity >= threshold->similarity ? SP_MATCH : SP_NO_DECISION,
	};
	return 0;
}
