/* SPDX-License-Identifier: Apache-2.0 */
/* The part of bench/infer that begins with a frame: end to end, and pre-processing alone. */
#ifndef SP_BENCH_INFER_FRAME_H
#define SP_BENCH_INFER_FRAME_H

struct sp_bench;

/*
 * A 5-megapixel BayerRG8 frame of two people to faces, embeddings and scores, by one and by two
 * workers; its detector's input alone, beside memcpy of the same bytes. Says what it cannot measure.
 */
void infer_frame_measure(struct sp_bench *bench, unsigned int rounds);

#endif
