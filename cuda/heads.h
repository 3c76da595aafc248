/* SPDX-License-Identifier: Apache-2.0 */
/* Where a detector's heads lie in what its network leaves on the device. */
#ifndef SP_CUDA_HEADS_H
#define SP_CUDA_HEADS_H

#include "cuda/decode.h"
#include "cuda/network.h"
#include "infer/detect_outputs.h"

struct sp_err;

/*
 * All that sp_decode_launch needs, for the outputs of @network as it is bound, whose input is
 * @width × @height. 0; -EINVAL, -ENOTSUP with @err filled: an output is of another input or other
 * anchors, or lies as no head can.
 */
int sp_heads_bind(const struct sp_model_card *card, const struct sp_detect_outputs *outputs,
		  const char *model, const struct sp_network *network, uint32_t width,
		  uint32_t height, float score_min, struct sp_decode *ret_decode,
		  struct sp_err *err);

/* One output; exposed for tests. 0, -EINVAL, -ENOTSUP. */
int sp_heads_place(const struct sp_model_card *card, enum sp_head_kind head, unsigned int level,
		   bool whole, const struct sp_network_output *output, struct sp_decode *decode);

#endif
