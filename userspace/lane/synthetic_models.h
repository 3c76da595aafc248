/* SPDX-License-Identifier: Apache-2.0 */
/* Our own models as they are in models/. Written by tools/adopt-models from their cards. */
#ifndef SP_LANE_SYNTHETIC_MODELS_H
#define SP_LANE_SYNTHETIC_MODELS_H

#define SP_SYNTHETIC_DETECTOR_SHA256 \
	""
#define SP_SYNTHETIC_EMBEDDER_SHA256 \
	""
#define SP_SYNTHETIC_QUALITY_SHA256 \
	""
#define SP_SYNTHETIC_SAME_SIMILARITY 0.40f
#define SP_SYNTHETIC_THRESHOLDS_N 0
/* { similarity, false match rate } */
#define SP_SYNTHETIC_THRESHOLDS \
	{ 1, 1 }

#endif
