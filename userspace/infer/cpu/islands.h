/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which nodes of a graph run as bands (cpu/band.h), and the order in which all nodes become steps.
 *
 * Nodes are dealt out to phases: a node for which we have units is in the latest phase among its
 * inputs', one later where an input comes from a node that oneDNN has; a node that oneDNN has is in
 * the latest phase among its inputs'. The nodes of ours in a phase are an island. What an island
 * reads is then made in earlier phases, what oneDNN has in a phase reads no later island: islands
 * are convex, and phase by phase, the island first, is an order in which everything can run.
 */
#ifndef SP_INFER_CPU_ISLANDS_H
#define SP_INFER_CPU_ISLANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/graph.h"

struct sp_shapes;

/* Nodes of an island; more make a second one. */
enum { SP_ISLAND_NODES_MAX = 1024 };

struct sp_islands {
	uint32_t nodes_n;
	uint32_t *order; /* nodes, as they become steps */
	uint32_t *place; /* by node: where in the order its step is done with its inputs */
	uint32_t *island; /* by node; SP_NONE: oneDNN's */
	uint32_t *reader; /* by tensor: the only node that reads it, else SP_NONE */
	uint32_t *uses; /* by tensor: nodes that read it; graph outputs count */
	/* For band_build.c, all SP_NONE or 0 between islands. */
	uint32_t *rows, *inside; /* by tensor: rows of the band; readers in the island */
	uint32_t *unit; /* by node: has one */
	void *memory;
};

/* Tensor @k of all that @node reads, k ≤ inputs_n; SP_NONE: none. The last is the residual. */
static inline uint32_t sp_islands_source(const struct sp_node *node, uint32_t k)
{
	return k < node->inputs_n ? node->inputs[k] : node->residual;
}

/* Without @ours every node is oneDNN's and the order is the graph's. 0 or -ENOMEM. */
int sp_islands_init(struct sp_islands *islands, const struct sp_graph *graph,
		    const struct sp_shapes *shapes, bool ours);
void sp_islands_uninit(struct sp_islands *islands);

/* How many nodes from order[@at] on are one island; 0: order[@at] is oneDNN's. */
uint32_t sp_islands_run(const struct sp_islands *islands, uint32_t at);

#endif
