/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of shapes and integers before the shape of the network's input is. */
#ifndef SP_INFER_FOLD_KNOWN_H
#define SP_INFER_FOLD_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/shape.h"

struct sp_folding;
struct sp_node;

enum { SP_KNOWN_INTS = 8 }; /* more than a shape has */

#define SP_UNKNOWN INT64_MIN /* an integer that is a dimension of the input's choice: ≥ 1 */

/* Nothing is known where all is zero. What is ranked and not integer is float. */
struct sp_known {
	bool ranked; /* shape is known, but for dimensions that are -1 */
	struct sp_shape shape;
	bool integer; /* ints are known, but for those that are SP_UNKNOWN */
	uint32_t ints_n;
	int64_t ints[SP_KNOWN_INTS];
};

/* Of constants and of the network's inputs, or of everything where the file fixes its inputs. */
int sp_fold_know(struct sp_folding *folding);

/* Of what @node makes, from what is known of its inputs. */
void sp_fold_know_node(struct sp_folding *folding, const struct sp_node *node);

/* Of @tensor; never NULL. */
const struct sp_known *sp_fold_known(const struct sp_folding *folding, uint32_t tensor);

/* Every dimension is known. */
bool sp_known_whole(const struct sp_known *known);

/* The same shape whatever the input's is: alike, but for one open dimension at most. */
bool sp_known_same(const struct sp_known *a, const struct sp_known *b);

/* ---- between fold_known.c and fold_integers.c -------------------------------------------------- */

struct sp_look {
	const struct sp_folding *folding;
	const struct sp_node *node;
	struct sp_known *out; /* of its result */
};

/* What is known of input @i; nothing of one that is absent. */
const struct sp_known *sp_look_at(const struct sp_look *look, uint32_t i);
bool sp_look_absent(const struct sp_look *look, uint32_t i);

/* Every value is known. */
bool sp_known_ints(const struct sp_known *known);

/* Fill look->out, or false: not known. sum (Add, Sub, Mul) and sequence find the shape there. */
bool sp_look_shape(struct sp_look *look);
bool sp_look_gather(struct sp_look *look);
bool sp_look_slice(struct sp_look *look);
bool sp_look_sum(struct sp_look *look);
bool sp_look_sequence(struct sp_look *look);

#endif
