/* SPDX-License-Identifier: Apache-2.0 */
/* Every operator, alone and fused with its neighbours, against plain loops in double. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>

#include "infer/cpu/kernel.h"

#include "net.h"

static struct net net;

static int64_t among(const int64_t *values, unsigned int n)
{
	return values[net_pick(&net, n)];
}
#define AMONG(...)                                                                                 \
	among((int64_t[]){ __VA_ARGS__ }, sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

/* A window that fits into @in. */
static struct window random_window(const struct sp_shape *in)
{
	struct window w = { .group = 1 };

	for (unsigned int a = 0; a < 2; a++) {
		w.dilation[a] = 1 + (net_pick(&net, 4) == 0);
		w.stride[a] = 1 + net_pick(&net, 2);
		do {
			w.kernel[a] = AMONG(1, 1, 2, 3, 3, 5, 7);
			w.pad[a] = net_pick(&net, (unsigned int)(w.kernel[a] / 2 + 1));
			w.pad[a + 2] = net_pick(&net, (unsigned int)(w.kernel[a] / 2 + 1));
		} while (in->dim[2 + a] + w.pad[a] + w.pad[a + 2] <
			 (w.kernel[a] - 1) * w.dilation[a] + 1);
	}
	return w;
}

/* A convolution with whatever may be fused into it: normalisation, addition, activation. */
static void random_conv(uint64_t seed)
{
	unsigned int x, y, other;
	struct window w;
	char what[32];
	int64_t o;

	net.seed = seed; /* for the shape */
	x = net_begin(&net, 13, seed,
		      SHAPE(AMONG(1, 1, 1, 2), AMONG(1, 3, 4, 8, 16, 17, 32, 40),
			    AMONG(1, 5, 7, 12, 16), AMONG(1, 4, 9, 14, 20)));
	w = random_window(&net.tensors[x].shape);
	o = AMONG(1, 4, 10, 16, 24, 33);
	if (net_pick(&net, 3) == 0)
		w.group = o = net.tensors[x].shape.dim[1];
	else if (net_pick(&net, 4) == 0 && net.tensors[x].shape.dim[1] % 2 == 0 && o % 2 == 0)
		w.group = 2;
	y = net_conv(&net, x, o, &w, net_pick(&net, 2));
	if (net_pick(&net, 3) == 0)
		y = net_batchnorm(&net, y);
	if (net_pick(&net, 2)) {
		struct sp_shape shape = net.tensors[y].shape;

		/* The other one: of the same shape, one for each channel, or one row. */
		if (net_pick(&net, 2)) {
			other = net_conv(&net, x, o, &w, true);
		} else {
			if (net_pick(&net, 2))
				shape.dim[2] = shape.dim[3] = 1;
			other = net_constant(&net, shape, 1);
			other = net_act(&net, other, NET_RELU); /* a value, not a constant */
		}
		y = net_pick(&net, 2) ? net_binary(&net, "Add", y, other)
				      : net_binary(&net, "Add", other, y);
		if (net_pick(&net, 2))
			net_output(&net, other);
	}
	if (net_pick(&net, 4))
		y = net_act(&net, y, (enum net_act)net_pick(&net, NET_ACTS));
	net_output(&net, y);
	snprintf(what, sizeof(what), "conv seed %llu", (unsigned long long)seed);
	net_check(&net, what);
}

TEST(convolutions)
{
	for (uint64_t seed = 1; seed <= 300; seed++)
		random_conv(seed);
}

/* Results of padding alone: the first and last rows and columns see no pixel. */
TEST(convolutions_of_padding)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct window w = { { 2, 3 }, { 1, 1 }, { 2, 1 }, { 3, 3, 4, 3 }, 1 };
		unsigned int x, y, z;
		int64_t o;

		x = net_begin(&net, 13, seed,
			      SHAPE(1, seed % 2 ? 16 : 3, 1 + (int64_t)seed % 3, 2));
		w.stride[0] = 1 + net_pick(&net, 2);
		w.group = seed % 4 == 1 ? 16 : 1;
		o = w.group == 16 ? 16 : AMONG(1, 16, 33);
		z = net_conv(&net, x, o, &w, true);
		y = net_conv(&net, x, o, &w, net_pick(&net, 2));
		if (net_pick(&net, 2))
			y = net_binary(&net, "Add", z, y);
		if (net_pick(&net, 2))
			y = net_act(&net, y, (enum net_act)net_pick(&net, NET_ACTS));
		net_output(&net, y);
		net_check(&net, "padding");
	}
}

/*
 * One shape throughout, so that any result may feed any node: buffers shared, written over, kept.
 */
static void random_net(uint64_t seed)
{
	static const struct window point = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };
	static const struct window square = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 };
	unsigned int results[16], n = 0;
	struct window deep = square;
	char what[32];
	int64_t channels;

	net.seed = seed;
	channels = AMONG(3, 8, 16, 32);
	deep.group = channels;
	results[n++] = net_begin(&net, 13, seed, SHAPE(1, channels, 6, 10));
	while (n < 16) {
		unsigned int a = results[net_pick(&net, n)], b = results[net_pick(&net, n)], y;

		switch (net_pick(&net, 8)) {
		case 0:
			y = net_conv(&net, a, channels, &point, true);
			break;
		case 1:
			y = net_conv(&net, a, channels, &square, false);
			break;
		case 2:
			y = net_conv(&net, a, channels, &deep, true);
			break;
		case 3:
			y = net_act(&net, a, (enum net_act)net_pick(&net, NET_ACTS));
			break;
		case 4:
			y = net_batchnorm(&net, a);
			break;
		case 5: /* another name for the same values, row-major */
			y = net_same(&net, a, net.tensors[a].shape);
			NODE(&net, "Reshape", y, a, INTS(&net, 0, channels, 6, -1));
			break;
		default:
			y = net_binary(&net, net_pick(&net, 3) ? "Add" : "Sub", a, b);
		}
		results[n++] = y;
		if (net_pick(&net, 4) == 0)
			net_output(&net, y);
	}
	net_output(&net, results[n - 1]);
	snprintf(what, sizeof(what), "net seed %llu", (unsigned long long)seed);
	net_check(&net, what);
}

TEST(random_networks)
{
	for (uint64_t seed = 1; seed <= 400; seed++)
		random_net(seed);
}

TEST(broadcasting)
{
	static const char *const types[] = { "Add", "Sub", "Mul" };

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct sp_shape whole = SHAPE(2, 5, 3, 4), other = whole;
		unsigned int x = net_begin(&net, 13, seed, whole), y, cut = net_pick(&net, 5);

		for (unsigned int i = 0; i < 4; i++)
			if (net_pick(&net, 2))
				other.dim[i] = 1;
		other.rank = 4 - cut;
		memmove(other.dim, other.dim + cut, other.rank * sizeof(other.dim[0]));
		y = net_constant(&net, other, 1);
		if (seed % 3 == 0) { /* neither has the shape of the result */
			struct sp_shape flat = SHAPE(5, 3, 1);

			y = net_constant(&net, flat, 1);
			x = net_binary(&net, "Mul", y, net_constant(&net, SHAPE(2, 1, 1, 4), 1));
			x = net_binary(&net, "Add", net.input, x);
		}
		if (net_pick(&net, 2))
			x = net_binary(&net, types[net_pick(&net, 3)], x, y);
		else
			x = net_binary(&net, types[net_pick(&net, 3)], y, x);
		if (net_pick(&net, 2))
			x = net_act(&net, x, (enum net_act)net_pick(&net, NET_ACTS));
		net_output(&net, x);
		net_check(&net, types[seed % 3]);
	}
}

TEST(pooling)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		unsigned int x = net_begin(&net, 12, seed, SHAPE(1, 3 + (int64_t)seed % 30, 9, 12));
		struct window point = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 }, w;

		if (net_pick(&net, 2))
			x = net_conv(&net, x, 20, &point, true);
		w = random_window(&net.tensors[x].shape);
		w.dilation[0] = w.dilation[1] = 1;
		net_output(&net, net_maxpool(&net, x, &w, net_pick(&net, 2)));
		net_check(&net, "MaxPool");
	}
}

TEST(nearest_upsampling_with_addition)
{
	static const struct window point = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };

	for (uint64_t seed = 1; seed <= 40; seed++) {
		int64_t high = 1 + (int64_t)seed % 3, wide = 1 + (int64_t)seed % 4;
		unsigned int x = net_begin(&net, seed % 2 ? 11 : 9, seed, SHAPE(2, 3, 5, 4)), y, z;

		y = net_conv(&net, x, 3 + 10 * (int64_t)(seed % 3), &point, true);
		z = net_resize(&net, y, high, wide, seed % 4 == 1 ? 0 : 1);
		switch (net_pick(&net, 3)) {
		case 0: /* with a picture of the same size */
			z = net_binary(&net, "Add",
				       net_conv(&net, net_resize(&net, x, high, wide, 1),
						net.tensors[y].shape.dim[1], &point, false),
				       z);
			break;
		case 1: /* with one of another shape */
			z = net_binary(&net, "Add", z,
				       net_act(&net,
					       net_constant(&net, SHAPE(1, 1, 1, 4 * wide), 1),
					       NET_RELU));
			break;
		}
		net_output(&net, z);
		net_check(&net, "Resize");
	}
}

TEST(softmax_both_ways)
{
	for (int64_t opset = 11; opset <= 13; opset += 2)
		for (int64_t axis = -4; axis < 4; axis++) {
			struct sp_shape shape = SHAPE(2, 3, 4, 5);
			unsigned int x = net_begin(&net, opset, (uint64_t)(axis + 9), shape), y;
			int64_t from = axis < 0 ? axis + 4 : axis, n = 1, stride = 1;

			y = net_tensor(&net, shape);
			set_int(&net, NODE(&net, "Softmax", y, x), "axis", axis);
			for (int64_t i = 0; i < 4; i++) {
				if (i == from || (i > from && opset < 13))
					n *= shape.dim[i];
				else if (i > from)
					stride *= shape.dim[i];
			}
			for (int64_t i = 0; i < 120; i++) {
				int64_t first = i / (n * stride) * n * stride + i % stride;
				double sum = 0;

				for (int64_t k = 0; k < n; k++)
					sum += exp(net.tensors[x].data[first + k * stride]);
				net.tensors[y].data[i] = (float)(exp(net.tensors[x].data[i]) / sum);
			}
			net_output(&net, y);
			net_check(&net, "Softmax");
		}
}

/* Heads as detectors have them: transpose, reshape with 0 and -1, and several put side by side. */
TEST(transpose_reshape_concat)
{
	static const struct window point = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };

	for (uint64_t seed = 1; seed <= 20; seed++) {
		int64_t channels = 1 + (int64_t)seed % 18;
		unsigned int x = net_begin(&net, 11, seed, SHAPE(2, 16, 3, 4)), y, z, both;
		struct sp_shape flat = SHAPE(2, 12, channels), out = SHAPE(2, 24, channels);

		y = net_transpose(&net, net_conv(&net, x, channels, &point, true),
				  (int64_t[]){ 0, 2, 3, 1 });
		z = net_same(&net, y, flat);
		NODE(&net, "Reshape", z, y, INTS(&net, 0, -1, channels));
		y = net_act(&net, z, NET_SIGMOID);
		both = net_tensor(&net, out);
		set_int(&net, NODE(&net, "Concat", both, y, z), "axis", 1);
		for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
			int64_t at[3];
			unsigned int from = y;

			net_index(&out, i, at);
			if (at[1] >= 12) {
				from = z;
				at[1] -= 12;
			}
			net.tensors[both].data[i] = net.tensors[from].data[net_at(&flat, at, 3)];
		}
		net_output(&net, both);
		net_output(&net, net_transpose(&net, both, (int64_t[]){ 2, 0, 1 }));
		net_output(&net, z);
		net_check(&net, "Concat");
	}
}

/* A classifier's end: global mean, flatten, matrix products by both operators. */
TEST(mean_flatten_gemm)
{
	static const struct window point = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };

	for (uint64_t seed = 1; seed <= 20; seed++) {
		unsigned int x = net_begin(&net, 13, seed, SHAPE(2, 5, 6, 7)), y, k, b, z;
		bool transposed = seed % 2, gemm = seed % 3;
		Onnx__NodeProto *node;

		x = net_conv(&net, x, 18, &point, true);
		y = net_tensor(&net, SHAPE(2, 18, 1, 1));
		NODE(&net, "GlobalAveragePool", y, x);
		for (unsigned int i = 0; i < 36; i++) {
			double sum = 0;

			for (unsigned int p = 0; p < 42; p++)
				sum += net.tensors[x].data[i * 42 + p];
			net.tensors[y].data[i] = (float)(sum / 42);
		}
		x = net_same(&net, y, SHAPE(2, 18));
		set_int(&net, NODE(&net, "Flatten", x, y), "axis", 1);
		k = net_constant(&net, gemm && transposed ? SHAPE(9, 18) : SHAPE(18, 9), 0.3f);
		b = net_constant(&net, seed % 5 ? SHAPE(9) : (struct sp_shape){ 0 }, 1);
		z = net_tensor(&net, SHAPE(2, 9));
		node = gemm ? NODE(&net, "Gemm", z, x, k, b) : NODE(&net, "MatMul", z, x, k);
		if (gemm) {
			set_int(&net, node, "transB", transposed);
			set_float(&net, node, "alpha", 0.5f);
			set_float(&net, node, "beta", 2);
		}
		for (unsigned int i = 0; i < 18; i++) {
			unsigned int row = i / 9, column = i % 9;
			double sum = 0;

			for (unsigned int c = 0; c < 18; c++)
				sum += (double)net.tensors[x].data[row * 18 + c] *
				       net.tensors[k].data[gemm && transposed ? column * 18 + c
									      : c * 9 + column];
			if (gemm)
				sum = sum * 0.5 + 2.0 * net.tensors[b].data[seed % 5 ? column : 0];
			net.tensors[z].data[i] = (float)sum;
		}
		if (seed % 4 == 0)
			z = net_batchnorm(&net, z);
		if (seed % 2)
			z = net_act(&net, z, (enum net_act)net_pick(&net, NET_ACTS));
		net_output(&net, z);
		net_check(&net, "Gemm");
	}
}

/*
 * Batch normalisation counts channels along axis 1, which of a stack of matrices is not the one
 * that the product makes, even where both have as many.
 */
TEST(batchnorm_behind_a_stack_of_matrix_products)
{
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 6, 4, 5)), y, k, z;

	y = net_same(&net, x, SHAPE(4, 6, 5));
	NODE(&net, "Reshape", y, x, INTS(&net, 4, 6, 5));
	k = net_constant(&net, SHAPE(5, 6), 0.5f);
	z = net_tensor(&net, SHAPE(4, 6, 6));
	NODE(&net, "MatMul", z, y, k);
	for (unsigned int i = 0; i < 4 * 6 * 6; i++) {
		double sum = 0;

		for (unsigned int c = 0; c < 5; c++)
			sum += (double)net.tensors[y].data[i / 6 * 5 + c] *
			       net.tensors[k].data[c * 6 + i % 6];
		net.tensors[z].data[i] = (float)sum;
	}
	net_output(&net, net_batchnorm(&net, z));
	net_check(&net, "MatMul");
}

/* Reshape to a shape that other nodes compute from the input's, with height and width left open. */
TEST(shapes_computed_in_the_file)
{
	struct sp_shape shape = SHAPE(1, 6, 4, 10);
	unsigned int x = net_begin(&net, 11, 1, shape), dims, height, width, list, y, minus, z;

	net.dynamic = true;
	dims = net_tensor(&net, SHAPE(4));
	NODE(&net, "Shape", dims, x);
	height = net_tensor(&net, SHAPE(1));
	NODE(&net, "Slice", height, dims, INTS(&net, 2), INTS(&net, 3));
	width = net_tensor(&net, (struct sp_shape){ 0 });
	z = net_tensor(&net, (struct sp_shape){ 0 });
	net_initializer(&net, z, (int64_t[]){ -1 }, false);
	set_int(&net, NODE(&net, "Gather", width, dims, z), "axis", 0);
	list = net_tensor(&net, SHAPE(1));
	set_ints(&net, NODE(&net, "Unsqueeze", list, width), "axes", 1, (int64_t[]){ 0 });
	minus = INTS(&net, -1);
	width = net_tensor(&net, SHAPE(3));
	set_int(&net, NODE(&net, "Concat", width, height, list, minus), "axis", 0);
	y = net_same(&net, x, SHAPE(4, 10, 6));
	NODE(&net, "Reshape", y, x, width);
	z = net_same(&net, y, SHAPE(1, 4, 10, 6));
	set_ints(&net, NODE(&net, "Unsqueeze", z, y), "axes", 1, (int64_t[]){ 0 });
	y = net_same(&net, z, SHAPE(4, 10, 6));
	set_ints(&net, NODE(&net, "Squeeze", y, z), "axes", 1, (int64_t[]){ 0 });
	net_output(&net, net_act(&net, y, NET_SIGMOID));
	net_check(&net, "Shape");
}

/* Names for what is already there: the input, a constant, one result twice. */
TEST(identities_and_plain_outputs)
{
	unsigned int x = net_begin(&net, 13, 3, SHAPE(1, 3, 4, 5)), y, z, c;

	c = net_constant(&net, SHAPE(2, 3), 1);
	y = net_same(&net, x, net.tensors[x].shape);
	NODE(&net, "Identity", y, x);
	net_output(&net, y);
	z = net_act(&net, y, NET_SIGMOID);
	y = net_same(&net, z, net.tensors[z].shape);
	NODE(&net, "Dropout", y, z);
	net_output(&net, z);
	net_output(&net, y);
	net_output(&net, c);
	y = net_same(&net, c, net.tensors[c].shape);
	NODE(&net, "Identity", y, c);
	net_output(&net, y);
	net_output(&net, net_binary(&net, "Add", z, z));
	net_check(&net, "Identity");
}

/* OpenMP must not have started anything: whoever calls run does the work. */
TEST(run_starts_no_threads)
{
	static const struct window square = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 };
	unsigned int x = net_begin(&net, 13, 5, SHAPE(1, 16, 64, 64)), threads = 0;
	DIR *dir;

	net_output(&net, net_conv(&net, x, 16, &square, true));
	net_check(&net, "threads");
	dir = opendir("/proc/self/task");
	CHECK(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		threads += entry->d_name[0] != '.';
	closedir(dir);
	CHECK_EQ(threads, 1);
}

/* Executors of one model beside each other: each thread makes, runs and drops its own. */
struct beside {
	const struct sp_model *model;
	const struct tensor *input, *want;
	bool good;
};

static void *run_beside(void *arg)
{
	struct beside *beside = arg;
	struct sp_executor *executor;
	struct sp_err err;
	size_t n = (size_t)sp_shape_elements(&beside->want->shape);

	for (unsigned int i = 0; i < 10; i++) {
		const float *got;

		if (sp_executor_create(beside->model, beside->input->shape.dim, NULL, &executor, &err))
			return NULL;
		got = sp_executor_output(executor, 0, NULL, NULL);
		beside->good = true;
		for (unsigned int k = 0; k < 20; k++) {
			memcpy(sp_executor_input(executor), beside->input->data,
			       (size_t)sp_shape_elements(&beside->input->shape) * sizeof(float));
			beside->good &= !sp_executor_run(executor);
			for (size_t j = 0; j < n; j++)
				beside->good &= fabsf(got[j] - beside->want->data[j]) < 1e-4f;
		}
		sp_executor_destroy(executor);
	}
	return NULL;
}

TEST(executors_run_beside_each_other)
{
	static const struct window square = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 };
	unsigned int x = net_begin(&net, 13, 9, SHAPE(1, 16, 20, 20)), y = x;
	struct beside beside[3];
	struct sp_model *model;
	pthread_t threads[3];
	struct sp_err err;
	uint8_t *bytes;
	size_t size;

	for (unsigned int i = 0; i < 3; i++)
		y = net_act(&net, net_binary(&net, "Add", y, net_conv(&net, y, 16, &square, true)),
			    NET_SIGMOID);
	net_output(&net, y);
	bytes = net_pack(&net, &size);
	CHECK_EQ(sp_model_parse(bytes, size, "shared", &model, &err), 0);
	for (unsigned int i = 0; i < 3; i++) {
		beside[i] = (struct beside){ model, &net.tensors[x], &net.tensors[y], false };
		CHECK_EQ(pthread_create(&threads[i], NULL, run_beside, &beside[i]), 0);
	}
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (unsigned int i = 0; i < 3; i++)
		CHECK(beside[i].good);
	sp_model_free(model);
	net_end(&net);
}

TEST(inputs_that_do_not_fit)
{
	static const struct window square = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };
	static const int64_t wrong[][4] = {
		{ 1, 4, 8, 8 }, { 1, 3, 8, 9 }, { 1, 3, 0, 8 }, { -1, 3, 8, 8 }
	};
	unsigned int x = net_begin(&net, 13, 5, SHAPE(1, 3, 8, 8));
	struct sp_executor *executor = NULL;
	struct sp_model *model;
	struct sp_err err;
	size_t size;
	uint8_t *bytes;

	net_output(&net, net_conv(&net, x, 4, &square, true));
	bytes = net_pack(&net, &size);
	CHECK_EQ(sp_model_parse(bytes, size, "fixed.onnx", &model, &err), 0);
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_EQ(sp_executor_create(model, wrong[i], NULL, &executor, &err), -EINVAL);
		CHECK(!strncmp(err.text, "fixed.onnx: input 't0' is 1x3x8x8", 33));
	}
	sp_model_free(model);
	net.dynamic = true;
	bytes = net_pack(&net, &size);
	CHECK_EQ(sp_model_parse(bytes, size, "open.onnx", &model, &err), 0);
	CHECK_EQ(sp_executor_create(model, (int64_t[]){ 1, 3, 2, 8 }, NULL, &executor, &err), -EINVAL);
	CHECK(strstr(err.text, "(Conv)"));
	CHECK_EQ(sp_executor_create(model, (int64_t[]){ 1, 3, 1 << 20, 1 << 20 }, NULL, &executor, &err),
		 -EFBIG);
	CHECK(!executor);
	sp_model_free(model);
	net_end(&net);
}

/* By name, by precision, and what is said of a name that there is not. */
TEST(kernels_by_option)
{
	static const struct window point = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };
	unsigned int x = net_begin(&net, 13, 5, SHAPE(1, 3, 8, 8));
	struct sp_executor_options options = { .kernels = "abacus" };
	struct sp_executor *executor = NULL;
	const int64_t *shape = net.tensors[x].shape.dim;
	struct sp_layer layer;
	struct sp_model *model;
	struct sp_err err;

	net_output(&net, net_conv(&net, x, 20, &point, true));
	model = net_model(&net, "one.onnx");
	CHECK_EQ(sp_executor_create(model, shape, &options, &executor, &err), -EINVAL);
	CHECK(!executor && strstr(err.text, "abacus"));
	for (unsigned int i = 0; i <= SP_PRECISIONS; i++) {
		options.precision = (enum sp_precision)i;
		options.kernels = i == SP_PRECISIONS ? "onednn" : NULL;
		CHECK_EQ(sp_executor_create(model, shape, &options, &executor, &err), 0);
		CHECK(sp_executor_profile(executor, &layer, 1) >= 1);
		CHECK((i == SP_PRECISIONS) == !strcmp(layer.kernels, "onednn"));
		if (i < SP_PRECISIONS)
			CHECK_STR(layer.kernels, sp_kernels_best((enum sp_precision)i)->name);
		sp_executor_destroy(executor);
	}
	sp_model_free(model);
	net_end(&net);
}

TEST_MAIN()
