/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1:1 comparison of two faces by their templates, and what its threshold means.
 *
 * The outcome is a match or no decision: a low similarity says that these two pictures do not show
 * it, never that a person is someone else.
 */
#ifndef SP_LANE_COMPARE_H
#define SP_LANE_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "lane/encounter.h"

struct sp_err;

/* Of pairs of different people, the share @fmr (false match rate) reaches @similarity (cosine). */
struct sp_match_threshold {
	float similarity;
	double fmr;
};

enum { SP_MATCH_THRESHOLDS_MAX = 8 };

/* What was measured of an embedding network, the highest rate first. */
struct sp_match_model {
	const char *name;
	const char *sha256; /* of the model's file, hexadecimal */
	const char *measured; /* on what, for people */
	/* Cosine from which two faces that one lane sees at one time are one person's. */
	float same_similarity;
	unsigned int thresholds_n;
	struct sp_match_threshold thresholds[SP_MATCH_THRESHOLDS_MAX];
};

extern const struct sp_match_model sp_match_mobilefacenet;
/* Ours, trained on synthetic travellers and measured on others; without any until it is trained. */
extern const struct sp_match_model sp_match_synthetic;

/* The figures of the model whose file has this @sha256, or NULL if none were measured. */
const struct sp_match_model *sp_match_model_find(const uint8_t sha256[32]);

/* same_similarity of the model whose file has this @sha256; of an unknown one, MobileFaceNet's. */
float sp_match_same_similarity(const uint8_t sha256[32]);

/*
 * The threshold at the wanted false match rate, interpolated in log rate between the measured ones.
 * 0, or -ERANGE with @err filled outside what was measured: nothing is known there.
 */
int sp_match_threshold_at(const struct sp_match_model *model, double fmr,
			  struct sp_match_threshold *ret_threshold, struct sp_err *err);

/* "a pair of different people … once in 10,000 comparisons (…)". Returns @text. */
char *sp_match_threshold_meaning(const struct sp_match_model *model,
				 const struct sp_match_threshold *threshold, char *text,
				 size_t size);

/* A face as a network wrote it down. */
struct sp_template {
	const uint8_t *model_id; /* SP_MODEL_ID_SIZE bytes */
	const float *embedding;
	uint32_t size; /* floats */
};

struct sp_comparison {
	float similarity; /* cosine, -1 … 1 */
	struct sp_match_threshold threshold;
	enum sp_decision decision; /* SP_MATCH or SP_NO_DECISION */
};

/*
 * 0; -EPROTO if the templates are not of one model and size; -ENODATA if one is empty; -EDOM if one
 * is no direction (all zero, or not finite). @err is filled.
 */
int sp_match_compare(const struct sp_template *a, const struct sp_template *b,
		     const struct sp_match_threshold *threshold,
		     struct sp_comparison *ret_comparison, struct sp_err *err);

/* A face of one set and a face of another, by their places in them, and how similar they are. */
struct sp_pair {
	uint32_t a, b;
	float similarity;
};

/*
 * One to one, the most similar first: puts into @pairs, in that order, those of its @n pairs that
 * share no face with a better one, and returns how many. Equal ones go by @a, then by @b.
 */
uint32_t sp_match_pairs(struct sp_pair *pairs, uint32_t n);

#endif
