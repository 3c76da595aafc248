/* SPDX-License-Identifier: Apache-2.0 */
#include "lane/compare.h"
#include "lane/synthetic_models.h"

/* The name says more than a file's: no figure of it is one of the field's. */
const struct sp_match_model sp_match_synthetic = {
	.name = "sallyport_embedder",
	.sha256 = SP_SYNTHETIC_EMBEDDER_SHA256,
	.measured = "synthetic travellers, which does not predict the field",
	.same_similarity = SP_SYNTHETIC_SAME_SIMILARITY,
	.thresholds_n = SP_SYNTHETIC_THRESHOLDS_N,
	.thresholds = { SP_SYNTHETIC_THRESHOLDS },
};
