/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the device had work of the backend's batches: events before and after what each of them
 * puts into its stream, and the union of these times over all streams. What the device waits for
 * the host in between counts as work, so that it is never told too little.
 *
 * The program is linked with --wrap=sp_slot_look, --wrap=sp_slot_face (cuda/slot.h): the backend
 * calls gpu_busy.c, which calls them.
 */
#ifndef SP_BENCH_GPU_BUSY_H
#define SP_BENCH_GPU_BUSY_H

struct sp_err;

/* While no batch is inside: from here on it is counted. 0 or -errno with @err filled. */
int gpu_busy_begin(struct sp_err *err);
/* When none is inside any more. Seconds of work, or a negative errno with @err filled. */
double gpu_busy_end(struct sp_err *err);

#endif
