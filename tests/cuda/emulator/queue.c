/* SPDX-License-Identifier: Apache-2.0 */
/* Which work comes next, by what must come before it and by chance. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "chance.h"
#include "runtime.h"

/* The default stream waits for what others have, and they for it, unless made not to. */
static cudaStream_t older_work(cudaStream_t stream)
{
	cudaStream_t by_default = sp_stream_find(NULL);

	if (stream->flags & cudaStreamNonBlocking)
		return NULL;
	for (cudaStream_t other = sp_streams_first(); other; other = other->next) {
		if (other == stream || !other->first || other->flags & cudaStreamNonBlocking)
			continue;
		if ((stream == by_default || other == by_default) &&
		    other->first->number < stream->first->number)
			return other;
	}
	return NULL;
}

/*
 * The stream whose work is to be done so that @stream gets on: itself, or one that it waits for.
 * NULL: none can.
 */
static cudaStream_t needed(cudaStream_t stream)
{
	for (;;) {
		const struct sp_work *work = stream->first;
		const struct sp_moment *moment = NULL;
		cudaStream_t other;

		if (!work)
			return NULL;
		other = older_work(stream);
		if (!other) {
			if (work->kind == SP_WORK_WAIT)
				moment = work->moment;
			else if (work->kind == SP_WORK_GRAPH)
				moment = work->before;
			if (!moment || moment->done)
				return stream;
			other = moment->stream;
		}
		stream = other;
	}
}

static void node_step(struct sp_work *work)
{
	const struct sp_recording *graph = work->graph;
	uint32_t ready_n = 0, chosen = 0;

	if (!work->node_done) {
		work->node_done = calloc(graph->nodes_n + 1, 1);
		if (!work->node_done)
			sp_emulator_fault("no memory for a graph");
		work->nodes_left = graph->nodes_n;
	}
	if (!work->nodes_left)
		return;
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_recorded *node = &graph->nodes[i];
		bool ready = !work->node_done[i];

		for (uint32_t j = 0; ready && j < node->after_n; j++)
			ready = work->node_done[node->after[j]];
		/* Each of those that could be with the same chance. */
		if (ready && !sp_chance(++ready_n))
			chosen = i;
	}
	sp_work_do(graph->nodes[chosen].work);
	work->node_done[chosen] = 1;
	work->nodes_left--;
}

/* The first of @stream's work, or a part of it. */
static void step(cudaStream_t stream)
{
	struct sp_work *work = stream->first;

	if (!sp_runtime_works())
		return;
	sp_runtime.done++;
	if (work->kind == SP_WORK_GRAPH) {
		node_step(work);
		if (work->nodes_left)
			return;
	} else {
		sp_work_do(work);
	}
	if (work->moment && work->kind != SP_WORK_WAIT) {
		work->moment->done = true;
		work->moment->clock_ns = sp_runtime.clock_ns;
	}
	stream->first = work->next;
	if (!stream->first)
		stream->end = &stream->first;
	sp_work_destroy(work);
}

/* One that could go on, by chance; NULL: none. */
static cudaStream_t any(void)
{
	cudaStream_t chosen = NULL;
	uint32_t n = 0;

	for (cudaStream_t stream = sp_streams_first(); stream; stream = stream->next)
		if (stream->first && needed(stream) == stream && !sp_chance(++n))
			chosen = stream;
	return chosen;
}

static bool finished(cudaStream_t stream, const struct sp_moment *moment)
{
	if (moment)
		return moment->done;
	if (stream)
		return !stream->first;
	for (stream = sp_streams_first(); stream; stream = stream->next)
		if (stream->first)
			return false;
	return true;
}

cudaError_t sp_queue_finish(cudaStream_t stream, const struct sp_moment *moment)
{
	/* Of four pieces of work, how many are done that nobody waits for. */
	uint32_t others = sp_chance(3) * 2;

	if (moment)
		stream = moment->stream;
	while (!finished(stream, moment)) {
		cudaStream_t then = !stream || sp_chance(4) < others ? any() : needed(stream);

		if (then)
			step(then);
		if (sp_runtime.lost != cudaSuccess)
			return sp_runtime.lost;
		if (sp_runtime.hung)
			sp_emulator_fault("%s waits for a device that hangs: it would never return",
					  sp_runtime.call);
		if (!then)
			sp_emulator_fault("%s waits for what never comes", sp_runtime.call);
	}
	return sp_runtime.lost;
}

void sp_queue_progress(void)
{
	uint32_t n = sp_chance(4);
	cudaStream_t stream;

	if (n == 3)
		n = sp_chance(64);
	else if (n)
		n = 1 + sp_chance(8);
	while (n-- && sp_runtime_works() && (stream = any()))
		step(stream);
}
