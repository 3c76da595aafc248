/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

enum { CHUNK_ALIGN = 64, CHUNK_SIZE = 64 << 10 };

/* Header of a piece of the arena; the data follow, aligned. */
struct sp_chunk {
	struct sp_chunk *next;
	size_t used, size; /* bytes, the header included */
};

struct sp_graph *sp_graph_create(size_t bytes_max)
{
	struct sp_graph *graph = calloc(1, sizeof(*graph));

	if (graph)
		graph->bytes_left = bytes_max;
	return graph;
}

void sp_graph_destroy(struct sp_graph *graph)
{
	if (!graph)
		return;
	for (struct sp_chunk *chunk = graph->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(graph->tensors);
	free(graph);
}

void *sp_graph_alloc(struct sp_graph *graph, size_t size)
{
	struct sp_chunk *chunk = graph->chunks;
	size_t total;
	void *data;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + CHUNK_ALIGN - 1) & ~(size_t)(CHUNK_ALIGN - 1);
	if (!chunk || chunk->size - chunk->used < size) {
		total = CHUNK_ALIGN + size;
		if (total < CHUNK_SIZE)
			total = CHUNK_SIZE;
		if (total > graph->bytes_left)
			return NULL;
		chunk = aligned_alloc(CHUNK_ALIGN, total);
		if (!chunk)
			return NULL;
		graph->bytes_left -= total;
		chunk->used = CHUNK_ALIGN;
		chunk->size = total;
		chunk->next = graph->chunks;
		graph->chunks = chunk;
	}
	data = (uint8_t *)chunk + chunk->used;
	chunk->used += size;
	return memset(data, 0, size);
}

/* The length of the UTF-8 sequence at @text, ≤ @n bytes; 0: there is none. */
static size_t sequence(const char *text, size_t n)
{
	unsigned char first = (unsigned char)*text;
	size_t length = first < 0x80   ? 1
			: first < 0xC2 ? 0
			: first < 0xE0 ? 2
			: first < 0xF0 ? 3
			: first < 0xF5 ? 4
				       : 0;

	if (length > n)
		return 0;
	for (size_t i = 1; i < length; i++)
		if (((unsigned char)text[i] & 0xC0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond the last character. */
	if ((first == 0xE0 && (unsigned char)text[1] < 0xA0) ||
	    (first == 0xED && (unsigned char)text[1] > 0x9F) ||
	    (first == 0xF0 && (unsigned char)text[1] < 0x90) ||
	    (first == 0xF4 && (unsigned char)text[1] > 0x8F))
		return 0;
	return length;
}

const char *sp_graph_name(struct sp_graph *graph, const char *name)
{
	size_t n = strnlen(name, SP_GRAPH_NAME_MAX - 1), length;
	char *copy = sp_graph_alloc(graph, n + 1);

	if (!copy)
		return NULL;
	for (size_t i = 0; i < n; i += length) {
		length = sequence(name + i, n - i);
		if (!length || (unsigned char)name[i] < ' ' || name[i] == 0x7F) {
			copy[i] = '?';
			length = 1;
		} else {
			memcpy(copy + i, name + i, length);
		}
	}
	return copy;
}

uint32_t sp_graph_tensor(struct sp_graph *graph, const char *name)
{
	struct sp_tensor *tensors;
	uint32_t room = graph->tensors_room;
	const char *copy;

	if (graph->tensors_n == SP_GRAPH_TENSORS_MAX)
		return SP_NONE;
	if (graph->tensors_n == room) {
		room = room ? room * 2 : 256;
		tensors = reallocarray(graph->tensors, room, sizeof(*tensors));
		if (!tensors)
			return SP_NONE;
		graph->tensors = tensors;
		graph->tensors_room = room;
	}
	copy = sp_graph_name(graph, name);
	if (!copy)
		return SP_NONE;
	graph->tensors[graph->tensors_n] = (struct sp_tensor){ .name = copy };
	return graph->tensors_n++;
}

uint32_t sp_graph_floats(struct sp_graph *graph, const char *name, const struct sp_shape *shape,
			 float **ret_data)
{
	int64_t n = sp_shape_elements(shape);
	float *data = n < 0 ? NULL : sp_graph_alloc(graph, (size_t)n * sizeof(*data));
	uint32_t id = data ? sp_graph_tensor(graph, name) : SP_NONE;

	if (id == SP_NONE)
		return SP_NONE;
	graph->tensors[id].shape = *shape;
	graph->tensors[id].floats = data;
	*ret_data = data;
	return id;
}

uint32_t sp_graph_ints(struct sp_graph *graph, const char *name, const struct sp_shape *shape,
		       int64_t **ret_data)
{
	int64_t n = sp_shape_elements(shape);
	int64_t *data = n < 0 ? NULL : sp_graph_alloc(graph, (size_t)n * sizeof(*data));
	uint32_t id = data ? sp_graph_tensor(graph, name) : SP_NONE;

	if (id == SP_NONE)
		return SP_NONE;
	graph->tensors[id].shape = *shape;
	graph->tensors[id].ints = data;
	*ret_data = data;
	return id;
}

/* What sort works with. */
struct order {
	uint32_t *producer; /* of a tensor: a node, or SP_NONE */
	uint8_t *state; /* of a node */
	uint32_t *stack; /* nodes being visited */
	uint32_t *next; /* of a node on the stack: the input to look at */
	struct sp_node *sorted;
	uint32_t sorted_n;
};

enum { NEW, OPEN, DONE };

static int find_producers(const struct sp_graph *graph, struct order *order, struct sp_err *err)
{
	memset(order->producer, 0xFF, graph->tensors_n * sizeof(*order->producer));
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		uint32_t out = graph->nodes[i].output;
		const struct sp_tensor *tensor = &graph->tensors[out];
		bool taken = sp_tensor_constant(tensor) || order->producer[out] != SP_NONE;

		for (uint32_t k = 0; k < graph->inputs_n; k++)
			taken |= graph->inputs[k] == out;
		if (taken)
			return sp_err_set(
				err, -EINVAL,
				"node '%s': its output '%s' is already produced elsewhere; "
				"the file is corrupt",
				graph->nodes[i].name, tensor->name);
		order->producer[out] = i;
	}
	return 0;
}

static bool is_given(const struct sp_graph *graph, uint32_t tensor)
{
	if (sp_tensor_constant(&graph->tensors[tensor]))
		return true;
	for (uint32_t i = 0; i < graph->inputs_n; i++)
		if (graph->inputs[i] == tensor)
			return true;
	return false;
}

/*
 * The node that must run before @tensor is there; SP_NONE with @ret set if there is no need or
 * way.
 */
static uint32_t needed(const struct sp_graph *graph, const struct order *order, uint32_t tensor,
		       const char *who, struct sp_err *err, int *ret)
{
	uint32_t node;

	*ret = 0;
	if (tensor == SP_NONE || is_given(graph, tensor))
		return SP_NONE;
	node = order->producer[tensor];
	if (node == SP_NONE)
		*ret = sp_err_set(err, -EINVAL,
				  "%s: tensor '%s' is produced by nothing; the file is corrupt",
				  who, graph->tensors[tensor].name);
	return node;
}

/* Depth first, with a stack of our own: a file decides how deep it goes. */
static int visit(const struct sp_graph *graph, struct order *order, uint32_t root,
		 struct sp_err *err)
{
	uint32_t depth = 0;
	int ret;

	if (order->state[root] == DONE)
		return 0;
	order->stack[depth++] = root;
	order->state[root] = OPEN;
	order->next[root] = 0;
	while (depth) {
		uint32_t at = order->stack[depth - 1], before;
		const struct sp_node *node = &graph->nodes[at];

		if (order->next[at] == node->inputs_n) {
			order->state[at] = DONE;
			order->sorted[order->sorted_n++] = *node;
			depth--;
			continue;
		}
		before = needed(graph, order, node->inputs[order->next[at]++], node->name, err,
				&ret);
		if (ret)
			return ret;
		if (before == SP_NONE || order->state[before] == DONE)
			continue;
		if (order->state[before] == OPEN)
			return sp_err_set(err, -EINVAL,
					  "node '%s': the graph has a cycle; the file is corrupt",
					  graph->nodes[before].name);
		order->state[before] = OPEN;
		order->next[before] = 0;
		order->stack[depth++] = before;
	}
	return 0;
}

int sp_graph_sort(struct sp_graph *graph, struct sp_err *err)
{
	uint32_t n = graph->nodes_n + 1;
	struct order order = { 0 };
	int ret = -ENOMEM;

	order.producer = calloc(graph->tensors_n + 1, sizeof(*order.producer));
	order.state = calloc(n, sizeof(*order.state));
	order.stack = calloc(n, sizeof(*order.stack));
	order.next = calloc(n, sizeof(*order.next));
	order.sorted = sp_graph_alloc(graph, n * sizeof(*order.sorted));
	if (!order.producer || !order.state || !order.stack || !order.next || !order.sorted) {
		sp_err_set(err, ret, "out of memory");
		goto out;
	}
	ret = find_producers(graph, &order, err);
	for (uint32_t i = 0; !ret && i < graph->outputs_n; i++) {
		uint32_t node = needed(graph, &order, graph->outputs[i], "output", err, &ret);

		if (!ret && node != SP_NONE)
			ret = visit(graph, &order, node, err);
	}
	if (!ret) {
		graph->nodes = order.sorted;
		graph->nodes_n = order.sorted_n;
	}
out:
	free(order.producer);
	free(order.state);
	free(order.stack);
	free(order.next);
	return ret;
}
