/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of folding: fold.c walks, the other fold_*.c know what may become of a node. */
#ifndef SP_INFER_FOLD_H
#define SP_INFER_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/graph.h"

struct sp_err;
struct sp_known;

/* The tables are by tensor and have room for those that folding adds. */
struct sp_folding {
	struct sp_graph *graph;
	unsigned int folds; /* enum sp_fold */
	uint32_t room;
	uint32_t *alias; /* the tensor that it is */
	uint32_t *producer; /* its node among those walked so far, or SP_NONE */
	uint32_t *uses; /* how many read it, seen through identities; outputs of the graph count */
	struct sp_known *known; /* fold_known.h; for the @known_n tensors that the file has */
	uint32_t known_n;
	uint64_t work_left; /* products and sums that constants may still cost */
	struct sp_err *err;
};

/* The node that makes @tensor, if it has been walked; NULL: none, or not yet. */
struct sp_node *sp_fold_producer(const struct sp_folding *folding, uint32_t tensor);

/* The same if nothing else reads @tensor and the result is still bare: no residual, no activation. */
struct sp_node *sp_fold_bare(const struct sp_folding *folding, uint32_t tensor);

/* @node's result is now what @dead's was; @dead is gone. */
void sp_fold_take_over(struct sp_folding *folding, struct sp_node *node, struct sp_node *dead);

/* @node, at whose result others look, is nothing but @tensor. */
void sp_fold_alias(struct sp_folding *folding, struct sp_node *node, uint32_t tensor);

/* Input @i of @node is @tensor from now on. */
void sp_fold_input(struct sp_folding *folding, struct sp_node *node, uint32_t i, uint32_t tensor);

/* Constants with room in the tables. 0 or -ENOMEM with the error filled. */
int sp_fold_floats(struct sp_folding *folding, const char *name, const struct sp_shape *shape,
		   uint32_t *ret_id, float **ret_data);
int sp_fold_ints(struct sp_folding *folding, const char *name, const struct sp_shape *shape,
		 uint32_t *ret_id, int64_t **ret_data);

/*
 * fold_evaluate.c: what @node makes of constants, of which @shape is known. False: it cannot. The
 * cost in products and sums, whether it can or not, is sp_fold_work.
 */
bool sp_fold_evaluate(const struct sp_graph *graph, const struct sp_node *node,
		      const struct sp_shape *shape, float *ret_data);
uint64_t sp_fold_work(const struct sp_graph *graph, const struct sp_node *node,
		      const struct sp_shape *shape);

/* ---- what becomes of a node: 0 or -errno; a node that is gone is an IDENTITY ----------------- */

/* fold_constants.c: what only constants go into becomes a constant. */
int sp_fold_constants(struct sp_folding *folding, struct sp_node *node);

/* fold_moves.c: transposes and reshapes that follow one another become one, or none. */
int sp_fold_moves(struct sp_folding *folding, struct sp_node *node);

/* fold_weights.c: what multiplies and adds for each channel goes into weights before or after it. */
int sp_fold_weights(struct sp_folding *folding, struct sp_node *node);

/* fold_steps.c: additions and activations become the last steps of nodes before them. */
void sp_fold_steps(struct sp_folding *folding, struct sp_node *node);

/* fold_functions.c: products that are functions of one number, written out. Of a MUL. */
void sp_fold_functions(struct sp_folding *folding, struct sp_node *node);

/* fold_pairs.c: over the nodes in their final order. */
void sp_fold_pairs(struct sp_folding *folding);

#endif
