/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks in the shape of public face models, with random weights, against what ONNX Runtime made
 * of them (tests/goldens/make_networks.py); and operators one by one against plain loops.
 */
#include "net.h"

#include <errno.h>

#include "infer/cpu/kernel.h"

/* ---- networks ------------------------------------------------------------------------------- */

/* As make_networks.py has them: in [-1, 1). */
static float golden_number(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (float)(*state >> 40) / (1 << 23) - 1;
}

static void read_exactly(FILE *file, void *to, size_t size)
{
	CHECK_EQ(fread(to, 1, size, file), size);
}

/* The largest difference of an output from the golden one, in parts of max(1, |golden|). */
static double compare_output(FILE *golden, const struct sp_executor *executor, unsigned int i)
{
	struct sp_shape shape, want = { 0 };
	const float *got = sp_executor_output(executor, i, NULL, &shape);
	double worst = 0;
	int32_t n;

	read_exactly(golden, &n, sizeof(n));
	CHECK(n >= 0 && n <= SP_RANK_MAX);
	want.rank = (unsigned int)n;
	for (unsigned int d = 0; d < want.rank; d++) {
		read_exactly(golden, &n, sizeof(n));
		want.dim[d] = n;
	}
	CHECK(sp_shape_equal(&shape, &want));
	for (int64_t k = 0; k < sp_shape_elements(&want); k++) {
		float value;

		read_exactly(golden, &value, sizeof(value));
		worst = fmax(worst,
			     fabs((double)got[k] - (double)value) / fmax(1, fabs((double)value)));
	}
	return worst;
}

static double run_network(const char *name, const char *kernels)
{
	const struct sp_executor_options options = { SP_PRECISION_F32, kernels };
	struct sp_executor *executor;
	struct sp_model *model;
	int32_t head[6];
	int64_t shape[4];
	uint64_t state;
	struct sp_err err;
	char path[128];
	double worst = 0;
	float scale;
	FILE *golden;

	snprintf(path, sizeof(path), "tests/goldens/networks/%s.golden", name);
	golden = fopen(path, "rb");
	if (!golden)
		SKIP("%s is not there; run the test at the top of the source tree", path);
	read_exactly(golden, head, sizeof(head));
	read_exactly(golden, &scale, sizeof(scale));
	for (int i = 0; i < 4; i++)
		shape[i] = head[i];
	snprintf(path, sizeof(path), "tests/goldens/networks/%s.onnx", name);
	if (sp_model_load(path, &model, &err) ||
	    sp_executor_create(model, shape, &options, &executor, &err))
		FAIL("%s", err.text);
	state = (uint64_t)head[4];
	for (int64_t i = 0; i < shape[0] * shape[1] * shape[2] * shape[3]; i++)
		sp_executor_input(executor)[i] = golden_number(&state) * scale;
	CHECK_EQ(sp_executor_run(executor), 0);
	CHECK_EQ(sp_executor_outputs(executor), head[5]);
	for (unsigned int i = 0; i < (unsigned int)head[5]; i++)
		worst = fmax(worst, compare_output(golden, executor, i));
	sp_executor_destroy(executor);
	sp_model_free(model);
	fclose(golden);
	return worst;
}

TEST(networks_of_public_shapes_agree_with_onnx_runtime)
{
	static const char *const names[] = { "scrfd",	   "scrfd_any_size",
					     "retinaface", "arcface",
					     "sface",	   "edgeface",
					     "quality",	   "edgeface_old_operators" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		double ours = run_network(names[i], NULL), plain = run_network(names[i], "onednn");

		printf("# %s: within %.1e, by oneDNN %.1e\n", names[i], ours, plain);
		CHECK(ours <= 1e-5 && plain <= 1e-5);
	}
}

/* ---- operators one by one -------------------------------------------------------------------- */

static struct net net;

/* @y of the same shape as @x by @function of each value. */
static void each(const char *type, int64_t opset, double (*function)(double), float scale)
{
	unsigned int x = net_begin(&net, opset, 3, SHAPE(2, 3, 5, 7)), y;

	for (int64_t i = 0; i < 210; i++)
		net.tensors[x].data[i] *= scale;
	y = net_tensor(&net, net.tensors[x].shape);
	NODE(&net, type, y, x);
	for (int64_t i = 0; i < 210; i++)
		net.tensors[y].data[i] = (float)function((double)net.tensors[x].data[i]);
	net_output(&net, y);
	net_check(&net, type);
}

static double elu(double x)
{
	return x < 0 ? exp(x) - 1 : x;
}

static double gelu(double x)
{
	return x / 2 * (1 + erf(x / sqrt(2)));
}

static double hard_sigmoid(double x)
{
	return fmin(fmax(0.2 * x + 0.5, 0), 1);
}

static double hard_swish(double x)
{
	return x * fmin(fmax(x / 6 + 0.5, 0), 1);
}

static double leaky(double x)
{
	return x < 0 ? (double)0.01f * x : x;
}

static double negative(double x)
{
	return -x;
}

TEST(functions_of_one_number)
{
	each("Abs", 13, fabs, 3);
	each("Elu", 13, elu, 3);
	each("Erf", 13, erf, 3);
	each("Exp", 13, exp, 3);
	each("Gelu", 20, gelu, 4);
	each("HardSigmoid", 13, hard_sigmoid, 5);
	each("HardSwish", 14, hard_swish, 5);
	each("LeakyRelu", 13, leaky, 3);
	each("Neg", 13, negative, 3);
	each("Tanh", 13, tanh, 3);
}

/* Roots, logarithms and quotients of what is positive. */
TEST(functions_of_positive_numbers)
{
	for (unsigned int kind = 0; kind < 4; kind++) {
		static const char *const types[] = { "Sqrt", "Log", "Reciprocal", "Pow" };
		unsigned int x = net_begin(&net, 13, kind, SHAPE(1, 4, 9)), p = 0, y;

		for (int64_t i = 0; i < 36; i++)
			net.tensors[x].data[i] = 0.1f + fabsf(net.tensors[x].data[i]);
		if (kind == 3) {
			p = net_constant(&net, (struct sp_shape){ 0 }, 1);
			net.tensors[p].data[0] = 1.7f;
			memcpy(net.constants[0]->raw_data.data, net.tensors[p].data, 4);
		}
		/* The executor wants a picture: rank 4. */
		net.tensors[x].shape = SHAPE(1, 1, 4, 9);
		y = net_tensor(&net, net.tensors[x].shape);
		net_node(&net, types[kind], y, kind == 3 ? 2 : 1, (unsigned int[]){ x, p });
		for (int64_t i = 0; i < 36; i++) {
			double v = (double)net.tensors[x].data[i];

			net.tensors[y].data[i] = (float)(kind == 0   ? sqrt(v)
							 : kind == 1 ? log(v)
							 : kind == 2 ? 1 / v
								     : pow(v, (double)1.7f));
		}
		net_output(&net, y);
		net_check(&net, types[kind]);
	}
}

static void check_avgpool(const struct window *w, bool ceil_mode, bool padding, uint64_t seed)
{
	struct sp_shape in = SHAPE(2, 3, 9, 8), out = in;
	unsigned int x = net_begin(&net, 19, seed, in), y;
	Onnx__NodeProto *node;

	for (unsigned int a = 0; a < 2; a++) {
		int64_t room = in.dim[2 + a] + w->pad[a] + w->pad[a + 2] - w->kernel[a];

		out.dim[2 + a] = (room + (ceil_mode ? w->stride[a] - 1 : 0)) / w->stride[a] + 1;
		if ((out.dim[2 + a] - 1) * w->stride[a] >= in.dim[2 + a] + w->pad[a])
			out.dim[2 + a]--;
	}
	y = net_tensor(&net, out);
	node = NODE(&net, "AveragePool", y, x);
	set_window(&net, node, w);
	set_int(&net, node, "ceil_mode", ceil_mode);
	set_int(&net, node, "count_include_pad", padding);
	for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
		int64_t at[4], n = 0;
		double sum = 0;

		net_index(&out, i, at);
		for (int64_t f = 0; f < w->kernel[0] * w->kernel[1]; f++) {
			int64_t from[4] = { at[0], at[1],
					    at[2] * w->stride[0] + f / w->kernel[1] - w->pad[0],
					    at[3] * w->stride[1] + f % w->kernel[1] - w->pad[1] };
			bool inside = from[2] >= 0 && from[2] < in.dim[2] && from[3] >= 0 &&
				      from[3] < in.dim[3];

			n += padding || inside;
			sum += inside ? (double)net.tensors[x].data[net_at(&in, from, 4)] : 0;
		}
		net.tensors[y].data[i] = (float)(sum / (double)n);
	}
	net_output(&net, y);
	net_check(&net, "AveragePool");
}

TEST(means_of_windows)
{
	static const struct window windows[] = {
		{ .kernel = { 2, 2 }, .stride = { 2, 2 } },
		{ .kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1, 1, 1 } },
		{ .kernel = { 3, 2 }, .stride = { 2, 3 }, .pad = { 0, 1, 2, 0 } },
	};

	for (unsigned int i = 0; i < 3; i++) {
		check_avgpool(&windows[i], false, false, i);
		check_avgpool(&windows[i], false, true, i + 10);
		check_avgpool(&windows[i], true, false, i + 20);
	}
}

static void check_reduce(const char *type, unsigned int mask, bool keep, int64_t opset)
{
	struct sp_shape in = SHAPE(2, 3, 4, 5), out = { 0 }, kept = in;
	unsigned int x = net_begin(&net, opset, mask, in), y, axes = 0, n = 0;
	int64_t of[4];
	double *sum;
	float *most;
	int64_t run = 1;
	Onnx__NodeProto *node;

	for (unsigned int d = 0; d < 4; d++) {
		if (mask & 1u << d) {
			of[n++] = d % 2 ? (int64_t)d - 4 : (int64_t)d;
			run *= in.dim[d];
			kept.dim[d] = 1;
		}
		if (!(mask & 1u << d) || keep)
			out.dim[out.rank++] = mask & 1u << d ? 1 : in.dim[d];
	}
	if (opset >= 18)
		axes = net_ints(&net, n, of);
	y = net_tensor(&net, out);
	node = net_node(&net, type, y, opset >= 18 ? 2 : 1, (unsigned int[]){ x, axes });
	if (opset < 18)
		set_ints(&net, node, "axes", n, of);
	set_int(&net, node, "keepdims", keep);
	sum = calloc(120, sizeof(*sum));
	most = calloc(120, sizeof(*most));
	CHECK(sum && most);
	for (int64_t i = 0; i < sp_shape_elements(&kept); i++)
		most[i] = !strcmp(type, "ReduceMin") ? INFINITY : -INFINITY;
	for (int64_t i = 0; i < 120; i++) {
		float v = net.tensors[x].data[i];
		int64_t index[4], at;

		net_index(&in, i, index);
		at = net_at(&kept, index, 4);
		sum[at] += !strcmp(type, "ReduceL2") ? (double)v * (double)v : (double)v;
		most[at] = !strcmp(type, "ReduceMin") ? fminf(most[at], v) : fmaxf(most[at], v);
	}
	for (int64_t i = 0; i < sp_shape_elements(&kept); i++)
		net.tensors[y].data[i] = !strcmp(type, "ReduceMean") ? (float)(sum[i] / (double)run)
					 : !strcmp(type, "ReduceSum") ? (float)sum[i]
					 : !strcmp(type, "ReduceL2")  ? (float)sqrt(sum[i])
								      : most[i];
	free(sum);
	free(most);
	net_output(&net, y);
	net_check(&net, type);
}

TEST(reductions_over_any_axes)
{
	static const char *const types[] = { "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin",
					     "ReduceL2" };

	for (unsigned int t = 0; t < 5; t++)
		for (unsigned int mask = 1; mask < 16; mask++)
			check_reduce(types[t], mask, mask % 2, mask % 3 && t != 1 ? 11 : 18);
}

TEST(stacks_of_matrices_are_multiplied)
{
	static const int64_t shapes[][2][4] = {
		{ { 2, 3, 4, 5 }, { 2, 3, 5, 6 } },
		{ { 2, 1, 4, 5 }, { 1, 3, 5, 2 } },
		{ { 1, 1, 1, 70 }, { 4, 3, 70, 33 } },
	};

	for (unsigned int s = 0; s < 3; s++) {
		struct sp_shape a = net_shape(4, shapes[s][0]), b = net_shape(4, shapes[s][1]), out;
		unsigned int x = net_begin(&net, 13, s, a), w = net_constant(&net, b, 1), y;

		out = a;
		for (unsigned int d = 0; d < 2; d++)
			out.dim[d] = a.dim[d] > b.dim[d] ? a.dim[d] : b.dim[d];
		out.dim[3] = b.dim[3];
		y = net_tensor(&net, out);
		NODE(&net, "MatMul", y, x, w);
		for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
			int64_t at[4];
			double sum = 0;

			net_index(&out, i, at);
			for (int64_t k = 0; k < a.dim[3]; k++) {
				int64_t left[4] = { at[0], at[1], at[2], k };
				int64_t right[4] = { at[0], at[1], k, at[3] };

				sum += (double)net.tensors[x].data[net_at(&a, left, 4)] *
				       (double)net.tensors[w].data[net_at(&b, right, 4)];
			}
			net.tensors[y].data[i] = (float)sum;
		}
		net_output(&net, y);
		net_check(&net, "MatMul");
	}
}

/* Places @from + i · @step along @axis of the input. */
static unsigned int part(unsigned int x, unsigned int axis, int64_t from, int64_t step, int64_t n)
{
	struct sp_shape in = net.tensors[x].shape, out = in;
	unsigned int y;

	out.dim[axis] = n;
	y = net_tensor(&net, out);
	for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
		int64_t at[SP_RANK_MAX];

		net_index(&out, i, at);
		at[axis] = from + at[axis] * step;
		net.tensors[y].data[i] = net.tensors[x].data[net_at(&in, at, in.rank)];
	}
	return y;
}

TEST(parts_of_tensors)
{
	struct sp_shape in = SHAPE(2, 6, 5, 8);
	unsigned int x, y, z;
	Onnx__NodeProto *node;

	/* Split into equal parts, and by sizes. */
	x = net_begin(&net, 13, 1, in);
	y = part(x, 1, 0, 1, 3);
	z = part(x, 1, 3, 1, 3);
	node = NODE(&net, "Split", y, x);
	node->output = net_alloc(&net, 2 * sizeof(*node->output));
	node->n_output = 2;
	node->output[0] = net.tensors[y].name;
	node->output[1] = net.tensors[z].name;
	set_int(&net, node, "axis", 1);
	net_output(&net, z);
	net_output(&net, y);
	net_check(&net, "Split");
	x = net_begin(&net, 13, 2, in);
	y = part(x, 3, 0, 1, 1);
	z = part(x, 3, 1, 1, 7);
	node = NODE(&net, "Split", y, x, INTS(&net, 1, 7));
	node->output = net_alloc(&net, 2 * sizeof(*node->output));
	node->n_output = 2;
	node->output[0] = net.tensors[y].name;
	node->output[1] = net.tensors[z].name;
	set_int(&net, node, "axis", -1);
	net_output(&net, y);
	net_output(&net, z);
	net_check(&net, "Split by sizes");
	/* Every other column from the second on; and from the end. */
	x = net_begin(&net, 13, 3, in);
	y = part(x, 3, 1, 2, 4);
	NODE(&net, "Slice", y, x, INTS(&net, 1), INTS(&net, INT64_MAX), INTS(&net, 3),
	     INTS(&net, 2));
	z = part(x, 2, 2, 1, 2);
	NODE(&net, "Slice", z, x, INTS(&net, -3), INTS(&net, -1), INTS(&net, -2));
	net_output(&net, y);
	net_output(&net, z);
	net_check(&net, "Slice");
	/* One row, which loses its dimension. */
	x = net_begin(&net, 13, 4, in);
	y = part(x, 2, 3, 1, 1);
	net.tensors[y].shape = SHAPE(2, 6, 8);
	z = net_tensor(&net, (struct sp_shape){ 0 });
	net_initializer(&net, z, (int64_t[]){ -2 }, false);
	set_int(&net, NODE(&net, "Gather", y, x, z), "axis", 2);
	net_output(&net, y);
	net_check(&net, "Gather");
}

TEST(a_row_is_expanded)
{
	struct sp_shape in = SHAPE(1, 3, 1, 4), out = SHAPE(2, 3, 5, 4);
	unsigned int x = net_begin(&net, 13, 5, in), y = net_tensor(&net, out);

	NODE(&net, "Expand", y, x, INTS(&net, 2, 1, 5, 1));
	for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
		int64_t at[4];

		net_index(&out, i, at);
		net.tensors[y].data[i] = net.tensors[x].data[net_at(&in, at, 4)];
	}
	net_output(&net, y);
	net_check(&net, "Expand");
}

static void check_layernorm(int64_t axis, bool bias)
{
	struct sp_shape in = SHAPE(2, 3, 4, 5), row = { .rank = (unsigned int)(4 - axis) };
	unsigned int x = net_begin(&net, 17, (uint64_t)axis, in), scale, shift = UINT32_MAX, y;
	int64_t n = 1;
	Onnx__NodeProto *node;

	for (int64_t d = axis; d < 4; d++)
		n *= row.dim[d - axis] = in.dim[d];
	scale = net_constant(&net, row, 1);
	if (bias)
		shift = net_constant(&net, row, 1);
	y = net_tensor(&net, in);
	node = net_node(&net, "LayerNormalization", y, bias ? 3 : 2,
			(unsigned int[]){ x, scale, shift });
	set_int(&net, node, "axis", axis - 4);
	set_float(&net, node, "epsilon", 1e-3f);
	for (int64_t i = 0; i < 120 / n; i++) {
		const float *from = net.tensors[x].data + i * n;
		double mean = 0, square = 0;

		for (int64_t k = 0; k < n; k++)
			mean += (double)from[k] / (double)n;
		for (int64_t k = 0; k < n; k++)
			square += pow((double)from[k] - mean, 2) / (double)n;
		for (int64_t k = 0; k < n; k++)
			net.tensors[y].data[i * n + k] =
				(float)(((double)from[k] - mean) / sqrt(square + (double)1e-3f) *
						(double)net.tensors[scale].data[k] +
					(bias ? (double)net.tensors[shift].data[k] : 0));
	}
	net_output(&net, y);
	net_check(&net, "LayerNormalization");
}

TEST(runs_are_normalised)
{
	for (int64_t axis = 1; axis < 4; axis++)
		check_layernorm(axis, axis != 2);
}

TEST(quotients_are_broadcast)
{
	unsigned int x = net_begin(&net, 13, 6, SHAPE(2, 3, 4, 5)), w, y, z;

	w = net_constant(&net, SHAPE(3, 1, 1), 1);
	for (int64_t c = 0; c < 3; c++)
		net.tensors[w].data[c] = 0.5f + fabsf(net.tensors[w].data[c]);
	memcpy(net.constants[0]->raw_data.data, net.tensors[w].data, 12);
	y = net_tensor(&net, net.tensors[x].shape);
	NODE(&net, "Div", y, x, w);
	for (int64_t i = 0; i < 120; i++)
		net.tensors[x].data[i] += copysignf(0.5f, net.tensors[x].data[i]);
	for (int64_t i = 0; i < 120; i++)
		net.tensors[y].data[i] = net.tensors[x].data[i] / net.tensors[w].data[i / 20 % 3];
	/* The smaller one first: it does not commute. */
	z = net_tensor(&net, net.tensors[x].shape);
	NODE(&net, "Div", z, w, x);
	for (int64_t i = 0; i < 120; i++)
		net.tensors[z].data[i] = net.tensors[w].data[i / 20 % 3] / net.tensors[x].data[i];
	net_output(&net, y);
	net_output(&net, z);
	net_check(&net, "Div");
}

/* Shape · 2 as the target of a Reshape: 1 × 6 × 4 × 4 to 1 × 24 × (2 · 2) × 1. */
TEST(shapes_are_computed_with)
{
	unsigned int x = net_begin(&net, 13, 7, SHAPE(1, 6, 2, 8)), shape, two, part_, twice, all,
		     y;

	shape = net_tensor(&net, SHAPE(4));
	NODE(&net, "Shape", shape, x);
	part_ = net_tensor(&net, SHAPE(1));
	NODE(&net, "Slice", part_, shape, INTS(&net, 2), INTS(&net, 3));
	two = INTS(&net, 2);
	twice = net_tensor(&net, SHAPE(1));
	NODE(&net, "Mul", twice, part_, two);
	all = net_tensor(&net, SHAPE(3));
	set_int(&net, NODE(&net, "Concat", all, INTS(&net, 1), twice, INTS(&net, -1)), "axis", 0);
	y = net_same(&net, x, SHAPE(1, 4, 24));
	NODE(&net, "Reshape", y, x, all);
	net.dynamic = true;
	net_output(&net, y);
	net_check(&net, "Mul of shapes");
}

TEST_MAIN()
