/* SPDX-License-Identifier: Apache-2.0 */
/* Our own models as they are in models/. Written by tools/adopt-models from their cards. */
#ifndef SP_LANE_SYNTHETIC_MODELS_H
#define SP_LANE_SYNTHETIC_MODELS_H

#define SP_SYNTHETIC_DETECTOR_SHA256 \
	"bf5123d6f019d80549b4b9f66b4917caff0327b40a6de2a3df5dd03828014451"
#define SP_SYNTHETIC_EMBEDDER_SHA256 \
	"ae4edfda20e8db1d8b342bd23f02572569220f60d5ed116ab3a8fad765b30b45"
#define SP_SYNTHETIC_QUALITY_SHA256 \
	"b09359472ed6484ef38968430fd82e17402791c408a945b05bfbff304e81aedd"
#define SP_SYNTHETIC_SAME_SIMILARITY 0.4573f
#define SP_SYNTHETIC_THRESHOLDS_N 4
/* { similarity, false match rate } */
#define SP_SYNTHETIC_THRESHOLDS \
	{ 0.3452f, 0.01 }, { 0.4573f, 0.001 }, { 0.5411f, 0.0001 }, { 0.612f, 1e-05 }

#endif
