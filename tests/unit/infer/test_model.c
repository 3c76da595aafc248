/* SPDX-License-Identifier: Apache-2.0 */
/* What the ONNX reader must refuse, by name and in one line, and never crash on. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "infer/cpu/worker.h"
#include "infer/graph.h"
#include "net.h"

static struct net net;

static const struct window square = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 };

/* x → Conv → Relu → the output; returns the number of the convolution's result. */
static unsigned int small(void)
{
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 3, 8, 8)),
		     y = net_conv(&net, x, 4, &square, 1);

	net_output(&net, net_act(&net, y, NET_RELU));
	return y;
}

/* The file as it stands now is refused with @code and a line that holds @words. */
static void check_refused(int code, const char *words)
{
	struct sp_model *model = NULL;
	struct sp_err err = { "" };
	size_t size;
	uint8_t *bytes = net_pack(&net, &size);

	CHECK_EQ(sp_model_parse(bytes, size, "a.onnx", &model, &err), code);
	CHECK(!model);
	if (strncmp(err.text, "a.onnx: ", 8) || !strstr(err.text, words) || strchr(err.text, '\n'))
		FAIL("\"%s\" says nothing of \"%s\"", err.text, words);
	net_end(&net);
}

TEST(operators_and_attributes_are_refused_by_name)
{
	small();
	net.nodes[1]->op_type = "Sinh";
	net.nodes[1]->name = "act\n7";
	check_refused(-ENOTSUP, "node 'act?7': operator Sinh is not supported");
	small();
	net.nodes[1]->domain = "com.example";
	check_refused(-ENOTSUP, "operator Relu of another domain");
	small();
	set_int(&net, net.nodes[0], "winograd", 1);
	check_refused(-ENOTSUP, "node 't3' (Conv): attribute 'winograd' is not supported");
	small();
	net.nodes[0]->attribute[1]->ints[0] = -2;
	check_refused(-ENOTSUP, "attribute 'strides': -2");
	small();
	net.nodes[0]->attribute[2]->ints[3] = INT64_MAX;
	check_refused(-ENOTSUP, "attribute 'pads'");
	small();
	net.nodes[0]->attribute[2]->n_ints = 2;
	check_refused(-ENOTSUP, "attribute 'pads' has 2 values");
	small();
	net.nodes[0]->attribute[0]->ints[0] = 5;
	check_refused(-EINVAL, "kernel_shape");
	small();
	net.nodes[0]->attribute[4]->i = 0;
	check_refused(-EINVAL, "'group'");
	small();
	net.nodes[0]->attribute[4]->i = 3;
	check_refused(-EINVAL, "'group'");
	small();
	net.nodes[1]->n_input = 0;
	check_refused(-ENOTSUP, "0 inputs");
	small();
	set_text(&net, net.nodes[0], "auto_pad", "SAME_SIDEWAYS");
	check_refused(-ENOTSUP, "attribute 'auto_pad'");
	small();
	net.opset = 6;
	check_refused(-ENOTSUP, "operator set 6");
}

TEST(modes_of_resize_that_round_another_way_are_refused)
{
	static const char *const modes[][3] = {
		{ "align_corners", "floor", "coordinate_transformation_mode" },
		{ "half_pixel", "floor", "scale of 3" },
		{ "asymmetric", "round_prefer_ceil", "scale of 3" },
		{ "asymmetric", "round_prefer_floor", "scale of 3" },
	};

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 3, 4, 4)), y, scales;
		float *data;

		scales = net_constant(&net, SHAPE(4), 1);
		data = (float *)net.constants[0]->raw_data.data;
		data[0] = data[1] = 1;
		data[2] = data[3] = 3;
		y = net_tensor(&net, SHAPE(1, 3, 12, 12));
		NODE(&net, "Resize", y, x, UINT32_MAX, scales);
		set_text(&net, net.nodes[0], "coordinate_transformation_mode", modes[i][0]);
		set_text(&net, net.nodes[0], "nearest_mode", modes[i][1]);
		set_text(&net, net.nodes[0], "mode", "nearest");
		net_output(&net, y);
		check_refused(-ENOTSUP, modes[i][2]);
	}
}

TEST(graphs_that_make_no_sense_are_refused)
{
	unsigned int y = small();

	net.nodes[0]->input[0] = net.nodes[1]->output[0];
	check_refused(-EINVAL, "cycle");
	small();
	net.nodes[1]->input[0] = "nowhere";
	check_refused(-EINVAL, "tensor 'nowhere' is produced by nothing");
	small();
	net.nodes[1]->output[0] = net.nodes[0]->output[0];
	check_refused(-EINVAL, "comes from nowhere");
	y = small();
	NODE(&net, "Relu", y, net.input);
	check_refused(-EINVAL, "already produced elsewhere");
	small();
	NODE(&net, "Sigmoid", net.input, y);
	net_output(&net, net.input);
	check_refused(-EINVAL, "already produced elsewhere");
	small();
	net.outputs_n = 0;
	check_refused(-EINVAL, "no graph inside");
	small();
	net.constants[1]->name = net.constants[0]->name;
	check_refused(-EINVAL, "there twice");
	/* Two identities, each the other's input. */
	net_begin(&net, 13, 1, SHAPE(1, 1, 1, 1));
	y = net_tensor(&net, SHAPE(1));
	net_output(&net, net_tensor(&net, SHAPE(1)));
	NODE(&net, "Identity", y, y + 1);
	NODE(&net, "Identity", y + 1, y);
	check_refused(-EINVAL, "cycle");
}

TEST(tensors_that_lie_are_refused)
{
	small();
	net.constants[0]->raw_data.len--;
	check_refused(-EINVAL, "tensor 't1': its data are not those of 108 elements");
	small();
	net.constants[0]->dims[0] = -4;
	check_refused(-EINVAL, "tensor 't1': its dimensions");
	small();
	net.constants[0]->dims[0] = net.constants[0]->dims[1] = (int64_t)1 << 33;
	check_refused(-EINVAL, "tensor 't1': its dimensions");
	small();
	net.constants[0]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
	check_refused(-ENOTSUP, "tensor 't1': data type 10");
	small();
	net.constants[1]->dims[0] = 2;
	net.constants[1]->raw_data.len = 8;
	check_refused(-EINVAL, "'t2' has not 4 elements");
	small();
	net.constants[0]->has_data_location = true;
	net.constants[0]->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
	check_refused(-ENOTSUP, "in another file");
	small();
	net.constants[0]->n_dims = 3;
	check_refused(-EINVAL, "tensor 't1'");
	/* A picture of three channels into weights for four. */
	small();
	net.tensors[net.input].shape.dim[1] = 4;
	check_refused(-EINVAL, "node 't3' (Conv): an input of shape 1x4x8x8 does not fit");
	small();
	net.tensors[net.input].shape.dim[2] = net.tensors[net.input].shape.dim[3] = 16384;
	net.tensors[net.input].shape.dim[1] = 1;
	check_refused(-EINVAL, "does not fit");
}

TEST(results_without_bounds_are_refused)
{
	static const struct window wide = {
		{ 1, 1 }, { 1, 1 }, { 1, 1 }, { 4096, 4096, 4096, 4096 }, 1
	};
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 1, 1, 1)), y;

	y = net_constant(&net, SHAPE(64, 1, 1, 1), 1);
	x = net_tensor(&net, SHAPE(1));
	NODE(&net, "Conv", x, net.input, y);
	set_ints(&net, net.nodes[0], "pads", 4, wide.pad);
	net_output(&net, x);
	check_refused(-EFBIG, "1x64x8193x8193");
}

TEST(inputs_without_bounds_are_refused)
{
	Onnx__TensorShapeProto__Dimension **dim;
	unsigned int y;

	for (unsigned int i = 0; i < 2; i++) {
		y = small();
		net.tensors[net.input].shape.dim[2] = net.tensors[net.input].shape.dim[3] =
			i ? INT64_MAX : 1 << 14;
		check_refused(-EFBIG, "'t0': more than 268435456 values");
	}
	y = small();
	net.tensors[net.input].shape.dim[3] = -2;
	check_refused(-EINVAL, "'t0': dimension 3 is -2");
	/* Open ones count as 1 until they are known. */
	y = small();
	net_output(&net, y);
	dim = net.outputs[1]->type->tensor_type->shape->dim;
	dim[0]->dim_value = -1;
	dim[2]->dim_value = (int64_t)1 << 40;
	check_refused(-EFBIG, "'t3': more than");
}

/* No values, but dimensions whose product has no 64 bits. */
TEST(dimensions_beside_none_have_bounds)
{
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 2)), y = net_tensor(&net, SHAPE(1));

	NODE(&net, "Flatten", y, net_constant(&net, SHAPE(0, 1, 1), 1));
	net.constants[0]->dims[1] = net.constants[0]->dims[2] = (int64_t)1 << 40;
	net_output(&net, net_act(&net, x, NET_RELU));
	net_output(&net, y);
	check_refused(-EINVAL, "'t2': its dimensions are negative or too large");
}

/* A path in a file must lead nowhere, whatever else it says of the place. */
TEST(data_of_other_files_are_refused)
{
	Onnx__StringStringEntryProto place = ONNX__STRING_STRING_ENTRY_PROTO__INIT;
	Onnx__StringStringEntryProto *places = &place;

	small();
	place.key = "location";
	place.value = "../../../etc/passwd";
	net.constants[0]->n_external_data = 1;
	net.constants[0]->external_data = &places;
	check_refused(-ENOTSUP, "tensor 't1': its data are in another file");
}

TEST(target_shapes_that_make_no_sense_are_refused)
{
	static const int64_t targets[][2] = {
		{ -3, -1 }, { -1, -1 }, { 7, -1 }, { INT64_MIN, 1 }, { INT64_MAX, INT64_MAX }
	};

	for (unsigned int i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 3, 8, 8)),
			     to = net_ints(&net, 2, targets[i]), y = net_tensor(&net, SHAPE(1));

		NODE(&net, "Reshape", y, x, to);
		net_output(&net, y);
		check_refused(-EINVAL, "(Reshape): an input of shape 1x3x8x8 does not fit");
	}
}

/* y = x ∘ what thirty doublings make of four values. */
static void bomb(bool dynamic)
{
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 1, 8, 8)),
		     c = net_constant(&net, SHAPE(4), 1), y;

	net.dynamic = dynamic;
	for (unsigned int i = 0; i < 30; i++, c = y) {
		y = net_tensor(&net, SHAPE(1));
		set_int(&net, NODE(&net, "Concat", y, c, c), "axis", 0);
	}
	y = net_tensor(&net, SHAPE(1, 1, 8, 8));
	NODE(&net, "Add", y, x, c);
	net_output(&net, y);
}

/* A kilobyte that would become gigabytes. */
TEST(constants_without_bounds_are_refused)
{
	for (unsigned int dynamic = 0; dynamic < 2; dynamic++) {
		bomb(dynamic);
		check_refused(-EFBIG, "(Concat): a result of shape 536870912 is not supported");
	}
}

/* Each result is small enough, all of them are not: what is left over is computed at run time. */
TEST(constants_take_bounded_time_and_memory)
{
	enum { SIDE = 512, LAYERS = 120 };
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 1, SIDE, SIDE)),
		     c = net_constant(&net, SHAPE(1, 1, SIDE, SIDE), 1), y;
	uint32_t left;
	struct sp_model *model;
	struct sp_err err;
	size_t size;
	uint8_t *bytes;

	net.dynamic = true;
	for (unsigned int i = 0; i < LAYERS; i++, c = y) {
		static const struct window wide = {
			{ 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1
		};
		unsigned int w = net_constant(&net, SHAPE(1, 1, 3, 3), 1);

		y = net_tensor(&net, SHAPE(1));
		set_ints(&net, NODE(&net, "Conv", y, c, w), "pads", 4, wide.pad);
	}
	y = net_tensor(&net, SHAPE(1, 1, SIDE, SIDE));
	NODE(&net, "Add", y, x, c);
	net_output(&net, y);
	bytes = net_pack(&net, &size);
	if (sp_model_parse(bytes, size, "many", &model, &err))
		FAIL("%s", err.text);
	left = model->graph->nodes_n;
	CHECK(left > 1 && left <= LAYERS);
	sp_model_free(model);
	net_end(&net);
}

/* One node more than there may be, each a few bytes; the same way without them it is taken. */
TEST(node_explosions_are_refused)
{
	for (unsigned int many = 0; many < 2; many++) {
		struct sp_model *model = NULL;
		Onnx__NodeProto **was, *nodes[SP_GRAPH_NODES_MAX + 1];
		Onnx__ModelProto *proto;
		struct sp_err err;
		uint8_t *bytes;
		size_t size;

		small();
		bytes = net_pack(&net, &size);
		proto = onnx__model_proto__unpack(NULL, size, bytes);
		CHECK(proto);
		was = proto->graph->node;
		for (unsigned int i = 0; i <= SP_GRAPH_NODES_MAX; i++)
			nodes[i] = was[i ? 1 : 0];
		if (many) {
			proto->graph->node = nodes;
			proto->graph->n_node = SP_GRAPH_NODES_MAX + 1;
		}
		size = onnx__model_proto__get_packed_size(proto);
		bytes = net_alloc(&net, size);
		onnx__model_proto__pack(proto, bytes);
		proto->graph->node = was;
		proto->graph->n_node = 2;
		onnx__model_proto__free_unpacked(proto, NULL);
		CHECK_EQ(sp_model_parse(bytes, size, "many", &model, &err), many ? -EFBIG : 0);
		if (many && !strstr(err.text, "16385 nodes are not supported"))
			FAIL("%s", err.text);
		sp_model_free(model);
		net_end(&net);
	}
}

TEST(truncated_files_are_refused)
{
	struct sp_model *model = NULL;
	struct sp_err err;
	uint8_t *bytes, *copy;
	size_t size;

	small();
	bytes = net_pack(&net, &size);
	for (size_t n = 0; n < size; n++) {
		/* A copy of exactly that size, so that a byte beyond is seen. */
		copy = malloc(n + 1);
		CHECK(copy);
		copy = realloc(copy, n ? n : 1);
		memcpy(copy, bytes, n);
		if (!sp_model_parse(copy, n, "cut.onnx", &model, &err))
			FAIL("%zu of %zu bytes were taken for a model", n, size);
		CHECK(!strncmp(err.text, "cut.onnx: ", 10));
		free(copy);
	}
	CHECK_EQ(sp_model_parse("PK\3\4 no model", 13, "a.onnx", &model, &err), -EINVAL);
	net_end(&net);
}

/* Any byte may be anything: refused or not, nothing may break (the sanitizers watch). */
TEST(damaged_files_break_nothing)
{
	struct sp_model *model;
	struct sp_err err;
	size_t size, taken = 0;
	uint8_t *bytes;

	small();
	bytes = net_pack(&net, &size);
	for (unsigned int i = 0; i < 20000; i++) {
		size_t at = net_pick(&net, (unsigned int)size);
		uint8_t was = bytes[at];

		bytes[at] = (uint8_t)net_pick(&net, 256);
		if (!sp_model_parse(bytes, size, "bad.onnx", &model, &err)) {
			sp_model_free(model);
			taken++;
		}
		bytes[at] = was;
	}
	/* Most bytes are weights. */
	CHECK(taken > 1000 && taken < 20000);
	net_end(&net);
}

/*
 * Messages within messages: field 7 of a model is its graph, 1 of that a node, 5 an attribute, 6
 * a graph.
 */
TEST(nesting_is_bounded)
{
	enum { LEVELS = 4000 };
	static const uint8_t fields[] = { 0x3A, 0x0A, 0x2A, 0x32 };
	size_t room = LEVELS * 16, at = room;
	uint8_t *bytes = malloc(room);
	struct sp_model *model;
	struct sp_err err;

	CHECK(bytes);
	for (int level = LEVELS; level >= 0; level--) {
		size_t n = room - at;
		uint8_t head[8], used = 0;

		head[used++] = level == 0 ? fields[0] : fields[1 + (level - 1) % 3];
		do {
			head[used++] = (uint8_t)((n & 0x7F) | (n > 0x7F ? 0x80 : 0));
			n >>= 7;
		} while (n);
		at -= used;
		memcpy(bytes + at, head, used);
	}
	CHECK_EQ(sp_model_parse(bytes + at, room - at, "deep.onnx", &model, &err), -EINVAL);
	CHECK(strstr(err.text, "nested deeper"));
	free(bytes);
}

TEST(files_that_cannot_be_read)
{
	char path[] = "/tmp/sp-model-XXXXXX", text[128];
	struct sp_model *model;
	struct sp_err err;
	int fd;

	CHECK_EQ(sp_model_load("/nonexistent/a.onnx", &model, &err), -ENOENT);
	CHECK(strstr(err.text, "/nonexistent/a.onnx: No such file"));
	CHECK_EQ(sp_model_load("/tmp", &model, &err), -EINVAL);
	fd = mkstemp(path);
	CHECK(fd >= 0);
	CHECK_EQ(sp_model_load(path, &model, &err), -EINVAL);
	snprintf(text, sizeof(text), "%s: ", path);
	CHECK(!strncmp(err.text, text, strlen(text)));
	/* Not held up by a FIFO that nobody writes to. */
	unlink(path);
	CHECK_EQ(mkfifo(path, 0600), 0);
	CHECK_EQ(sp_model_load(path, &model, &err), -EINVAL);
	CHECK(strstr(err.text, "not a regular file"));
	/* A hole, not half a gigabyte of disk. */
	unlink(path);
	close(fd);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)SP_MODEL_FILE_MAX + 1), 0);
	CHECK_EQ(sp_model_load(path, &model, &err), -EFBIG);
	close(fd);
	unlink(path);
}

/* Each product keeps its weights its own way: 60 of them would take 60 times what the file has. */
TEST(shared_weights_do_not_multiply_without_end)
{
	enum { SIDE = 1024, PRODUCTS = 60 };
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 1, 1, SIDE)), y;
	unsigned int k = net_constant(&net, SHAPE(SIDE, SIDE), 1);

	for (unsigned int i = 0; i < PRODUCTS; i++, x = y) {
		y = net_tensor(&net, SHAPE(1, 1, 1, SIDE));
		NODE(&net, "MatMul", y, x, k);
	}
	net_output(&net, x);
	check_refused(-ENOMEM, "out of memory");
}

/* The workers read as many numbers as the file says its output has. */
TEST(an_output_of_another_size_than_the_file_says)
{
	struct sp_worker_setup setup = { .embedding_size = 512 };
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 3, 112, 112));
	unsigned int mean = net_tensor(&net, SHAPE(1, 3, 1, 1)),
		     flat = net_tensor(&net, SHAPE(1, 3));
	struct sp_worker *worker = NULL;
	struct sp_model *model;
	struct sp_err err;
	size_t size;
	uint8_t *bytes;

	NODE(&net, "GlobalAveragePool", mean, x);
	NODE(&net, "Flatten", flat, mean);
	net_output(&net, flat);
	net.outputs[0]->type->tensor_type->shape->dim[1]->dim_value = 512;
	bytes = net_pack(&net, &size);
	if (sp_model_parse(bytes, size, "liar.onnx", &model, &err))
		FAIL("%s", err.text);
	CHECK_EQ(model->outputs[0].shape.dim[1], 512);
	sp_model_card_default(SP_ROLE_EMBEDDER, &setup.embedder_card);
	setup.embedder = model;
	CHECK_EQ(sp_worker_create(&setup, NULL, &worker, &err), -EINVAL);
	CHECK_STR(err.text, "liar.onnx: it gives an output of 1x3 where its file says 512 numbers; "
			    "export it anew");
	setup.embedding_size = 3;
	CHECK_EQ(sp_worker_create(&setup, NULL, &worker, &err), 0);
	sp_worker_destroy(worker);
	sp_model_free(model);
	net_end(&net);
}

TEST(nodes_may_come_in_any_order)
{
	Onnx__NodeProto *first;

	small();
	first = net.nodes[0];
	net.nodes[0] = net.nodes[1];
	net.nodes[1] = first;
	net_check(&net, "unsorted");
}

TEST_MAIN()
