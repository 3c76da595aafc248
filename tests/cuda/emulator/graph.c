/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs, and what runs them. */
#include <stdlib.h>

#include "capture.h"
#include "queue.h"
#include "runtime.h"

struct CUgraph_st {
	struct sp_recording *graph;
	struct CUgraph_st *next;
};

struct CUgraphExec_st {
	struct sp_recording *graph;
	struct sp_moment *last; /* when its latest launch is done; NULL: never launched */
	struct CUgraphExec_st *next;
};

static struct CUgraph_st *graphs;
static struct CUgraphExec_st *execs;

struct sp_recording *sp_recording_create(void)
{
	struct sp_recording *graph = calloc(1, sizeof(*graph));

	if (!graph)
		sp_emulator_fault("no memory for a graph");
	graph->references = 1;
	return graph;
}

void sp_recording_put(struct sp_recording *graph)
{
	if (--graph->references)
		return;
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		sp_work_destroy(graph->nodes[i].work);
		free(graph->nodes[i].after);
	}
	free(graph->nodes);
	free(graph);
}

cudaGraph_t sp_recording_publish(struct sp_recording *graph)
{
	cudaGraph_t made = calloc(1, sizeof(*made));

	if (!made)
		sp_emulator_fault("no memory for a graph");
	made->graph = graph;
	made->next = graphs;
	graphs = made;
	return made;
}

uint64_t sp_graphs_alive(void)
{
	uint64_t n = 0;

	for (const struct CUgraph_st *graph = graphs; graph; graph = graph->next)
		n++;
	return n;
}

uint64_t sp_execs_alive(void)
{
	uint64_t n = 0;

	for (const struct CUgraphExec_st *exec = execs; exec; exec = exec->next)
		n++;
	return n;
}

static struct CUgraph_st **find_graph(cudaGraph_t graph)
{
	struct CUgraph_st **link = &graphs;

	while (*link && *link != graph)
		link = &(*link)->next;
	return link;
}

static struct CUgraphExec_st **find_exec(cudaGraphExec_t exec)
{
	struct CUgraphExec_st **link = &execs;

	while (*link && *link != exec)
		link = &(*link)->next;
	return link;
}

static void destroy_graph(struct CUgraph_st **link)
{
	struct CUgraph_st *graph = *link;

	*link = graph->next;
	sp_recording_put(graph->graph);
	free(graph);
}

static void destroy_exec(struct CUgraphExec_st **link)
{
	struct CUgraphExec_st *exec = *link;

	*link = exec->next;
	sp_recording_put(exec->graph);
	if (exec->last)
		sp_moment_put(exec->last);
	free(exec);
}

void sp_graphs_clear(void)
{
	while (graphs)
		destroy_graph(&graphs);
	while (execs)
		destroy_exec(&execs);
}

/* ---- calls ---- */

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
	cudaError_t status = sp_call_begin("cudaGraphDestroy", SP_CALL_RELEASE);

	if (status == cudaSuccess && (!graph || !*find_graph(graph)))
		status = cudaErrorInvalidValue;
	if (status == cudaSuccess)
		destroy_graph(find_graph(graph));
	return sp_call_end(status);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
	cudaError_t status = sp_call_begin("cudaGraphExecDestroy", SP_CALL_RELEASE);

	if (status == cudaSuccess && (!exec || !*find_exec(exec)))
		status = cudaErrorInvalidValue;
	if (status == cudaSuccess)
		destroy_exec(find_exec(exec));
	return sp_call_end(status);
}

static cudaError_t instantiate(cudaGraphExec_t *ret, cudaGraph_t graph)
{
	cudaGraphExec_t exec;

	if (!graph || !*find_graph(graph))
		return cudaErrorInvalidValue;
	exec = calloc(1, sizeof(*exec));
	if (!exec)
		return cudaErrorMemoryAllocation;
	exec->graph = graph->graph;
	exec->graph->references++;
	exec->next = execs;
	execs = exec;
	*ret = exec;
	return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
	cudaError_t status = sp_call_begin("cudaGraphInstantiate", 0);

	if (status == cudaSuccess && flags)
		status = cudaErrorNotSupported;
	if (status == cudaSuccess)
		status = instantiate(exec, graph);
	return sp_call_end(status);
}

/* Launches of the same come one after the other, whatever their streams. */
static cudaError_t launch(cudaGraphExec_t exec, cudaStream_t stream)
{
	struct sp_moment *moment;
	struct sp_work *work;
	cudaError_t status;

	if (!exec || !*find_exec(exec) || !sp_stream_find(stream))
		return cudaErrorInvalidResourceHandle;
	stream = sp_stream_find(stream);
	work = sp_work_create(SP_WORK_GRAPH);
	work->graph = exec->graph;
	work->graph->references++;
	work->moment = sp_moment_create(stream);
	if (stream->capture)
		return sp_stream_put(stream, work);
	if (exec->last)
		work->before = sp_moment_get(exec->last);
	moment = sp_moment_get(work->moment);
	status = sp_stream_put(stream, work);
	if (status != cudaSuccess) {
		sp_moment_put(moment);
		return status;
	}
	if (exec->last)
		sp_moment_put(exec->last);
	exec->last = moment;
	return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
	cudaError_t status = sp_call_begin("cudaGraphLaunch", 0);

	if (status == cudaSuccess)
		status = launch(exec, stream);
	return sp_call_end(status);
}
