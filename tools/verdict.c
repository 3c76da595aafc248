/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <errno.h>
#include <stdio.h>

#include "base/diag.h"

/* 1e-4, or the nearest that was measured: synthetic travellers were too few for that. */
static double rate_of(const struct sp_verdict_options *options, const struct sp_match_model *model)
{
	double least = model->thresholds[model->thresholds_n - 1].fmr;

	if (options->fmr > 0)
		return options->fmr;
	return least > 1e-4 ? least : 1e-4;
}

int sp_verdict_prepare(const struct sp_verdict_options *options, const uint8_t model_id[32],
		       struct sp_verdict *ret_verdict, struct sp_err *err)
{
	const struct sp_match_model *model = sp_match_model_find(model_id);
	struct sp_verdict verdict = { 0 };
	int status;

	if (options->threshold != 0) {
		verdict.threshold.similarity = (float)options->threshold;
		snprintf(verdict.meaning, sizeof(verdict.meaning),
			 "a threshold of your own: its false match rate is not known");
	} else if (!model) {
		return sp_err_set(err, -ENODATA,
				  "no false match rates are known of this embedding model; give "
				  "--threshold, or use a model that `sallyport model list` calls "
				  "recommended or ours");
	} else {
		status = sp_match_threshold_at(model, rate_of(options, model), &verdict.threshold,
					       err);
		if (status)
			return sp_err_prefix(err, status, "--fmr");
		sp_match_threshold_meaning(model, &verdict.threshold, verdict.meaning,
					   sizeof(verdict.meaning));
	}
	*ret_verdict = verdict;
	return 0;
}

const char *sp_verdict_word(const struct sp_comparison *comparison)
{
	return comparison->decision == SP_MATCH ? "match" : "no decision";
}
