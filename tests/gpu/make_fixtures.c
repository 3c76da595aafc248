/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `make gpu-fixtures`: what `make gpu-check` is given, made where the libraries are (cuda/fixture.h).
 *	make_fixtures FOLDER
 * Networks of ours, and of ../shared/models where they are; photographs of ../shared/data as frames of
 * every kind of pixel format. What the CPU makes of them in float32 is the truth.
 */
#include <errno.h>
#include <sys/stat.h>

#include "cuda/backend_scene.h"
#include "cuda/fixture.h"
#include "infer/cpu/executor.h"
#include "infer/graph.h"
#include "test.h"

enum { REGION = 64 << 20, FRAME_WIDTH = 1224, FRAME_HEIGHT = 1024, DETECT_SIDE = 640 };

static const char *folder;

static const struct {
	const char *name, *path; /* path: from ../shared if it begins with "models/" there */
	bool shared;
	enum sp_model_role role;
	struct {
		uint32_t h, w;
	} sizes[FIXTURE_CASES_MAX];
} networks[] = {
	{ "sallyport_detector",
	  "models/sallyport_detector.onnx",
	  false,
	  SP_ROLE_DETECTOR,
	  { { 64, 96 }, { 320, 320 } } },
	{ "sallyport_embedder",
	  "models/sallyport_embedder.onnx",
	  false,
	  SP_ROLE_EMBEDDER,
	  { { 112, 112 }, { 112, 112 } } },
	{ "sallyport_quality",
	  "models/sallyport_quality.onnx",
	  false,
	  SP_ROLE_QUALITY,
	  { { 96, 96 }, { 96, 96 } } },
	{ "yunet_n_dynamic",
	  "models/yunet_n_dynamic.onnx",
	  true,
	  SP_ROLE_DETECTOR,
	  { { 64, 96 }, { 640, 640 } } },
	{ "mobilefacenet",
	  "models/mobilefacenet.onnx",
	  true,
	  SP_ROLE_EMBEDDER,
	  { { 112, 112 }, { 112, 112 } } },
	{ "lightqnet_dm025",
	  "models/lightqnet_dm025.onnx",
	  true,
	  SP_ROLE_QUALITY,
	  { { 96, 96 }, { 96, 96 } } },
};
enum { NETWORKS = sizeof(networks) / sizeof(networks[0]) };

static const struct {
	const char *format;
	uint32_t padding, stride;
	unsigned int lost; /* packets */
	const char *photograph;
} frames[] = {
	{ "BayerRG8", 0, 1464, 0, "data/obama.jpg" },
	{ "BayerGR8", 4, 8952, 0, "data/two_people.jpg" },
	{ "BayerGB10p", 0, 1437, 0, "data/two_people.jpg" },
	{ "BayerBG12p", 0, 8963, 3, "data/obama.jpg" },
	{ "Mono8", 0, 1464, 0, "data/two_people.jpg" },
	{ "Mono10p", 0, 8952, 0, "data/obama.jpg" },
	{ "Mono12", 0, 1464, 2, "data/two_people.jpg" },
	{ "RGB8", 0, 8952, 0, "data/two_people.jpg" },
	{ "YUV422_8", 0, 1464, 0, "data/obama.jpg" },
};
enum { FRAMES = sizeof(frames) / sizeof(frames[0]) };

static const char *place(const char *name, const char *kind)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/%s.%s", folder, name, kind);
	return path;
}

/* ---- networks ------------------------------------------------------------------------------- */

static void run_case(const struct sp_model *model, const struct sp_model_card *card,
		     struct fixture_case *one)
{
	const int64_t shape[4] = { 1, 3, one->h, one->w };
	const struct sp_executor_options options = { .precision = SP_PRECISION_F32 };
	struct sp_executor *executor;
	struct sp_err err;

	if (sp_executor_create(model, shape, &options, &executor, &err))
		FAIL("%s", err.text);
	fixture_input(card, one->seed, one->h, one->w, sp_executor_input(executor));
	CHECK_EQ(sp_executor_run(executor), 0);
	one->outputs_n = sp_executor_outputs(executor);
	CHECK(one->outputs_n <= FIXTURE_OUTPUTS_MAX);
	for (unsigned int i = 0; i < one->outputs_n; i++) {
		const float *from = sp_executor_output(executor, i, NULL, &one->shapes[i]);
		size_t n = (size_t)sp_shape_elements(&one->shapes[i]);

		one->outputs[i] = malloc(n * sizeof(float));
		memcpy(one->outputs[i], from, n * sizeof(float));
	}
	sp_executor_destroy(executor);
}

/* ---- the same for Python: bench/peers/gpu_torch.py ------------------------------------------ */

static void write_shape(FILE *to, const struct sp_shape *shape)
{
	for (unsigned int k = 0; k < shape->rank; k++)
		fprintf(to, "%s%" PRId64, k ? "," : "", shape->dim[k]);
}

static void write_int64s(FILE *to, const char *name, const int64_t *of, unsigned int n)
{
	fprintf(to, ",\"%s\":[", name);
	for (unsigned int k = 0; k < n; k++)
		fprintf(to, "%s%" PRId64, k ? "," : "", of[k]);
	fputs("]", to);
}

static void write_node(FILE *to, const struct sp_node *node)
{
	fprintf(to,
		"{\"op\":%d,\"output\":%u,\"residual\":%" PRId64 ",\"act\":%d,\"low\":%.9g,"
		"\"high\":%.9g,\"slope\":%u,\"inputs\":[",
		node->op, node->output, node->residual == SP_NONE ? -1 : (int64_t)node->residual,
		node->act.kind, (double)node->act.low, (double)node->act.high, node->act.slope);
	for (uint32_t k = 0; k < node->inputs_n; k++)
		fprintf(to, "%s%" PRId64, k ? "," : "",
			node->inputs[k] == SP_NONE ? -1 : (int64_t)node->inputs[k]);
	fputs("]", to);
	if (node->op == SP_OP_CONV || node->op == SP_OP_MAXPOOL || node->op == SP_OP_AVGPOOL) {
		write_int64s(to, "kernel", node->window.kernel, 2);
		write_int64s(to, "stride", node->window.stride, 2);
		write_int64s(to, "dilation", node->window.dilation, 2);
		write_int64s(to, "pad", node->window.pad, 4);
		write_int64s(to, "group", &node->window.group, 1);
	} else if (node->op == SP_OP_TRANSPOSE) {
		write_int64s(to, "perm", node->perm.of, node->perm.n);
	} else if (node->op == SP_OP_CONCAT || node->op == SP_OP_FLATTEN) {
		write_int64s(to, "axis", &node->axis, 1);
	}
	fputs("}", to);
}

/* NAME.json: the graph, enum sp_op and all by number; NAME.weights: float32 and int64 one after another. */
static void write_for_python(const char *name, const struct sp_graph *graph)
{
	FILE *json = fopen(place(name, "json"), "w"),
	     *weights = fopen(place(name, "weights"), "wb");
	const char *comma = "";
	size_t at = 0;

	CHECK(json && weights);
	fprintf(json, "{\"input\":%u,\"outputs\":[", graph->inputs[0]);
	for (uint32_t i = 0; i < graph->outputs_n; i++)
		fprintf(json, "%s%u", i ? "," : "", graph->outputs[i]);
	fputs("],\"constants\":[", json);
	for (uint32_t i = 0; i < graph->tensors_n; i++) {
		const struct sp_tensor *tensor = &graph->tensors[i];
		size_t size = tensor->floats ? sizeof(float) : sizeof(int64_t);
		size_t n = sp_tensor_constant(tensor) ? (size_t)sp_shape_elements(&tensor->shape)
						      : 0;

		if (!sp_tensor_constant(tensor))
			continue;
		fprintf(json, "%s{\"id\":%u,\"at\":%zu,\"float\":%d,\"shape\":[", comma, i, at,
			tensor->floats != NULL);
		write_shape(json, &tensor->shape);
		fputs("]}", json);
		CHECK_EQ(fwrite(tensor->floats ? (const void *)tensor->floats : tensor->ints, size,
				n, weights),
			 n);
		at += n * size;
		comma = ",";
	}
	fputs("],\"nodes\":[", json);
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		fputs(i ? "," : "", json);
		write_node(json, &graph->nodes[i]);
	}
	fputs("]}\n", json);
	CHECK_EQ(fclose(json), 0);
	CHECK_EQ(fclose(weights), 0);
}

static void make_network(unsigned int i)
{
	const char *path = networks[i].shared ? sp_test_shared(networks[i].path) : networks[i].path;
	struct fixture_network *network = calloc(1, sizeof(*network));
	struct sp_model *model;
	struct sp_err err;

	if (scene_load(path, networks[i].role, &model, &network->card, &err))
		FAIL("%s", err.text);
	network->model = *model;
	sp_model_card_identity(&network->card, model, network->id);
	for (unsigned int k = 0; k < FIXTURE_CASES_MAX && networks[i].sizes[k].h; k++) {
		network->cases[k].h = networks[i].sizes[k].h;
		network->cases[k].w = networks[i].sizes[k].w;
		network->cases[k].seed = i * 10 + k + 1;
		run_case(model, &network->card, &network->cases[k]);
		network->cases_n++;
	}
	if (fixture_network_save(place(networks[i].name, "network"), network, &err))
		FAIL("%s", err.text);
	write_for_python(networks[i].name, model->graph);
	for (unsigned int k = 0; k < network->cases_n; k++)
		for (unsigned int o = 0; o < network->cases[k].outputs_n; o++)
			free(network->cases[k].outputs[o]);
	sp_model_free(model);
	free(network);
}

TEST(networks_of_ours)
{
	for (unsigned int i = 0; i < NETWORKS; i++)
		if (!networks[i].shared)
			make_network(i);
}

TEST(yunet)
{
	make_network(3);
}

TEST(mobilefacenet)
{
	make_network(4);
}

TEST(lightqnet)
{
	make_network(5);
}

/* ---- frames --------------------------------------------------------------------------------- */

static void take_frame(const struct scene_frame *from, struct fixture_frame *to)
{
	const struct sp_frame *frame = &from->frame;
	const struct sp_frame_part *part = &frame->parts[0];
	size_t bitmap = (frame->packets + 63) / 64;

	*to = (struct fixture_frame){
		.pixel_format = frame->pixel_format,
		.width = frame->width,
		.height = frame->height,
		.padding_x = frame->padding_x,
		.stride = part->stride,
		.packets = frame->packets,
		.bytes = part->bytes,
		.payload = calloc(1, part->bytes),
		.missing = calloc(bitmap, sizeof(uint64_t)),
	};
	memcpy(to->missing, frame->missing, bitmap * sizeof(uint64_t));
	for (uint32_t p = 0; p < frame->packets; p++) {
		uint64_t at = (uint64_t)p * part->stride, left = part->bytes - at;

		if (!sp_frame_packet_missing(frame, p))
			memcpy(to->payload + at, part->region->base + from->offset[p],
			       left < part->stride ? left : part->stride);
	}
}

static void find_faces(struct scene *scene, struct scene_frame *frame, enum sp_precision precision,
		       struct fixture_frame *to)
{
	struct sp_compute_config config = scene_config();
	struct sp_frame *one = &frame->frame;
	struct sp_compute *compute;
	struct sp_result *result;
	unsigned int released;
	struct sp_err err;

	config.detect_width = config.detect_height = DETECT_SIDE;
	config.frame_bytes = 16 << 20;
	config.precision = precision;
	if (sp_compute_cpu.open(&config, &compute, &err) ||
	    compute->ops->register_region(compute, &scene->region, &err))
		FAIL("%s", err.text);
	scene_run(compute, &one, 1, &result, &released);
	CHECK_EQ(result->cause, SP_RESULT_FACES);
	to->faces_n = result->faces_n;
	memcpy(to->faces, result->faces, sizeof(to->faces));
	for (unsigned int i = 0; i < SP_FACES_MAX; i++)
		to->faces[i].portrait = NULL;
	compute->ops->put(compute, result);
	compute->ops->close(compute);
}

/* The worst of all faces; those that one of both precisions does not find are no matter here. */
static float apart(const struct fixture_frame *a, const struct fixture_frame *b)
{
	float worst = 0;

	for (uint32_t i = 0; i < a->faces_n; i++)
		for (uint32_t k = 0; k < b->faces_n; k++) {
			float sum = 0;

			if (fabsf(a->faces[i].box[0] - b->faces[k].box[0]) >
				    0.2f * a->faces[i].box[2] ||
			    a->faces[i].score < 0.7f)
				continue;
			for (int n = 0; n < SP_EMBEDDING_MAX; n++)
				sum += a->faces[i].embedding[n] * b->faces[k].embedding[n];
			worst = fmaxf(worst, 1 - sum);
		}
	return worst;
}

TEST(frames_of_every_kind)
{
	struct fixture_frames *all = calloc(1, sizeof(*all));
	unsigned int faces = 0;
	struct sp_err err;

	all->detect_width = all->detect_height = DETECT_SIDE;
	for (unsigned int i = 0; i < FRAMES; i++) {
		const struct sp_pfnc *format = sp_pfnc_by_name(frames[i].format);
		struct fixture_frame half;
		struct scene_frame frame;
		struct sp_image image;
		struct scene scene;

		if (!format)
			FAIL("no format %s", frames[i].format);
		scene_init(&scene, REGION);
		scene_photograph(frames[i].photograph, FRAME_WIDTH, FRAME_HEIGHT, &image);
		scene_add(&scene, &image, format->code, frames[i].padding, frames[i].stride,
			  &frame);
		for (unsigned int k = 0; k < frames[i].lost; k++)
			scene_lose(&frame, frame.frame.packets / 2 + 7 * k);
		take_frame(&frame, &all->frames[i]);
		find_faces(&scene, &frame, SP_PRECISION_F32, &all->frames[i]);
		half = all->frames[i];
		find_faces(&scene, &frame, SP_PRECISION_BF16, &half);
		all->frames[i].bf16_apart = apart(&all->frames[i], &half);
		printf("# %s: %u faces, bfloat16 %.4f apart\n", frames[i].format,
		       all->frames[i].faces_n, (double)all->frames[i].bf16_apart);
		faces += all->frames[i].faces_n;
		all->n++;
		scene_frame_uninit(&frame);
		sp_image_uninit(&image);
		scene_uninit(&scene);
	}
	printf("# %u frames, %u faces\n", all->n, faces);
	CHECK(faces >= FRAMES);
	if (fixture_frames_save(place("photographs", "frames"), all, &err))
		FAIL("%s", err.text);
	fixture_frames_free(all);
	free(all);
}

/* What was written is what is read. */
TEST(files_read_back)
{
	unsigned int read = 0;
	struct sp_err err;

	for (unsigned int i = 0; i < NETWORKS; i++) {
		struct fixture_network network;
		const char *path = place(networks[i].name, "network");
		struct stat st;

		if (stat(path, &st) && networks[i].shared)
			continue;
		if (fixture_network_load(path, &network, &err))
			FAIL("%s", err.text);
		CHECK_EQ(network.model.outputs_n, network.cases[0].outputs_n);
		CHECK(network.model.graph->nodes_n > 5);
		fixture_network_free(&network);
		read++;
	}
	CHECK(read >= 3);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_fixtures FOLDER\n");
		return 2;
	}
	folder = argv[1];
	if (mkdir(folder, 0777) && errno != EEXIST) {
		fprintf(stderr, "%s: %s\n", folder, strerror(errno));
		return 1;
	}
	return sp_test_main(1, argv);
}
