/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/cudnn_software.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/element.h"

enum {
	ATTRIBUTES_MAX = 8, /* of a descriptor */
	VALUES_MAX = 16,
	TENSORS_MAX = 8,
	OK = 0,
	BAD = 2000, /* CUDNN_STATUS_BAD_PARAM */
	NOT_SUPPORTED = 3000,
	INTERNAL = 4000,
	MEMORY = 4003,
	FAILED = 5000,
};

struct value {
	int attribute, type;
	int64_t n;
	uint64_t of[VALUES_MAX]; /* in its first bytes; descriptors by address */
};

struct descriptor {
	int kind;
	bool finished;
	unsigned int n;
	struct value values[ATTRIBUTES_MAX];
};

static void *work; /* 64 bytes of the device, for all tests */

static struct {
	const struct software_engine *engines;
	unsigned int engines_n, calls, fail, alive, executions;
	bool fail_after;
	size_t version;
	cudaStream_t stream;
	char misuse[256];
} state;

/* What may be set: by kind, with its type and how many; `needed`: before it is finished. */
static const struct rule {
	int kind, attribute, type;
	int64_t least, most;
	bool needed;
	int of; /* kind of the descriptors, or -1 */
} rules[] = {
	{ SP_CUDNN_TENSOR, SP_CUDNN_TENSOR_DATA, SP_CUDNN_TYPE_DATA, 1, 1, true, -1 },
	{ SP_CUDNN_TENSOR, SP_CUDNN_TENSOR_DIMENSIONS, SP_CUDNN_TYPE_INT64, 4, 4, true, -1 },
	{ SP_CUDNN_TENSOR, SP_CUDNN_TENSOR_STRIDES, SP_CUDNN_TYPE_INT64, 4, 4, true, -1 },
	{ SP_CUDNN_TENSOR, SP_CUDNN_TENSOR_ID, SP_CUDNN_TYPE_INT64, 1, 1, true, -1 },
	{ SP_CUDNN_TENSOR, SP_CUDNN_TENSOR_ALIGNMENT, SP_CUDNN_TYPE_INT64, 1, 1, true, -1 },
	{ SP_CUDNN_TENSOR, SP_CUDNN_TENSOR_VIRTUAL, SP_CUDNN_TYPE_BOOLEAN, 1, 1, false, -1 },
	{ SP_CUDNN_CONVOLUTION, SP_CUDNN_CONVOLUTION_PRECISION, SP_CUDNN_TYPE_DATA, 1, 1, true,
	  -1 },
	{ SP_CUDNN_CONVOLUTION, SP_CUDNN_CONVOLUTION_MODE, SP_CUDNN_TYPE_CONVOLUTION_MODE, 1, 1,
	  true, -1 },
	{ SP_CUDNN_CONVOLUTION, SP_CUDNN_CONVOLUTION_DIMENSIONS, SP_CUDNN_TYPE_INT64, 1, 1, true,
	  -1 },
	{ SP_CUDNN_CONVOLUTION, SP_CUDNN_CONVOLUTION_DILATIONS, SP_CUDNN_TYPE_INT64, 2, 2, true,
	  -1 },
	{ SP_CUDNN_CONVOLUTION, SP_CUDNN_CONVOLUTION_STRIDES, SP_CUDNN_TYPE_INT64, 2, 2, true, -1 },
	{ SP_CUDNN_CONVOLUTION, SP_CUDNN_CONVOLUTION_PRE_PADDINGS, SP_CUDNN_TYPE_INT64, 2, 2, true,
	  -1 },
	{ SP_CUDNN_CONVOLUTION, SP_CUDNN_CONVOLUTION_POST_PADDINGS, SP_CUDNN_TYPE_INT64, 2, 2, true,
	  -1 },
	{ SP_CUDNN_CONVOLUTION_FORWARD, SP_CUDNN_FORWARD_CONVOLUTION, SP_CUDNN_TYPE_DESCRIPTOR, 1,
	  1, true, SP_CUDNN_CONVOLUTION },
	{ SP_CUDNN_CONVOLUTION_FORWARD, SP_CUDNN_FORWARD_X, SP_CUDNN_TYPE_DESCRIPTOR, 1, 1, true,
	  SP_CUDNN_TENSOR },
	{ SP_CUDNN_CONVOLUTION_FORWARD, SP_CUDNN_FORWARD_W, SP_CUDNN_TYPE_DESCRIPTOR, 1, 1, true,
	  SP_CUDNN_TENSOR },
	{ SP_CUDNN_CONVOLUTION_FORWARD, SP_CUDNN_FORWARD_Y, SP_CUDNN_TYPE_DESCRIPTOR, 1, 1, true,
	  SP_CUDNN_TENSOR },
	{ SP_CUDNN_CONVOLUTION_FORWARD, SP_CUDNN_FORWARD_ALPHA, SP_CUDNN_TYPE_FLOAT, 1, 1, true,
	  -1 },
	{ SP_CUDNN_CONVOLUTION_FORWARD, SP_CUDNN_FORWARD_BETA, SP_CUDNN_TYPE_FLOAT, 1, 1, true,
	  -1 },
	{ SP_CUDNN_POINTWISE, SP_CUDNN_POINTWISE_MODE, SP_CUDNN_TYPE_POINTWISE_MODE, 1, 1, true,
	  -1 },
	{ SP_CUDNN_POINTWISE, SP_CUDNN_POINTWISE_PRECISION, SP_CUDNN_TYPE_DATA, 1, 1, true, -1 },
	{ SP_CUDNN_POINTWISE, SP_CUDNN_POINTWISE_RELU_LOW, SP_CUDNN_TYPE_DOUBLE, 1, 1, false, -1 },
	{ SP_CUDNN_POINTWISE, SP_CUDNN_POINTWISE_RELU_HIGH, SP_CUDNN_TYPE_DOUBLE, 1, 1, false, -1 },
	{ SP_CUDNN_OPERATION_POINTWISE, SP_CUDNN_OPERATION_POINTWISE_OF, SP_CUDNN_TYPE_DESCRIPTOR,
	  1, 1, true, SP_CUDNN_POINTWISE },
	{ SP_CUDNN_OPERATION_POINTWISE, SP_CUDNN_OPERATION_POINTWISE_X, SP_CUDNN_TYPE_DESCRIPTOR, 1,
	  1, true, SP_CUDNN_TENSOR },
	{ SP_CUDNN_OPERATION_POINTWISE, SP_CUDNN_OPERATION_POINTWISE_B, SP_CUDNN_TYPE_DESCRIPTOR, 1,
	  1, false, SP_CUDNN_TENSOR },
	{ SP_CUDNN_OPERATION_POINTWISE, SP_CUDNN_OPERATION_POINTWISE_Y, SP_CUDNN_TYPE_DESCRIPTOR, 1,
	  1, true, SP_CUDNN_TENSOR },
	{ SP_CUDNN_OPERATION_GRAPH, SP_CUDNN_GRAPH_HANDLE, SP_CUDNN_TYPE_HANDLE, 1, 1, true, -1 },
	{ SP_CUDNN_OPERATION_GRAPH, SP_CUDNN_GRAPH_OPERATIONS, SP_CUDNN_TYPE_DESCRIPTOR, 1,
	  VALUES_MAX, true, -1 },
	{ SP_CUDNN_HEURISTICS, SP_CUDNN_HEURISTICS_GRAPH, SP_CUDNN_TYPE_DESCRIPTOR, 1, 1, true,
	  SP_CUDNN_OPERATION_GRAPH },
	{ SP_CUDNN_HEURISTICS, SP_CUDNN_HEURISTICS_MODE, SP_CUDNN_TYPE_HEURISTICS_MODE, 1, 1, true,
	  -1 },
	{ SP_CUDNN_ENGINE, SP_CUDNN_ENGINE_GRAPH, SP_CUDNN_TYPE_DESCRIPTOR, 1, 1, true,
	  SP_CUDNN_OPERATION_GRAPH },
	{ SP_CUDNN_ENGINE, SP_CUDNN_ENGINE_INDEX, SP_CUDNN_TYPE_INT64, 1, 1, true, -1 },
	{ SP_CUDNN_KNOB_CHOICE, SP_CUDNN_KNOB_TYPE, SP_CUDNN_TYPE_KNOB, 1, 1, true, -1 },
	{ SP_CUDNN_KNOB_CHOICE, SP_CUDNN_KNOB_VALUE, SP_CUDNN_TYPE_INT64, 1, 1, true, -1 },
	{ SP_CUDNN_ENGINE_CONFIG, SP_CUDNN_CONFIG_ENGINE, SP_CUDNN_TYPE_DESCRIPTOR, 1, 1, true,
	  SP_CUDNN_ENGINE },
	{ SP_CUDNN_ENGINE_CONFIG, SP_CUDNN_CONFIG_KNOBS, SP_CUDNN_TYPE_DESCRIPTOR, 1, VALUES_MAX,
	  false, SP_CUDNN_KNOB_CHOICE },
	{ SP_CUDNN_PLAN, SP_CUDNN_PLAN_HANDLE, SP_CUDNN_TYPE_HANDLE, 1, 1, true, -1 },
	{ SP_CUDNN_PLAN, SP_CUDNN_PLAN_CONFIG, SP_CUDNN_TYPE_DESCRIPTOR, 1, 1, true,
	  SP_CUDNN_ENGINE_CONFIG },
	{ SP_CUDNN_VARIANT_PACK, SP_CUDNN_PACK_IDS, SP_CUDNN_TYPE_INT64, 1, VALUES_MAX, true, -1 },
	{ SP_CUDNN_VARIANT_PACK, SP_CUDNN_PACK_ADDRESSES, SP_CUDNN_TYPE_ADDRESS, 1, VALUES_MAX,
	  true, -1 },
	{ SP_CUDNN_VARIANT_PACK, SP_CUDNN_PACK_WORKSPACE, SP_CUDNN_TYPE_ADDRESS, 1, 1, true, -1 },
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

/* ---- calls ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static int misuse(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!state.misuse[0])
		vsnprintf(state.misuse, sizeof(state.misuse), fmt, ap);
	va_end(ap);
	return BAD;
}

static bool failing(void)
{
	state.calls++;
	return state.fail &&
	       (state.fail_after ? state.calls >= state.fail : state.calls == state.fail);
}

void software_begin(const struct software_engine *engines, unsigned int n, size_t version)
{
	memset(&state, 0, sizeof(state));
	state.engines = engines;
	state.engines_n = n;
	state.version = version;
	if (!work)
		cudaMalloc(&work, 64);
}

void software_fail(unsigned int call, bool after)
{
	state.calls = 0;
	state.fail = call;
	state.fail_after = after;
}

unsigned int software_calls(void)
{
	return state.calls;
}

unsigned int software_alive(void)
{
	return state.alive;
}

unsigned int software_executions(void)
{
	return state.executions;
}

const char *software_misuse(void)
{
	return state.misuse[0] ? state.misuse : NULL;
}

/* ---- descriptors ---------------------------------------------------------------------------- */

static size_t size_of(int type)
{
	switch (type) {
	case SP_CUDNN_TYPE_BOOLEAN:
		return 1;
	case SP_CUDNN_TYPE_INT64:
	case SP_CUDNN_TYPE_DOUBLE:
	case SP_CUDNN_TYPE_ADDRESS:
	case SP_CUDNN_TYPE_DESCRIPTOR:
	case SP_CUDNN_TYPE_HANDLE:
		return 8;
	default:
		return 4;
	}
}

static const struct rule *rule_of(int kind, int attribute)
{
	for (unsigned int i = 0; i < RULES; i++)
		if (rules[i].kind == kind && rules[i].attribute == attribute)
			return &rules[i];
	return NULL;
}

static const struct value *find(const struct descriptor *descriptor, int attribute)
{
	for (unsigned int i = 0; i < descriptor->n; i++)
		if (descriptor->values[i].attribute == attribute)
			return &descriptor->values[i];
	return NULL;
}

static int64_t number(const struct descriptor *descriptor, int attribute, int i)
{
	const struct value *value = find(descriptor, attribute);
	int64_t number = 0;

	if (value)
		memcpy(&number, &value->of[i], size_of(value->type));
	return number;
}

static double real(const struct descriptor *descriptor, int attribute, double otherwise)
{
	const struct value *value = find(descriptor, attribute);
	double number = otherwise;

	if (value)
		memcpy(&number, value->of, sizeof(number));
	return number;
}

static struct descriptor *part(const struct descriptor *descriptor, int attribute, int i)
{
	const struct value *value = find(descriptor, attribute);

	return value ? (struct descriptor *)(uintptr_t)value->of[i] : NULL;
}

static int create_descriptor(int kind, void **ret)
{
	struct descriptor *descriptor;

	if (failing())
		return MEMORY;
	descriptor = calloc(1, sizeof(*descriptor));
	descriptor->kind = kind;
	state.alive++;
	*ret = descriptor;
	return OK;
}

static int destroy_descriptor(void *descriptor)
{
	free(descriptor);
	state.alive--;
	return OK;
}

static int set(void *to, int attribute, int type, int64_t n, const void *values)
{
	struct descriptor *descriptor = to;
	const struct rule *rule = rule_of(descriptor->kind, attribute);
	struct value *value = &descriptor->values[descriptor->n];

	if (failing())
		return INTERNAL;
	if (descriptor->finished)
		return misuse("attribute %d is set after its descriptor is finished", attribute);
	if (!rule || rule->type != type || n < rule->least || n > rule->most)
		return misuse("descriptor %d: attribute %d as %lld of type %d", descriptor->kind,
			      attribute, (long long)n, type);
	if (find(descriptor, attribute) || descriptor->n == ATTRIBUTES_MAX)
		return misuse("attribute %d is set twice", attribute);
	*value = (struct value){ .attribute = attribute, .type = type, .n = n };
	for (int64_t i = 0; i < n; i++)
		memcpy(&value->of[i], (const uint8_t *)values + i * (int64_t)size_of(type),
		       size_of(type));
	for (int64_t i = 0; type == SP_CUDNN_TYPE_DESCRIPTOR && i < n; i++) {
		struct descriptor *one = (struct descriptor *)(uintptr_t)value->of[i];

		if (!one || !one->finished || (rule->of >= 0 && one->kind != rule->of))
			return misuse("attribute %d takes no such descriptor", attribute);
	}
	descriptor->n++;
	return OK;
}

static const struct software_engine *engine_of(int64_t index)
{
	for (unsigned int i = 0; i < state.engines_n; i++)
		if (state.engines[i].index == index)
			return &state.engines[i];
	return NULL;
}

static const struct software_engine *engine_of_plan(const struct descriptor *plan)
{
	const struct descriptor *config = part(plan, SP_CUDNN_PLAN_CONFIG, 0);

	return engine_of(number(part(config, SP_CUDNN_CONFIG_ENGINE, 0), SP_CUDNN_ENGINE_INDEX, 0));
}

static int finish_tensor(const struct descriptor *tensor)
{
	int64_t c = number(tensor, SP_CUDNN_TENSOR_DIMENSIONS, 1);
	int64_t h = number(tensor, SP_CUDNN_TENSOR_DIMENSIONS, 2);
	int64_t w = number(tensor, SP_CUDNN_TENSOR_DIMENSIONS, 3);

	for (int i = 0; i < 4; i++)
		if (number(tensor, SP_CUDNN_TENSOR_DIMENSIONS, i) < 1)
			return misuse("a tensor without elements");
	if (number(tensor, SP_CUDNN_TENSOR_STRIDES, 0) != c * h * w ||
	    number(tensor, SP_CUDNN_TENSOR_STRIDES, 1) != 1 ||
	    number(tensor, SP_CUDNN_TENSOR_STRIDES, 2) != c * w ||
	    number(tensor, SP_CUDNN_TENSOR_STRIDES, 3) != c)
		return misuse("a tensor that is not N, H, W, C");
	return OK;
}

/* Whether sizes follow from one another. */
static int finish_convolution(const struct descriptor *operation)
{
	const struct descriptor *conv = part(operation, SP_CUDNN_FORWARD_CONVOLUTION, 0);
	const struct descriptor *x = part(operation, SP_CUDNN_FORWARD_X, 0);
	const struct descriptor *w = part(operation, SP_CUDNN_FORWARD_W, 0);
	const struct descriptor *y = part(operation, SP_CUDNN_FORWARD_Y, 0);
	const int of = SP_CUDNN_TENSOR_DIMENSIONS;

	if (number(x, of, 0) != number(y, of, 0) || number(x, of, 1) != number(w, of, 1) ||
	    number(w, of, 0) != number(y, of, 1))
		return misuse("a convolution of tensors that do not fit");
	for (int i = 0; i < 2; i++) {
		int64_t reach = (number(w, of, 2 + i) - 1) *
					number(conv, SP_CUDNN_CONVOLUTION_DILATIONS, i) +
				1;
		int64_t room = number(x, of, 2 + i) - reach +
			       number(conv, SP_CUDNN_CONVOLUTION_PRE_PADDINGS, i) +
			       number(conv, SP_CUDNN_CONVOLUTION_POST_PADDINGS, i);

		if (room / number(conv, SP_CUDNN_CONVOLUTION_STRIDES, i) + 1 !=
		    number(y, of, 2 + i))
			return misuse("a convolution's output of another size");
	}
	return OK;
}

static int finish_plan(const struct descriptor *plan)
{
	const struct descriptor *config = part(plan, SP_CUDNN_PLAN_CONFIG, 0);
	const struct software_engine *engine = engine_of_plan(plan);
	const struct descriptor *knob = part(config, SP_CUDNN_CONFIG_KNOBS, 0);

	if (!engine || engine->unsupported)
		return NOT_SUPPORTED;
	if (!knob || number(knob, SP_CUDNN_KNOB_TYPE, 0) != 2 ||
	    number(knob, SP_CUDNN_KNOB_VALUE, 0) != engine->knob)
		return NOT_SUPPORTED;
	return OK;
}

static int finalize(void *of)
{
	struct descriptor *descriptor = of;
	int rc = OK;

	if (failing())
		return INTERNAL;
	for (unsigned int i = 0; i < RULES; i++)
		if (rules[i].kind == descriptor->kind && rules[i].needed &&
		    !find(descriptor, rules[i].attribute))
			return misuse("descriptor %d without attribute %d", descriptor->kind,
				      rules[i].attribute);
	if (descriptor->kind == SP_CUDNN_TENSOR)
		rc = finish_tensor(descriptor);
	else if (descriptor->kind == SP_CUDNN_CONVOLUTION_FORWARD)
		rc = finish_convolution(descriptor);
	else if (descriptor->kind == SP_CUDNN_PLAN)
		rc = finish_plan(descriptor);
	descriptor->finished = rc == OK;
	return rc;
}

/* ---- reading -------------------------------------------------------------------------------- */

static void fill(struct descriptor *descriptor, int attribute, int type, int64_t value)
{
	struct value *to = &descriptor->values[descriptor->n++];

	*to = (struct value){ .attribute = attribute, .type = type, .n = 1 };
	memcpy(to->of, &value, sizeof(value));
	descriptor->finished = true;
}

static int64_t propose(const struct descriptor *heuristics, int64_t room, void **configs)
{
	bool fallback = number(heuristics, SP_CUDNN_HEURISTICS_MODE, 0) ==
			SP_CUDNN_HEURISTICS_FALLBACK;
	int64_t n = 0;

	for (unsigned int i = 0; i < state.engines_n; i++) {
		if (state.engines[i].fallback != fallback || n == room)
			continue;
		/* What heuristics give knows its engine by number alone, here. */
		fill(configs[n++], SP_CUDNN_CONFIG_ENGINE, SP_CUDNN_TYPE_INT64,
		     state.engines[i].index);
	}
	return n;
}

static int get(void *of, int attribute, int type, int64_t room, int64_t *n, void *values)
{
	struct descriptor *descriptor = of;
	const struct software_engine *engine;

	if (failing())
		return INTERNAL;
	if (!descriptor->finished)
		return misuse("attribute %d of a descriptor that is not finished", attribute);
	switch (attribute) {
	case SP_CUDNN_HEURISTICS_RESULTS:
		*n = propose(descriptor, room, values);
		return OK;
	case SP_CUDNN_CONFIG_ENGINE:
		fill(*(void **)values, SP_CUDNN_ENGINE_INDEX, SP_CUDNN_TYPE_INT64,
		     number(descriptor, SP_CUDNN_CONFIG_ENGINE, 0));
		*n = 1;
		return OK;
	case SP_CUDNN_CONFIG_KNOBS:
		engine = engine_of(number(descriptor, SP_CUDNN_CONFIG_ENGINE, 0));
		fill(*(void **)values, SP_CUDNN_KNOB_TYPE, SP_CUDNN_TYPE_KNOB, 2);
		fill(*(void **)values, SP_CUDNN_KNOB_VALUE, SP_CUDNN_TYPE_INT64, engine->knob);
		*n = 1;
		return OK;
	case SP_CUDNN_ENGINE_NUMERICAL_NOTES:
		engine = engine_of(number(descriptor, SP_CUDNN_ENGINE_INDEX, 0));
		*n = engine->note >= 0;
		if (*n)
			memcpy(values, &engine->note, sizeof(int));
		return OK;
	case SP_CUDNN_PLAN_WORKSPACE:
		memcpy(values, &engine_of_plan(descriptor)->workspace, 8);
		*n = 1;
		return OK;
	default: {
		const struct value *value = find(descriptor, attribute);

		if (!value || value->type != type || room < 1)
			return misuse("attribute %d is read as type %d", attribute, type);
		memcpy(values, value->of, size_of(type));
		*n = 1;
		return OK;
	}
	}
}

/* ---- computing ------------------------------------------------------------------------------ */

struct numbers {
	int64_t id, n;
	float *at;
};

struct run {
	const struct descriptor *pack;
	struct numbers of[TENSORS_MAX];
	unsigned int n, used; /* tensors of the pack that an operation had */
};

static void *address_of(const struct run *run, int64_t id)
{
	const struct value *ids = find(run->pack, SP_CUDNN_PACK_IDS);

	for (int64_t i = 0; i < ids->n; i++)
		if ((int64_t)ids->of[i] == id)
			return (void *)(uintptr_t)number(run->pack, SP_CUDNN_PACK_ADDRESSES,
							 (int)i);
	return NULL;
}

static int64_t elements(const struct descriptor *tensor)
{
	int64_t n = 1;

	for (int i = 0; i < 4; i++)
		n *= number(tensor, SP_CUDNN_TENSOR_DIMENSIONS, i);
	return n;
}

static bool is_bf16(const struct descriptor *tensor)
{
	return number(tensor, SP_CUDNN_TENSOR_DATA, 0) == SP_CUDNN_DATA_BFLOAT16;
}

/* As floats: what an operation before made, or of the pack. NULL: there is no such. */
static struct numbers *numbers_of(struct run *run, const struct descriptor *tensor, bool made)
{
	int64_t id = number(tensor, SP_CUDNN_TENSOR_ID, 0), n = elements(tensor);
	bool between = number(tensor, SP_CUDNN_TENSOR_VIRTUAL, 0);
	struct numbers *to = &run->of[run->n];
	void *at = address_of(run, id);
	size_t size = is_bf16(tensor) ? 2 : 4;
	uint8_t *bytes;

	for (unsigned int i = 0; i < run->n; i++)
		if (run->of[i].id == id)
			return made ? NULL : &run->of[i];
	if (run->n == TENSORS_MAX || between != !at || (between && !made) ||
	    (uintptr_t)at % (uintptr_t)number(tensor, SP_CUDNN_TENSOR_ALIGNMENT, 0))
		return NULL;
	run->n++;
	run->used += !between;
	*to = (struct numbers){ id, n, calloc((size_t)n, sizeof(float)) };
	if (made)
		return to;
	bytes = malloc((size_t)n * size);
	cudaMemcpy(bytes, at, (size_t)n * size, cudaMemcpyDeviceToHost);
	for (int64_t i = 0; i < n; i++)
		if (size == 2)
			to->at[i] = sp_bf16_to_float(((uint16_t *)bytes)[i]);
		else
			to->at[i] = ((float *)bytes)[i];
	free(bytes);
	return to;
}

static void store(const struct run *run, const struct descriptor *tensor,
		  const struct numbers *from)
{
	void *at = address_of(run, from->id);
	uint16_t *halves;

	if (!at)
		return;
	halves = malloc((size_t)from->n * 2);
	for (int64_t i = 0; i < from->n; i++)
		halves[i] = sp_bf16_of(from->at[i]);
	if (is_bf16(tensor))
		cudaMemcpy(at, halves, (size_t)from->n * 2, cudaMemcpyHostToDevice);
	free(halves);
}

/* One number of the result: pixel @p of all pictures, channel @o. */
static float dot(const struct descriptor *operation, const struct numbers *x,
		 const struct numbers *w, int64_t p, int64_t o)
{
	const struct descriptor *conv = part(operation, SP_CUDNN_FORWARD_CONVOLUTION, 0);
	const struct descriptor *xd = part(operation, SP_CUDNN_FORWARD_X, 0);
	const struct descriptor *wd = part(operation, SP_CUDNN_FORWARD_W, 0);
	const struct descriptor *yd = part(operation, SP_CUDNN_FORWARD_Y, 0);
	const int of = SP_CUDNN_TENSOR_DIMENSIONS;
	int64_t oh = number(yd, of, 2), ow = number(yd, of, 3), c = number(xd, of, 1);
	int64_t at[2] = { p / ow % oh, p % ow }, from[2], picture = p / ow / oh;
	float sum = 0;

	for (int i = 0; i < 2; i++)
		from[i] = at[i] * number(conv, SP_CUDNN_CONVOLUTION_STRIDES, i) -
			  number(conv, SP_CUDNN_CONVOLUTION_PRE_PADDINGS, i);
	for (int64_t r = 0; r < number(wd, of, 2); r++)
		for (int64_t s = 0; s < number(wd, of, 3); s++) {
			int64_t row = from[0] + r * number(conv, SP_CUDNN_CONVOLUTION_DILATIONS, 0);
			int64_t col = from[1] + s * number(conv, SP_CUDNN_CONVOLUTION_DILATIONS, 1);
			const float *a, *b;

			if (row < 0 || row >= number(xd, of, 2) || col < 0 ||
			    col >= number(xd, of, 3))
				continue;
			a = x->at +
			    ((picture * number(xd, of, 2) + row) * number(xd, of, 3) + col) * c;
			b = w->at + ((o * number(wd, of, 2) + r) * number(wd, of, 3) + s) * c;
			for (int64_t i = 0; i < c; i++)
				sum += a[i] * b[i];
		}
	return sum;
}

static int run_convolution(struct run *run, const struct descriptor *operation)
{
	const struct descriptor *yd = part(operation, SP_CUDNN_FORWARD_Y, 0);
	struct numbers *x = numbers_of(run, part(operation, SP_CUDNN_FORWARD_X, 0), false);
	struct numbers *w = numbers_of(run, part(operation, SP_CUDNN_FORWARD_W, 0), false);
	struct numbers *y = numbers_of(run, yd, true);
	int64_t oc = number(yd, SP_CUDNN_TENSOR_DIMENSIONS, 1);

	if (!x || !w || !y)
		return misuse("a convolution of tensors that are not there");
	for (int64_t i = 0; i < y->n; i++)
		y->at[i] = dot(operation, x, w, i / oc, i % oc);
	store(run, yd, y);
	return OK;
}

static int run_pointwise(struct run *run, const struct descriptor *operation)
{
	const struct descriptor *how = part(operation, SP_CUDNN_OPERATION_POINTWISE_OF, 0);
	const struct descriptor *bd = part(operation, SP_CUDNN_OPERATION_POINTWISE_B, 0);
	const struct descriptor *yd = part(operation, SP_CUDNN_OPERATION_POINTWISE_Y, 0);
	struct numbers *x = numbers_of(run, part(operation, SP_CUDNN_OPERATION_POINTWISE_X, 0),
				       false);
	struct numbers *b = bd ? numbers_of(run, bd, false) : NULL;
	struct numbers *y = numbers_of(run, yd, true);
	bool add = number(how, SP_CUDNN_POINTWISE_MODE, 0) == SP_CUDNN_ADD;
	double low = real(how, SP_CUDNN_POINTWISE_RELU_LOW, 0);
	double high = real(how, SP_CUDNN_POINTWISE_RELU_HIGH, 1e38);

	if (!x || !y || add != !!b || x->n != y->n || (b && y->n % b->n))
		return misuse("a step of tensors that are not there");
	for (int64_t i = 0; i < y->n; i++)
		y->at[i] = add ? x->at[i] + b->at[i % b->n]
			       : sp_clamp(x->at[i], (float)low, (float)high);
	store(run, yd, y);
	return OK;
}

void software_take(cudaStream_t stream, unsigned int us)
{
	while (us--)
		cudaMemsetAsync(work, 0, 64, stream);
}

static void spoil(const struct run *run)
{
	void *y = address_of(run, 'y');
	uint16_t number = sp_bf16_of(12345);

	cudaMemcpy(y, &number, sizeof(number), cudaMemcpyHostToDevice);
}

static int execute(void *handle, void *of_plan, void *of_pack)
{
	const struct descriptor *plan = of_plan, *config = part(plan, SP_CUDNN_PLAN_CONFIG, 0);
	const struct descriptor *graph = part(part(config, SP_CUDNN_CONFIG_ENGINE, 0),
					      SP_CUDNN_ENGINE_GRAPH, 0);
	const struct value *operations = find(graph, SP_CUDNN_GRAPH_OPERATIONS);
	const struct software_engine *engine = engine_of_plan(plan);
	struct run run = { .pack = of_pack };
	int rc = OK;

	if (failing() || engine->fails)
		return FAILED;
	if (!handle || !plan->finished || !run.pack->finished)
		return misuse("executed before it is finished");
	if (engine->workspace && !number(run.pack, SP_CUDNN_PACK_WORKSPACE, 0))
		return misuse("executed without a workspace");
	state.executions++;
	/* Here the host computes: what is before it in the stream must be done. */
	if (cudaStreamSynchronize(state.stream))
		return FAILED;
	for (int64_t i = 0; !rc && i < operations->n; i++) {
		const struct descriptor *one = (void *)(uintptr_t)operations->of[i];

		rc = one->kind == SP_CUDNN_CONVOLUTION_FORWARD ? run_convolution(&run, one)
							       : run_pointwise(&run, one);
	}
	if (!rc && run.used != find(run.pack, SP_CUDNN_PACK_IDS)->n)
		rc = misuse("tensors that no operation has");
	if (engine->wrong)
		spoil(&run);
	for (unsigned int i = 0; i < run.n; i++)
		free(run.of[i].at);
	software_take(state.stream, engine->us);
	return rc;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static size_t version(void)
{
	return state.version;
}

static const char *error(int status)
{
	return status == NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED" : "CUDNN_STATUS_OF_A_TEST";
}

static void last_error(char *message, size_t size)
{
	snprintf(message, size, "as the test\nwanted");
}

static int create(void **handle)
{
	if (failing())
		return MEMORY;
	state.alive++;
	*handle = &state;
	return OK;
}

static int destroy(void *handle)
{
	(void)handle;
	state.alive--;
	return OK;
}

static int set_stream(void *handle, cudaStream_t stream)
{
	(void)handle;
	state.stream = stream;
	return failing() ? INTERNAL : OK;
}

const struct sp_cudnn software_cudnn = {
	.version = version,
	.error = error,
	.last_error = last_error,
	.create = create,
	.destroy = destroy,
	.set_stream = set_stream,
	.create_descriptor = create_descriptor,
	.destroy_descriptor = destroy_descriptor,
	.set = set,
	.get = get,
	.finalize = finalize,
	.execute = execute,
};
