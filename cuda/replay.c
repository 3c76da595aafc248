/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/replay.h"

#include <errno.h>
#include <string.h>

#include "cuda/check.h"

/* The work as a graph. 0, -ENODEV, or another -errno: this cannot be captured. */
static int capture(struct sp_replay *replay, cudaStream_t stream, sp_replay_fn work, void *arg)
{
	cudaGraph_t graph = NULL;
	int rc = SP_CUDA(NULL, cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	int ended;

	if (rc)
		return rc;
	rc = work(arg, stream, NULL);
	/* Whatever became of it, the capture must end. */
	ended = SP_CUDA(NULL, cudaStreamEndCapture(stream, &graph));
	rc = rc ? rc : ended;
	if (!rc)
		rc = SP_CUDA(NULL, cudaGraphInstantiate(&replay->exec, graph, 0));
	if (rc)
		replay->exec = NULL;
	if (graph)
		(void)SP_CUDA(NULL, cudaGraphDestroy(graph));
	return rc;
}

int sp_replay_run(struct sp_replay *replay, uint64_t key, cudaStream_t stream, sp_replay_fn work,
		  void *arg, struct sp_err *err)
{
	bool again = replay && replay->met && !replay->plain && replay->key == key;

	if (!again) {
		if (replay && !replay->met)
			replay->key = key;
		if (replay)
			replay->met = true;
		return work(arg, stream, err);
	}
	if (!replay->exec) {
		int rc = capture(replay, stream, work, arg);

		/* A lost device says so again, with words, when the work goes in. */
		replay->plain = rc != 0;
		if (rc)
			return work(arg, stream, err);
	}
	return SP_CUDA(err, cudaGraphLaunch(replay->exec, stream));
}

void sp_replay_uninit(struct sp_replay *replay)
{
	if (replay->exec)
		(void)SP_CUDA(NULL, cudaGraphExecDestroy(replay->exec));
	memset(replay, 0, sizeof(*replay));
}
