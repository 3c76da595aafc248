/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "compute_abi.h"
#include "infer/graph.h"

static const char magic[8] = "SPGPUFX1";
enum { GRAPH_BYTES_MAX = 256 << 20, FILE_BYTES_MAX = 64 << 20, PIECE_MAX = 48 << 20 };

/* Content that is written or read by the same functions, so that both agree. */
struct content {
	bool writing, bad;
	uint8_t *bytes;
	size_t size, at; /* in memory, and where we are */
};

static void walk(struct content *content, void *data, size_t size)
{
	if (content->bad || !size)
		return;
	if (content->writing && content->at + size > content->size) {
		size_t room = (content->at + size) * 2;
		uint8_t *more = realloc(content->bytes, room);

		content->bad = !more;
		if (!more)
			return;
		content->bytes = more;
		content->size = room;
	}
	if (size > content->size - content->at) {
		content->bad = true;
		memset(data, 0, size);
		return;
	}
	if (content->writing)
		memcpy(content->bytes + content->at, data, size);
	else
		memcpy(data, content->bytes + content->at, size);
	content->at += size;
}

/* A count, at most @max. */
static uint32_t walk_count(struct content *content, uint32_t n, uint32_t max)
{
	walk(content, &n, sizeof(n));
	if (n > max)
		content->bad = true;
	return content->bad ? 0 : n;
}

static uint64_t checksum(const uint8_t *bytes, size_t size)
{
	uint64_t sum = 14695981039346656037u;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 1099511628211u;
	return sum;
}

/* ---- graphs --------------------------------------------------------------------------------- */

/* What @at points to, of the graph's memory when read. */
static void *walk_array(struct content *content, struct sp_graph *graph, const void *at,
			size_t size)
{
	void *to = (void *)at;

	if (!content->writing)
		to = size <= PIECE_MAX ? sp_graph_alloc(graph, size ? size : 1) : NULL;
	if (!to)
		content->bad = true;
	else
		walk(content, to, size);
	return content->bad ? NULL : to;
}

static const char *walk_text(struct content *content, struct sp_graph *graph, const char *text)
{
	uint32_t size = walk_count(content, text ? (uint32_t)strlen(text) + 1 : 0, 4096);

	return size ? walk_array(content, graph, text, size) : NULL;
}

static void walk_tensor(struct content *content, struct sp_graph *graph, struct sp_tensor *tensor)
{
	uint32_t kind = walk_count(content, tensor->floats ? 1 : tensor->ints ? 2 : 0, 2);
	int64_t n;

	walk(content, &tensor->shape, sizeof(tensor->shape));
	tensor->name = walk_text(content, graph, tensor->name);
	if (content->bad || !kind)
		return;
	n = sp_shape_elements(&tensor->shape);
	if (n < 0)
		content->bad = true;
	else if (kind == 1)
		tensor->floats = walk_array(content, graph, tensor->floats,
					    (size_t)n * sizeof(float));
	else
		tensor->ints = walk_array(content, graph, tensor->ints,
					  (size_t)n * sizeof(int64_t));
}

static void walk_node(struct content *content, struct sp_graph *graph, struct sp_node *node)
{
	struct sp_node copy = *node;

	copy.name = copy.type = NULL;
	copy.inputs = NULL;
	walk(content, &copy, sizeof(copy));
	if (!content->writing)
		*node = copy;
	if (node->inputs_n > SP_NODE_INPUTS_MAX)
		content->bad = true;
	node->name = walk_text(content, graph, node->name);
	node->type = walk_text(content, graph, node->type);
	if (!content->bad)
		node->inputs = walk_array(content, graph, node->inputs,
					  node->inputs_n * sizeof(*node->inputs));
}

static void walk_graph(struct content *content, struct sp_graph *graph)
{
	graph->tensors_n = walk_count(content, graph->tensors_n, SP_GRAPH_TENSORS_MAX);
	graph->nodes_n = walk_count(content, graph->nodes_n, SP_GRAPH_NODES_MAX);
	graph->inputs_n = walk_count(content, graph->inputs_n, 64);
	graph->outputs_n = walk_count(content, graph->outputs_n, FIXTURE_OUTPUTS_MAX);
	if (!content->writing) {
		/* The only piece of a graph that is no part of its arena. */
		graph->tensors = calloc(graph->tensors_n + 1, sizeof(*graph->tensors));
		graph->nodes = sp_graph_alloc(graph, (graph->nodes_n + 1) * sizeof(*graph->nodes));
		graph->tensors_room = graph->tensors_n;
		content->bad |= !graph->tensors || !graph->nodes;
	}
	graph->inputs = walk_array(content, graph, graph->inputs,
				   graph->inputs_n * sizeof(*graph->inputs));
	graph->outputs = walk_array(content, graph, graph->outputs,
				    graph->outputs_n * sizeof(*graph->outputs));
	for (uint32_t i = 0; !content->bad && i < graph->tensors_n; i++)
		walk_tensor(content, graph, &graph->tensors[i]);
	for (uint32_t i = 0; !content->bad && i < graph->nodes_n; i++)
		walk_node(content, graph, &graph->nodes[i]);
}

static const struct sp_value *walk_values(struct content *content, struct sp_graph *graph,
					  const struct sp_value *from, unsigned int n)
{
	struct sp_value *values = sp_graph_alloc(graph, (n + 1) * sizeof(*values));

	if (!values) {
		content->bad = true;
		return NULL;
	}
	for (unsigned int i = 0; i < n; i++) {
		if (content->writing)
			values[i] = from[i];
		walk(content, &values[i].shape, sizeof(values[i].shape));
		values[i].name = walk_text(content, graph, values[i].name);
	}
	return content->writing ? from : values;
}

/* ---- networks and frames -------------------------------------------------------------------- */

static void walk_case(struct content *content, struct fixture_case *one)
{
	walk(content, &one->h, sizeof(one->h));
	walk(content, &one->w, sizeof(one->w));
	walk(content, &one->seed, sizeof(one->seed));
	one->outputs_n = walk_count(content, one->outputs_n, FIXTURE_OUTPUTS_MAX);
	for (unsigned int i = 0; !content->bad && i < one->outputs_n; i++) {
		int64_t n;

		walk(content, &one->shapes[i], sizeof(one->shapes[i]));
		n = sp_shape_elements(&one->shapes[i]);
		if (n < 0 || n > PIECE_MAX / 4) {
			content->bad = true;
			return;
		}
		if (!content->writing)
			one->outputs[i] = calloc((size_t)n + 1, sizeof(float));
		content->bad |= !one->outputs[i];
		walk(content, one->outputs[i], (size_t)n * sizeof(float));
	}
}

static void walk_network(struct content *content, void *of)
{
	struct fixture_network *network = of;
	struct sp_model *model = &network->model;
	struct sp_graph *graph = content->writing ? (struct sp_graph *)model->graph
						  : sp_graph_create(GRAPH_BYTES_MAX);

	model->graph = graph;
	if (!graph) {
		content->bad = true;
		return;
	}
	walk(content, &network->card, sizeof(network->card));
	walk(content, network->id, sizeof(network->id));
	walk(content, model->sha256, sizeof(model->sha256));
	walk_graph(content, graph);
	model->name = walk_text(content, graph, model->name);
	model->inputs_n = walk_count(content, model->inputs_n, 64);
	model->outputs_n = walk_count(content, model->outputs_n, FIXTURE_OUTPUTS_MAX);
	model->inputs = walk_values(content, graph, model->inputs, model->inputs_n);
	model->outputs = walk_values(content, graph, model->outputs, model->outputs_n);
	network->cases_n = walk_count(content, network->cases_n, FIXTURE_CASES_MAX);
	for (unsigned int i = 0; !content->bad && i < network->cases_n; i++)
		walk_case(content, &network->cases[i]);
}

static void walk_frame(struct content *content, struct fixture_frame *frame)
{
	struct fixture_frame copy = *frame;
	size_t bitmap;

	copy.payload = NULL;
	copy.missing = NULL;
	walk(content, &copy, sizeof(copy));
	if (content->bad || copy.bytes > PIECE_MAX || copy.faces_n > SP_FACES_MAX ||
	    copy.packets > PIECE_MAX) {
		content->bad = true;
		return;
	}
	bitmap = (copy.packets + 63) / 64 * sizeof(uint64_t);
	if (!content->writing) {
		*frame = copy;
		frame->payload = calloc(1, copy.bytes + 1);
		frame->missing = calloc(1, bitmap + 1);
		content->bad |= !frame->payload || !frame->missing;
	}
	walk(content, frame->payload, copy.bytes);
	walk(content, frame->missing, bitmap);
}

static void walk_frames(struct content *content, void *of)
{
	struct fixture_frames *frames = of;

	walk(content, &frames->detect_width, sizeof(frames->detect_width));
	walk(content, &frames->detect_height, sizeof(frames->detect_height));
	frames->n = walk_count(content, frames->n, FIXTURE_FRAMES_MAX);
	for (unsigned int i = 0; !content->bad && i < frames->n; i++)
		walk_frame(content, &frames->frames[i]);
}

/* ---- files ---------------------------------------------------------------------------------- */

static int save(const char *path, void (*walk_of)(struct content *, void *), void *of,
		struct sp_err *err)
{
	struct content content = { .writing = true };
	uint64_t abi = SP_COMPUTE_ABI, sum;
	FILE *file;
	bool wrote;

	walk(&content, (void *)magic, sizeof(magic));
	walk(&content, &abi, sizeof(abi));
	walk_of(&content, of);
	sum = content.bad ? 0 : checksum(content.bytes, content.at);
	walk(&content, &sum, sizeof(sum));
	if (content.bad) {
		free(content.bytes);
		return sp_err_set(err, -EINVAL, "%s: too large, or out of memory", path);
	}
	file = fopen(path, "wb");
	wrote = file && fwrite(content.bytes, 1, content.at, file) == content.at;
	if (file)
		wrote &= !fclose(file);
	free(content.bytes);
	return wrote ? 0 : sp_err_set(err, -EIO, "%s: %s", path, strerror(errno));
}

static int read_file(const char *path, struct content *content, struct sp_err *err)
{
	FILE *file = fopen(path, "rb");
	long size = -1;

	if (!file)
		return sp_err_set(err, -errno, "%s: %s; `make gpu-fixtures` makes it", path,
				  strerror(errno));
	if (!fseek(file, 0, SEEK_END))
		size = ftell(file);
	rewind(file);
	content->bytes = size > 0 && size <= FILE_BYTES_MAX ? malloc((size_t)size) : NULL;
	content->size = content->bytes ? fread(content->bytes, 1, (size_t)size, file) : 0;
	fclose(file);
	return content->size == (size_t)size && size >= 24
		       ? 0
		       : sp_err_set(err, -EIO, "%s: cannot be read, or is no fixture", path);
}

static int load(const char *path, void (*walk_of)(struct content *, void *), void *of,
		struct sp_err *err)
{
	struct content content = { 0 };
	uint64_t abi = 0, sum = 0;
	char start[8] = "";
	int rc = read_file(path, &content, err);

	if (rc)
		goto out_free;
	memcpy(&sum, content.bytes + content.size - 8, 8);
	content.size -= 8;
	walk(&content, start, sizeof(start));
	walk(&content, &abi, sizeof(abi));
	if (memcmp(start, magic, sizeof(magic)) || checksum(content.bytes, content.size) != sum) {
		rc = sp_err_set(err, -EINVAL, "%s: damaged; make it again or copy it again", path);
		goto out_free;
	}
	if (abi != SP_COMPUTE_ABI) {
		rc = sp_err_set(err, -EINVAL,
				"%s: of another commit; run `make gpu-fixtures` where it was made",
				path);
		goto out_free;
	}
	walk_of(&content, of);
	if (content.bad || content.at != content.size)
		rc = sp_err_set(err, -EINVAL, "%s: not as this program reads it", path);
out_free:
	free(content.bytes);
	return rc;
}

int fixture_network_save(const char *path, const struct fixture_network *network,
			 struct sp_err *err)
{
	return save(path, walk_network, (void *)network, err);
}

int fixture_network_load(const char *path, struct fixture_network *ret_network, struct sp_err *err)
{
	int rc;

	memset(ret_network, 0, sizeof(*ret_network));
	rc = load(path, walk_network, ret_network, err);
	if (rc)
		fixture_network_free(ret_network);
	return rc;
}

void fixture_network_free(struct fixture_network *network)
{
	for (unsigned int i = 0; i < network->cases_n; i++)
		for (unsigned int k = 0; k < network->cases[i].outputs_n; k++)
			free(network->cases[i].outputs[k]);
	if (network->model.graph)
		sp_graph_destroy((struct sp_graph *)network->model.graph);
	memset(network, 0, sizeof(*network));
}

int fixture_frames_save(const char *path, const struct fixture_frames *frames, struct sp_err *err)
{
	return save(path, walk_frames, (void *)frames, err);
}

int fixture_frames_load(const char *path, struct fixture_frames *ret_frames, struct sp_err *err)
{
	int rc;

	memset(ret_frames, 0, sizeof(*ret_frames));
	rc = load(path, walk_frames, ret_frames, err);
	if (rc)
		fixture_frames_free(ret_frames);
	return rc;
}

void fixture_frames_free(struct fixture_frames *frames)
{
	for (unsigned int i = 0; i < frames->n; i++) {
		free(frames->frames[i].payload);
		free(frames->frames[i].missing);
	}
	memset(frames, 0, sizeof(*frames));
}

/* ---- inputs --------------------------------------------------------------------------------- */

/* A triangle of period 512 and height 255, in whole numbers so that it is the same everywhere. */
static uint32_t wave(uint64_t x)
{
	uint32_t at = (uint32_t)(x & 511);

	return at < 256 ? at : 511 - at;
}

void fixture_input(const struct sp_model_card *card, uint64_t seed, uint32_t h, uint32_t w,
		   float *planes)
{
	uint64_t noise = seed * 0x9E3779B97F4A7C15 + 1;

	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++)
			for (uint32_t c = 0; c < 3; c++) {
				uint32_t level = (wave(x * (5 + c) + seed * 37) +
						  wave(y * (7 - c) + seed * 11)) /
						 2;

				noise = noise * 6364136223846793005 + 1442695040888963407;
				level = level * 15 / 16 + (uint32_t)(noise >> 60);
				planes[((size_t)c * h + y) * w + x] =
					(float)level * card->input.scale[c] + card->input.shift[c];
			}
}
