/* SPDX-License-Identifier: Apache-2.0 */
/* The threshold of a 1:1 comparison, chosen on the command line, and the words for its outcome. */
#ifndef SP_TOOLS_VERDICT_H
#define SP_TOOLS_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"
#include "lane/compare.h"

struct sp_verdict_options {
	double fmr;	  /* 0: 1e-4, or the least that was measured */
	double threshold; /* 0: by fmr */
};

#define SP_VERDICT_OPTIONS(verdict)                                                                \
	{ "fmr", 0, SP_OPT_DOUBLE, &(verdict).fmr, "RATE",                                         \
	  "false match rate that the threshold is for (1e-4)", 1e-12, 1 },                         \
	{ "threshold", 0, SP_OPT_DOUBLE, &(verdict).threshold, "COSINE",                           \
	  "a threshold of your own, for a model whose rates are not known", -1, 1 }

struct sp_verdict {
	struct sp_match_threshold threshold; /* fmr 0: not known */
	char meaning[320];
};

/* The threshold for templates of the model with this sha256. 0 or -errno with @err filled. */
int sp_verdict_prepare(const struct sp_verdict_options *options, const uint8_t model_id[32],
		       struct sp_verdict *ret_verdict, struct sp_err *err);

/* "match" or "no decision", for people. */
const char *sp_verdict_word(const struct sp_comparison *comparison);

#endif
