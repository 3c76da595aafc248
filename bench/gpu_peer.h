/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else runs the same networks on the same card, in a process of its own that is asked round by
 * round, so that heat and clocks meet both alike: bench/peers/gpu_torch.py --serve, or what
 * $SP_GPU_PEER says. Lines to it and back:
 *
 *	                      ready NAME VERSION      or any other line: it is not to be had
 *	prepare NAME SIDE N   ready                   or any other line: why not
 *	run RUNS              seconds OF-ONE-RUN
 */
#ifndef SP_BENCH_GPU_PEER_H
#define SP_BENCH_GPU_PEER_H

#include <stdint.h>
#include <sys/types.h>

struct sp_err;

enum { GPU_PEER_LINE = 512 };

struct gpu_peer {
	pid_t child; /* 0: none */
	int to, from;
	char heard[GPU_PEER_LINE]; /* not yet a line */
	size_t heard_n;
	char name[32], version[256]; /* "pytorch"; a line */
};

/* What follows: 0, or -errno with @err filled; after -ETIME and -EPIPE it is gone. */
int gpu_peer_start(struct gpu_peer *peer, const char *fixtures, double seconds, struct sp_err *err);
int gpu_peer_prepare(struct gpu_peer *peer, const char *name, uint32_t side, uint32_t n,
		     double seconds, struct sp_err *err);
int gpu_peer_run(struct gpu_peer *peer, unsigned int runs, double *ret_seconds, struct sp_err *err);
void gpu_peer_stop(struct gpu_peer *peer);

#endif
