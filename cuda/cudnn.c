/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/cudnn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "cuda/conv.h"
#include "cuda/cudnn_table.h"

/* Names of tensors within an operation graph. */
enum { ID_X = 'x', ID_W = 'w', ID_BIAS = 'b', ID_RESIDUAL = 'r', ID_Y = 'y', ID_BETWEEN = 1000 };

enum {
	DESCRIPTORS_MAX = 24, /* of an operation graph: 20 at most */
	OPERATIONS_MAX = 4,
	PROPOSALS_MAX = 64, /* of one heuristic */
	ALIGNMENT = 16, /* bytes, of all tensors; cuda/tensor.h has more */
};

struct sp_cudnn_conv {
	const struct sp_cudnn *cudnn;
	void *handle;
	void *made[DESCRIPTORS_MAX]; /* all that the graph consists of */
	unsigned int made_n;
	void *operations[OPERATIONS_MAX];
	unsigned int operations_n;
	void *graph;
	bool residual;
};

struct sp_cudnn_plan {
	const struct sp_cudnn *cudnn;
	void *handle;
	bool residual;
	void *made[SP_CUDNN_KNOBS_MAX + 3]; /* knobs, engine, configuration, plan */
	unsigned int made_n;
	void *plan;
	int64_t workspace;
};

int sp_cudnn_status(const struct sp_cudnn *cudnn, int status, const char *call, struct sp_err *err)
{
	char why[256] = "";
	int code = -EINVAL;

	if (status == SP_CUDNN_OK)
		return 0;
	/* Thousands are the category; 4003, 4004: memory of the host, of the device. */
	if (status == 4003 || status == 4004)
		code = -ENOMEM;
	else if (status / 1000 == 3)
		code = -ENOTSUP;
	else if (status / 1000 >= 4)
		code = -EIO;
	cudnn->last_error(why, sizeof(why));
	why[sizeof(why) - 1] = 0;
	for (char *at = why; *at; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	return sp_err_set(err, code, "cuDNN: %s: %s %s", call, cudnn->error(status), why);
}

/* ---- descriptors ---------------------------------------------------------------------------- */

struct attribute {
	enum sp_cudnn_attribute name;
	enum sp_cudnn_type type;
	int64_t n;
	const void *values;
};

#define ATTRIBUTES(list) (list), sizeof(list) / sizeof((list)[0])

/* A finished descriptor. */
static int make(const struct sp_cudnn *cudnn, enum sp_cudnn_kind kind,
		const struct attribute *attributes, size_t n, void **ret, struct sp_err *err)
{
	void *descriptor = NULL;
	int rc = SP_CUDNN(err, cudnn, cudnn->create_descriptor(kind, &descriptor));

	if (rc)
		return sp_err_prefix(err, rc, "descriptor %d", kind);
	for (size_t i = 0; !rc && i < n; i++) {
		const struct attribute *one = &attributes[i];

		rc = SP_CUDNN(err, cudnn,
			      cudnn->set(descriptor, one->name, one->type, one->n, one->values));
		if (rc)
			sp_err_prefix(err, rc, "attribute %d", one->name);
	}
	if (!rc)
		rc = SP_CUDNN(err, cudnn, cudnn->finalize(descriptor));
	if (rc) {
		cudnn->destroy_descriptor(descriptor);
		return sp_err_prefix(err, rc, "descriptor %d", kind);
	}
	*ret = descriptor;
	return 0;
}

/* One that belongs to the graph. */
static int make_part(struct sp_cudnn_conv *conv, enum sp_cudnn_kind kind,
		     const struct attribute *attributes, size_t n, void **ret, struct sp_err *err)
{
	int rc = make(conv->cudnn, kind, attributes, n, ret, err);

	if (!rc)
		conv->made[conv->made_n++] = *ret;
	return rc;
}

static void destroy_all(const struct sp_cudnn *cudnn, void *const *made, unsigned int n)
{
	while (n)
		cudnn->destroy_descriptor(made[--n]);
}

/* ---- the operation graph -------------------------------------------------------------------- */

/* cuDNN orders N, C, H, W; strides say that channels lie side by side. */
static int make_tensor(struct sp_cudnn_conv *conv, int64_t id, const int64_t dim[4], bool bf16,
		       bool between, void **ret, struct sp_err *err)
{
	int64_t stride[4] = { dim[1] * dim[2] * dim[3], 1, dim[1] * dim[3], dim[1] };
	int64_t alignment = ALIGNMENT;
	int data = bf16 ? SP_CUDNN_DATA_BFLOAT16 : SP_CUDNN_DATA_FLOAT;
	const struct attribute attributes[] = {
		{ SP_CUDNN_TENSOR_DATA, SP_CUDNN_TYPE_DATA, 1, &data },
		{ SP_CUDNN_TENSOR_DIMENSIONS, SP_CUDNN_TYPE_INT64, 4, dim },
		{ SP_CUDNN_TENSOR_STRIDES, SP_CUDNN_TYPE_INT64, 4, stride },
		{ SP_CUDNN_TENSOR_ID, SP_CUDNN_TYPE_INT64, 1, &id },
		{ SP_CUDNN_TENSOR_ALIGNMENT, SP_CUDNN_TYPE_INT64, 1, &alignment },
		{ SP_CUDNN_TENSOR_VIRTUAL, SP_CUDNN_TYPE_BOOLEAN, 1, &between },
	};

	return make_part(conv, SP_CUDNN_TENSOR, ATTRIBUTES(attributes), ret, err);
}

bool sp_cudnn_post_padding(const struct sp_conv *conv, int64_t post[2])
{
	const int64_t in[2] = { conv->h, conv->w }, out[2] = { conv->oh, conv->ow };

	for (int i = 0; i < 2; i++) {
		int64_t reach = (int64_t)(conv->kernel[i] - 1) * conv->dilation[i] + 1;
		int64_t covered = (out[i] - 1) * conv->stride[i] + reach;

		post[i] = covered - in[i] - conv->pad[i];
		if (post[i] < 0)
			post[i] = 0;
		if ((in[i] + conv->pad[i] + post[i] - reach) / conv->stride[i] + 1 != out[i])
			return false;
	}
	return true;
}

static int add_convolution(struct sp_cudnn_conv *graph, const struct sp_conv *conv, void *x,
			   void *w, void *y, struct sp_err *err)
{
	int64_t post[2], pre[2] = { conv->pad[0], conv->pad[1] }, dimensions = 2;
	int64_t stride[2] = { conv->stride[0], conv->stride[1] };
	int64_t dilation[2] = { conv->dilation[0], conv->dilation[1] };
	int data = SP_CUDNN_DATA_FLOAT, mode = SP_CUDNN_CROSS_CORRELATION;
	float alpha = 1, beta = 0;
	void *description;
	const struct attribute attributes[] = {
		{ SP_CUDNN_CONVOLUTION_PRECISION, SP_CUDNN_TYPE_DATA, 1, &data },
		{ SP_CUDNN_CONVOLUTION_MODE, SP_CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode },
		{ SP_CUDNN_CONVOLUTION_DIMENSIONS, SP_CUDNN_TYPE_INT64, 1, &dimensions },
		{ SP_CUDNN_CONVOLUTION_DILATIONS, SP_CUDNN_TYPE_INT64, 2, dilation },
		{ SP_CUDNN_CONVOLUTION_STRIDES, SP_CUDNN_TYPE_INT64, 2, stride },
		{ SP_CUDNN_CONVOLUTION_PRE_PADDINGS, SP_CUDNN_TYPE_INT64, 2, pre },
		{ SP_CUDNN_CONVOLUTION_POST_PADDINGS, SP_CUDNN_TYPE_INT64, 2, post },
	};
	const struct attribute operation[] = {
		{ SP_CUDNN_FORWARD_CONVOLUTION, SP_CUDNN_TYPE_DESCRIPTOR, 1, &description },
		{ SP_CUDNN_FORWARD_X, SP_CUDNN_TYPE_DESCRIPTOR, 1, &x },
		{ SP_CUDNN_FORWARD_W, SP_CUDNN_TYPE_DESCRIPTOR, 1, &w },
		{ SP_CUDNN_FORWARD_Y, SP_CUDNN_TYPE_DESCRIPTOR, 1, &y },
		{ SP_CUDNN_FORWARD_ALPHA, SP_CUDNN_TYPE_FLOAT, 1, &alpha },
		{ SP_CUDNN_FORWARD_BETA, SP_CUDNN_TYPE_FLOAT, 1, &beta },
	};
	int rc;

	if (!sp_cudnn_post_padding(conv, post))
		return sp_err_set(err, -ENOTSUP, "cuDNN: no padding gives this output");
	rc = make_part(graph, SP_CUDNN_CONVOLUTION, ATTRIBUTES(attributes), &description, err);
	if (rc)
		return rc;
	return make_part(graph, SP_CUDNN_CONVOLUTION_FORWARD, ATTRIBUTES(operation),
			 &graph->operations[graph->operations_n++], err);
}

/* y = x + @b, or without @b a clip of x. */
static int add_pointwise(struct sp_cudnn_conv *graph, const struct sp_step_act *act, void *x,
			 void *b, void *y, struct sp_err *err)
{
	int data = SP_CUDNN_DATA_FLOAT, mode = b ? SP_CUDNN_ADD : SP_CUDNN_RELU_FORWARD;
	double low = 0, high = b ? 0 : (double)act->high;
	void *description;
	const struct attribute attributes[] = {
		{ SP_CUDNN_POINTWISE_MODE, SP_CUDNN_TYPE_POINTWISE_MODE, 1, &mode },
		{ SP_CUDNN_POINTWISE_PRECISION, SP_CUDNN_TYPE_DATA, 1, &data },
		{ SP_CUDNN_POINTWISE_RELU_LOW, SP_CUDNN_TYPE_DOUBLE, 1, &low },
		{ SP_CUDNN_POINTWISE_RELU_HIGH, SP_CUDNN_TYPE_DOUBLE, 1, &high },
	};
	const struct attribute operation[] = {
		{ SP_CUDNN_OPERATION_POINTWISE_OF, SP_CUDNN_TYPE_DESCRIPTOR, 1, &description },
		{ SP_CUDNN_OPERATION_POINTWISE_X, SP_CUDNN_TYPE_DESCRIPTOR, 1, &x },
		{ SP_CUDNN_OPERATION_POINTWISE_Y, SP_CUDNN_TYPE_DESCRIPTOR, 1, &y },
		{ SP_CUDNN_OPERATION_POINTWISE_B, SP_CUDNN_TYPE_DESCRIPTOR, 1, &b },
	};
	size_t attributes_n = b ? 2 : act->kind == SP_ACT_CLIP ? 4 : 2;
	int rc = make_part(graph, SP_CUDNN_POINTWISE, attributes, attributes_n, &description, err);

	if (rc)
		return rc;
	return make_part(graph, SP_CUDNN_OPERATION_POINTWISE, operation, b ? 4 : 3,
			 &graph->operations[graph->operations_n++], err);
}

/* Steps after the convolution, each from a tensor that is nowhere in memory to the next. */
static int add_steps(struct sp_cudnn_conv *graph, const struct sp_conv *conv,
		     const int64_t y_dim[4], void *from, void *bias, void *residual,
		     struct sp_err *err)
{
	void *const with[3] = { bias, residual, NULL };
	unsigned int last = conv->act.kind != SP_ACT_NONE ? 2 : residual ? 1 : 0;

	for (unsigned int i = 0; i <= last; i++) {
		void *to;
		int rc;

		if (i == 1 && !residual)
			continue;
		rc = make_tensor(graph, i == last ? ID_Y : ID_BETWEEN + 1 + i, y_dim, i == last,
				 i != last, &to, err);
		if (!rc)
			rc = add_pointwise(graph, &conv->act, from, with[i], to, err);
		if (rc)
			return rc;
		from = to;
	}
	return 0;
}

static int build(struct sp_cudnn_conv *graph, const struct sp_conv *conv, uint32_t n,
		 struct sp_err *err)
{
	int64_t c = conv->picture ? 4 : sp_tensor_pitch(conv->c), oc = sp_tensor_pitch(conv->oc);
	const int64_t x_dim[4] = { n, c, conv->h, conv->w };
	const int64_t w_dim[4] = { oc, c, conv->kernel[0], conv->kernel[1] };
	const int64_t y_dim[4] = { n, oc, conv->oh, conv->ow }, bias_dim[4] = { 1, oc, 1, 1 };
	void *x, *w, *bias, *residual = NULL, *product;
	int rc;

	rc = make_tensor(graph, ID_X, x_dim, true, false, &x, err);
	if (!rc)
		rc = make_tensor(graph, ID_W, w_dim, true, false, &w, err);
	if (!rc)
		rc = make_tensor(graph, ID_BIAS, bias_dim, false, false, &bias, err);
	if (!rc && graph->residual)
		rc = make_tensor(graph, ID_RESIDUAL, y_dim, true, false, &residual, err);
	if (!rc)
		rc = make_tensor(graph, ID_BETWEEN, y_dim, false, true, &product, err);
	if (!rc)
		rc = add_convolution(graph, conv, x, w, product, err);
	if (!rc)
		rc = add_steps(graph, conv, y_dim, product, bias, residual, err);
	if (!rc) {
		const struct attribute attributes[] = {
			{ SP_CUDNN_GRAPH_HANDLE, SP_CUDNN_TYPE_HANDLE, 1, &graph->handle },
			{ SP_CUDNN_GRAPH_OPERATIONS, SP_CUDNN_TYPE_DESCRIPTOR, graph->operations_n,
			  graph->operations },
		};

		rc = make_part(graph, SP_CUDNN_OPERATION_GRAPH, ATTRIBUTES(attributes),
			       &graph->graph, err);
	}
	return rc;
}

int sp_cudnn_conv_create(const struct sp_cudnn *cudnn, void *handle, const struct sp_conv *conv,
			 uint32_t n, bool residual, struct sp_cudnn_conv **ret_conv,
			 struct sp_err *err)
{
	struct sp_cudnn_conv *graph = calloc(1, sizeof(*graph));
	int rc;

	if (!graph)
		return sp_err_set(err, -ENOMEM, "cuDNN: out of memory");
	graph->cudnn = cudnn;
	graph->handle = handle;
	graph->residual = residual;
	rc = build(graph, conv, n, err);
	if (rc) {
		sp_cudnn_conv_destroy(graph);
		return rc;
	}
	*ret_conv = graph;
	return 0;
}

void sp_cudnn_conv_destroy(struct sp_cudnn_conv *conv)
{
	if (!conv)
		return;
	destroy_all(conv->cudnn, conv->made, conv->made_n);
	free(conv);
}

/* ---- what cuDNN proposes -------------------------------------------------------------------- */

static bool exact_enough(const int *notes, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (notes[i] == SP_CUDNN_NOTE_DOWN_CONVERT_INPUTS ||
		    notes[i] == SP_CUDNN_NOTE_REDUCED_PRECISION_REDUCTION ||
		    notes[i] == SP_CUDNN_NOTE_FFT || notes[i] == SP_CUDNN_NOTE_NONDETERMINISTIC ||
		    notes[i] == SP_CUDNN_NOTE_WINOGRAD)
			return false;
	return true;
}

/* 1: read; 0: not one for us; -errno. */
static int read_engine(const struct sp_cudnn *cudnn, void *config, struct sp_cudnn_choice *choice,
		       struct sp_err *err)
{
	int notes[SP_CUDNN_NOTES];
	int64_t n = 0, notes_n = 0;
	void *engine;
	int rc = SP_CUDNN(err, cudnn, cudnn->create_descriptor(SP_CUDNN_ENGINE, &engine));

	if (rc)
		return rc;
	rc = SP_CUDNN(err, cudnn,
		      cudnn->get(config, SP_CUDNN_CONFIG_ENGINE, SP_CUDNN_TYPE_DESCRIPTOR, 1, &n,
				 &engine));
	if (!rc)
		rc = SP_CUDNN(err, cudnn,
			      cudnn->get(engine, SP_CUDNN_ENGINE_INDEX, SP_CUDNN_TYPE_INT64, 1, &n,
					 &choice->engine));
	if (!rc)
		rc = SP_CUDNN(err, cudnn,
			      cudnn->get(engine, SP_CUDNN_ENGINE_NUMERICAL_NOTES,
					 SP_CUDNN_TYPE_NUMERICAL_NOTE, SP_CUDNN_NOTES, &notes_n,
					 notes));
	cudnn->destroy_descriptor(engine);
	if (rc)
		return rc;
	return exact_enough(notes, notes_n < SP_CUDNN_NOTES ? notes_n : SP_CUDNN_NOTES);
}

static int read_knobs(const struct sp_cudnn *cudnn, void *config, struct sp_cudnn_choice *choice,
		      struct sp_err *err)
{
	void *knobs[SP_CUDNN_KNOBS_MAX];
	unsigned int made;
	int64_t n = 0, one;
	int rc = 0;

	for (made = 0; made < SP_CUDNN_KNOBS_MAX; made++) {
		rc = SP_CUDNN(err, cudnn,
			      cudnn->create_descriptor(SP_CUDNN_KNOB_CHOICE, &knobs[made]));
		if (rc)
			goto out_destroy;
	}
	rc = SP_CUDNN(err, cudnn,
		      cudnn->get(config, SP_CUDNN_CONFIG_KNOBS, SP_CUDNN_TYPE_DESCRIPTOR,
				 SP_CUDNN_KNOBS_MAX, &n, knobs));
	if (!rc && n > SP_CUDNN_KNOBS_MAX)
		rc = sp_err_set(err, -E2BIG, "cuDNN: an engine with %lld knobs", (long long)n);
	choice->knobs_n = 0;
	for (int64_t i = 0; !rc && i < n; i++) {
		int type = 0;

		rc = SP_CUDNN(err, cudnn,
			      cudnn->get(knobs[i], SP_CUDNN_KNOB_TYPE, SP_CUDNN_TYPE_KNOB, 1, &one,
					 &type));
		choice->knobs[i].type = type;
		if (!rc)
			rc = SP_CUDNN(err, cudnn,
				      cudnn->get(knobs[i], SP_CUDNN_KNOB_VALUE, SP_CUDNN_TYPE_INT64,
						 1, &one, &choice->knobs[i].value));
		choice->knobs_n++;
	}
out_destroy:
	destroy_all(cudnn, knobs, made);
	return rc;
}

/* Those of one heuristic. How many, or -errno. */
static int propose(struct sp_cudnn_conv *conv, int mode, struct sp_cudnn_choice *choices,
		   unsigned int room, struct sp_err *err)
{
	const struct sp_cudnn *cudnn = conv->cudnn;
	const struct attribute attributes[] = {
		{ SP_CUDNN_HEURISTICS_GRAPH, SP_CUDNN_TYPE_DESCRIPTOR, 1, &conv->graph },
		{ SP_CUDNN_HEURISTICS_MODE, SP_CUDNN_TYPE_HEURISTICS_MODE, 1, &mode },
	};
	void *heuristics, *configs[PROPOSALS_MAX];
	unsigned int made = 0, found = 0;
	int64_t n = 0;
	int rc;

	rc = make(cudnn, SP_CUDNN_HEURISTICS, ATTRIBUTES(attributes), &heuristics, err);
	if (rc)
		return rc;
	for (; !rc && made < PROPOSALS_MAX; made += !rc)
		rc = SP_CUDNN(err, cudnn,
			      cudnn->create_descriptor(SP_CUDNN_ENGINE_CONFIG, &configs[made]));
	if (!rc)
		rc = SP_CUDNN(err, cudnn,
			      cudnn->get(heuristics, SP_CUDNN_HEURISTICS_RESULTS,
					 SP_CUDNN_TYPE_DESCRIPTOR, PROPOSALS_MAX, &n, configs));
	for (int64_t i = 0; !rc && i < n && i < PROPOSALS_MAX && found < room; i++) {
		int wanted = read_engine(cudnn, configs[i], &choices[found], err);

		/* One that cannot be read is none that can be chosen. */
		if (wanted > 0 && !read_knobs(cudnn, configs[i], &choices[found], err))
			found++;
	}
	destroy_all(cudnn, configs, made);
	cudnn->destroy_descriptor(heuristics);
	return rc ? rc : (int)found;
}

int sp_cudnn_conv_propose(struct sp_cudnn_conv *conv, struct sp_cudnn_choice *choices,
			  unsigned int room, struct sp_err *err)
{
	int fast = propose(conv, SP_CUDNN_HEURISTICS_A, choices, room, err), rest;

	if (fast < 0)
		fast = 0;
	rest = propose(conv, SP_CUDNN_HEURISTICS_FALLBACK, choices + fast,
		       room - (unsigned int)fast, err);
	return rest < 0 && !fast ? rest : fast + (rest > 0 ? rest : 0);
}

/* ---- plans ---------------------------------------------------------------------------------- */

static int add_part(struct sp_cudnn_plan *plan, enum sp_cudnn_kind kind,
		    const struct attribute *attributes, size_t n, void **ret, struct sp_err *err)
{
	int rc = make(plan->cudnn, kind, attributes, n, ret, err);

	if (!rc)
		plan->made[plan->made_n++] = *ret;
	return rc;
}

static int configure(struct sp_cudnn_plan *plan, struct sp_cudnn_conv *conv,
		     const struct sp_cudnn_choice *choice, void **ret_config, struct sp_err *err)
{
	void *engine, *knobs[SP_CUDNN_KNOBS_MAX];
	const struct attribute of_engine[] = {
		{ SP_CUDNN_ENGINE_GRAPH, SP_CUDNN_TYPE_DESCRIPTOR, 1, &conv->graph },
		{ SP_CUDNN_ENGINE_INDEX, SP_CUDNN_TYPE_INT64, 1, &choice->engine },
	};
	const struct attribute of_config[] = {
		{ SP_CUDNN_CONFIG_ENGINE, SP_CUDNN_TYPE_DESCRIPTOR, 1, &engine },
		{ SP_CUDNN_CONFIG_KNOBS, SP_CUDNN_TYPE_DESCRIPTOR, choice->knobs_n, knobs },
	};
	int rc = add_part(plan, SP_CUDNN_ENGINE, ATTRIBUTES(of_engine), &engine, err);

	for (unsigned int i = 0; !rc && i < choice->knobs_n; i++) {
		int type = (int)choice->knobs[i].type;
		const struct attribute of_knob[] = {
			{ SP_CUDNN_KNOB_TYPE, SP_CUDNN_TYPE_KNOB, 1, &type },
			{ SP_CUDNN_KNOB_VALUE, SP_CUDNN_TYPE_INT64, 1, &choice->knobs[i].value },
		};

		rc = add_part(plan, SP_CUDNN_KNOB_CHOICE, ATTRIBUTES(of_knob), &knobs[i], err);
	}
	if (rc)
		return rc;
	return add_part(plan, SP_CUDNN_ENGINE_CONFIG, of_config, choice->knobs_n ? 2 : 1,
			ret_config, err);
}

int sp_cudnn_plan_create(struct sp_cudnn_conv *conv, const struct sp_cudnn_choice *choice,
			 struct sp_cudnn_plan **ret_plan, struct sp_err *err)
{
	const struct sp_cudnn *cudnn = conv->cudnn;
	struct sp_cudnn_plan *plan = calloc(1, sizeof(*plan));
	void *config;
	const struct attribute of_plan[] = {
		{ SP_CUDNN_PLAN_HANDLE, SP_CUDNN_TYPE_HANDLE, 1, &conv->handle },
		{ SP_CUDNN_PLAN_CONFIG, SP_CUDNN_TYPE_DESCRIPTOR, 1, &config },
	};
	int64_t n;
	int rc;

	if (!plan)
		return sp_err_set(err, -ENOMEM, "cuDNN: out of memory");
	plan->cudnn = cudnn;
	plan->handle = conv->handle;
	plan->residual = conv->residual;
	rc = configure(plan, conv, choice, &config, err);
	if (!rc)
		rc = add_part(plan, SP_CUDNN_PLAN, ATTRIBUTES(of_plan), &plan->plan, err);
	if (!rc)
		rc = SP_CUDNN(err, cudnn,
			      cudnn->get(plan->plan, SP_CUDNN_PLAN_WORKSPACE, SP_CUDNN_TYPE_INT64,
					 1, &n, &plan->workspace));
	if (!rc && plan->workspace < 0)
		rc = sp_err_set(err, -EIO, "cuDNN: a plan with a workspace of %lld bytes",
				(long long)plan->workspace);
	if (rc) {
		sp_cudnn_plan_destroy(plan);
		return rc;
	}
	*ret_plan = plan;
	return 0;
}

void sp_cudnn_plan_destroy(struct sp_cudnn_plan *plan)
{
	if (!plan)
		return;
	destroy_all(plan->cudnn, plan->made, plan->made_n);
	free(plan);
}

size_t sp_cudnn_plan_workspace(const struct sp_cudnn_plan *plan)
{
	return (size_t)plan->workspace;
}

int sp_cudnn_plan_run(struct sp_cudnn_plan *plan, cudaStream_t stream,
		      const struct sp_cudnn_tensors *tensors, void *workspace, struct sp_err *err)
{
	const struct sp_cudnn *cudnn = plan->cudnn;
	int64_t ids[] = { ID_X, ID_W, ID_BIAS, ID_Y, ID_RESIDUAL };
	const void *at[] = { tensors->x, tensors->w, tensors->bias, tensors->y, tensors->residual };
	int64_t n = plan->residual ? 5 : 4;
	const struct attribute attributes[] = {
		{ SP_CUDNN_PACK_IDS, SP_CUDNN_TYPE_INT64, n, ids },
		{ SP_CUDNN_PACK_ADDRESSES, SP_CUDNN_TYPE_ADDRESS, n, at },
		{ SP_CUDNN_PACK_WORKSPACE, SP_CUDNN_TYPE_ADDRESS, 1, &workspace },
	};
	void *pack;
	int rc = SP_CUDNN(err, cudnn, cudnn->set_stream(plan->handle, stream));

	if (!rc)
		rc = make(cudnn, SP_CUDNN_VARIANT_PACK, ATTRIBUTES(attributes), &pack, err);
	if (rc)
		return rc;
	rc = SP_CUDNN(err, cudnn, cudnn->execute(plan->handle, plan->plan, pack));
	cudnn->destroy_descriptor(pack);
	return rc;
}
