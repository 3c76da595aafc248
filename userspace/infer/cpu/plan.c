/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/cpu/band.h"

enum { ALIGN = 64 }; /* a cache line, and the widest vector */

/* A value once more, in another layout. */
struct sp_copy {
	uint32_t tensor, buffer;
	dnnl_memory_desc_t desc;
};

void sp_plan_fail(struct sp_plan *plan, int code, const char *fmt, ...)
{
	const struct sp_node *node = NULL;
	char why[256];
	va_list ap;

	if (plan->error)
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	plan->error = code;
	if (plan->node < plan->graph->nodes_n)
		node = &plan->graph->nodes[plan->node];
	if (node)
		sp_err_set(plan->err, code, "node '%s' (%s): %s", node->name, node->type, why);
	else
		sp_err_set(plan->err, code, "%s", why);
}

void sp_plan_check(struct sp_plan *plan, dnnl_status_t status)
{
	if (status == dnnl_out_of_memory)
		sp_plan_fail(plan, -ENOMEM, "out of memory");
	else if (status != dnnl_success)
		sp_plan_fail(plan, -ENOTSUP, "oneDNN has no kernel for these shapes (status %d)",
			     (int)status);
}

/* Room for one more at the end of *@array; NULL after an error. The new one is zeroed. */
static void *grow(struct sp_plan *plan, void **array, uint32_t *n, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room * 2 : 64;
	void *bigger;

	if (plan->error)
		return NULL;
	if (*n == *room) {
		bigger = reallocarray(*array, more, size);
		if (!bigger) {
			sp_plan_fail(plan, -ENOMEM, "out of memory");
			return NULL;
		}
		*array = bigger;
		*room = more;
	}
	return memset((uint8_t *)*array + (size_t)(*n)++ * size, 0, size);
}

/* ---- layouts -------------------------------------------------------------------------------- */

void sp_plan_plain(const struct sp_shape *shape, dnnl_memory_desc_t *ret_desc)
{
	int rank = shape->rank ? (int)shape->rank : 1;
	dnnl_dims_t dims = { 1 }, strides;
	int64_t stride = 1;

	for (int i = rank - 1; i >= 0; i--) {
		if (shape->rank)
			dims[i] = shape->dim[i];
		strides[i] = stride;
		stride *= dims[i];
	}
	/* Cannot fail: rank and dimensions were checked with the shapes. */
	dnnl_memory_desc_init_by_strides(ret_desc, rank, dims, dnnl_f32, strides);
}

void sp_plan_tagged(struct sp_plan *plan, const struct sp_shape *shape, dnnl_format_tag_t tag,
		    dnnl_memory_desc_t *ret_desc)
{
	dnnl_dims_t dims = { 0 };

	memcpy(dims, shape->dim, shape->rank * sizeof(dims[0]));
	sp_plan_check(plan, dnnl_memory_desc_init_by_tag(ret_desc, (int)shape->rank, dims, dnnl_f32,
							 tag));
}

bool sp_plan_is_plain(const dnnl_memory_desc_t *desc)
{
	int64_t stride = 1;

	if (desc->format_kind != dnnl_blocked || desc->format_desc.blocking.inner_nblks ||
	    desc->offset0)
		return false;
	for (int i = desc->ndims - 1; i >= 0; i--) {
		if (desc->padded_dims[i] != desc->dims[i])
			return false;
		/* Along a dimension of one nothing is ever strided over. */
		if (desc->dims[i] != 1 && desc->format_desc.blocking.strides[i] != stride)
			return false;
		stride *= desc->dims[i];
	}
	return true;
}

bool sp_plan_planes(const dnnl_memory_desc_t *desc, int64_t ret_n[4], dnnl_format_tag_t *ret_tag)
{
	static const struct {
		dnnl_format_tag_t tag;
		int64_t block; /* channels in one place; 0: all of them */
	} usual[] = {
		{ dnnl_nchw, 1 },
		{ dnnl_nhwc, 0 },
		{ dnnl_nChw8c, 8 },
		{ dnnl_nChw16c, 16 },
	};
	const dnnl_dim_t *dim = desc->dims;
	dnnl_memory_desc_t like;

	if (desc->ndims != 4)
		return false;
	for (unsigned int i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		int64_t block = usual[i].block ? usual[i].block : dim[1];

		if (dnnl_memory_desc_init_by_tag(&like, 4, dim, dnnl_f32, usual[i].tag) !=
			    dnnl_success ||
		    !dnnl_memory_desc_equal(&like, desc))
			continue;
		ret_n[0] = dim[0] * ((dim[1] + block - 1) / block);
		ret_n[1] = dim[2];
		ret_n[2] = dim[3];
		ret_n[3] = block;
		*ret_tag = usual[i].tag;
		return true;
	}
	return false;
}

void sp_plan_layout(struct sp_plan *plan, uint32_t tensor, dnnl_memory_desc_t *ret_desc)
{
	const struct sp_operand *value = &plan->values[tensor];
	dnnl_format_tag_t tag;
	int64_t n[4];

	sp_plan_plain(&plan->shapes->of[tensor], ret_desc);
	if (value->buffer != SP_NONE && sp_plan_planes(&value->desc, n, &tag))
		*ret_desc = value->desc;
}

/* ---- buffers -------------------------------------------------------------------------------- */

/*
 * Bytes to set aside for @size: aligned, and a line more, since oneDNN 2.6.3's kernels for AVX
 * without AVX2 store up to 16 bytes behind the end of what they make (seen with `binary`).
 */
static size_t room_for(size_t size)
{
	return ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1)) + ALIGN;
}

static uint32_t add_buffer(struct sp_plan *plan, size_t size)
{
	struct sp_buffer *buffer = grow(plan, (void **)&plan->buffers, &plan->buffers_n,
					&plan->buffers_room, sizeof(*buffer));

	if (!buffer)
		return SP_NONE;
	buffer->size = room_for(size);
	buffer->first = SP_NONE;
	return plan->buffers_n - 1;
}

uint32_t sp_plan_buffer(struct sp_plan *plan, const dnnl_memory_desc_t *desc)
{
	return add_buffer(plan, dnnl_memory_desc_get_size(desc));
}

/* Step @step reads or writes @id. */
static void touch(struct sp_plan *plan, uint32_t id, uint32_t step)
{
	struct sp_buffer *buffer = &plan->buffers[id];

	if (buffer->first == SP_NONE)
		buffer->first = step;
	if (buffer->last != SP_NONE)
		buffer->last = step;
}

/* oneDNN's handle on @buffer, addressed at once if it is fixed. NULL after an error. */
static dnnl_memory_t handle(struct sp_plan *plan, uint32_t buffer, const dnnl_memory_desc_t *desc)
{
	struct sp_handle *made = grow(plan, (void **)&plan->handles, &plan->handles_n,
				      &plan->handles_room, sizeof(*made));

	if (!made)
		return NULL;
	made->buffer = buffer;
	sp_plan_check(plan, dnnl_memory_create(&made->memory, desc, plan->engine,
					       plan->buffers[buffer].fixed));
	if (plan->error)
		plan->handles_n--;
	return plan->error ? NULL : made->memory;
}

bool sp_plan_dead(const struct sp_plan *plan, uint32_t tensor)
{
	const struct sp_buffer *buffer = &plan->buffers[plan->values[tensor].buffer];

	return !buffer->fixed && buffer->last_place != SP_NONE && buffer->last_place <= plan->place;
}

void sp_plan_set(struct sp_plan *plan, uint32_t tensor, struct sp_operand value)
{
	uint32_t last = plan->last_place[tensor];

	if (plan->error)
		return;
	plan->values[tensor] = value;
	if (last > plan->buffers[value.buffer].last_place)
		plan->buffers[value.buffer].last_place = last;
}

/* The value of @tensor; constants get theirs when they are first asked for. */
static const struct sp_operand *value_of(struct sp_plan *plan, uint32_t tensor)
{
	const struct sp_tensor *constant = &plan->graph->tensors[tensor];
	struct sp_operand value;

	if (plan->values[tensor].buffer != SP_NONE || plan->error)
		return &plan->values[tensor];
	if (!constant->floats) {
		sp_plan_fail(plan, -EINVAL, "tensor '%s' has no value", constant->name);
		return &plan->values[tensor];
	}
	sp_plan_plain(&constant->shape, &value.desc);
	value.buffer = sp_plan_constant(plan, constant->floats, &value.desc, &value.desc);
	sp_plan_set(plan, tensor, value);
	return &plan->values[tensor];
}

static bool lies_so(const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b)
{
	return dnnl_memory_desc_equal(a, b) || (sp_plan_is_plain(a) && sp_plan_is_plain(b));
}

uint32_t sp_plan_convert(struct sp_plan *plan, struct sp_operand value,
			 const dnnl_memory_desc_t *desc)
{
	uint32_t id;

	if (plan->error || lies_so(&value.desc, desc))
		return value.buffer;
	id = sp_plan_buffer(plan, desc);
	sp_plan_reorder(plan, value.buffer, &value.desc, id, desc);
	return id;
}

uint32_t sp_plan_in(struct sp_plan *plan, uint32_t tensor, const dnnl_memory_desc_t *desc)
{
	const struct sp_operand value = *value_of(plan, tensor);
	struct sp_copy *copy;
	uint32_t id;

	for (uint32_t i = plan->copies_n; i-- && !plan->error;)
		if (plan->copies[i].tensor == tensor &&
		    dnnl_memory_desc_equal(&plan->copies[i].desc, desc))
			return plan->copies[i].buffer;
	id = sp_plan_convert(plan, value, desc);
	if (plan->error || id == value.buffer)
		return id;
	copy = grow(plan, (void **)&plan->copies, &plan->copies_n, &plan->copies_room,
		    sizeof(*copy));
	if (!copy)
		return SP_NONE;
	*copy = (struct sp_copy){ tensor, id, *desc };
	/* Whoever reads the tensor later may get this copy: it must last as long. */
	plan->buffers[id].last_place = plan->last_place[tensor];
	return id;
}

struct sp_operand sp_plan_get(struct sp_plan *plan, uint32_t tensor)
{
	struct sp_operand value;

	value_of(plan, tensor);
	sp_plan_layout(plan, tensor, &value.desc);
	value.buffer = sp_plan_in(plan, tensor, &value.desc);
	return value;
}

/* Runs a reorder between two addresses at once. */
static void reorder_now(struct sp_plan *plan, const float *from,
			const dnnl_memory_desc_t *from_desc, void *to,
			const dnnl_memory_desc_t *to_desc)
{
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_t primitive = NULL;
	dnnl_memory_t src = NULL, dst = NULL;
	dnnl_exec_arg_t args[2];

	sp_plan_check(plan, dnnl_reorder_primitive_desc_create(&pd, from_desc, plan->engine,
							       to_desc, plan->engine, NULL));
	if (!plan->error)
		sp_plan_check(plan, dnnl_primitive_create(&primitive, pd));
	if (!plan->error)
		sp_plan_check(plan,
			      dnnl_memory_create(&src, from_desc, plan->engine, (void *)from));
	if (!plan->error)
		sp_plan_check(plan, dnnl_memory_create(&dst, to_desc, plan->engine, to));
	args[0] = (dnnl_exec_arg_t){ DNNL_ARG_FROM, src };
	args[1] = (dnnl_exec_arg_t){ DNNL_ARG_TO, dst };
	if (!plan->error)
		sp_plan_check(plan, dnnl_primitive_execute(primitive, plan->stream, 2, args));
	if (!plan->error)
		sp_plan_check(plan, dnnl_stream_wait(plan->stream));
	if (src)
		dnnl_memory_destroy(src);
	if (dst)
		dnnl_memory_destroy(dst);
	if (primitive)
		dnnl_primitive_destroy(primitive);
	if (pd)
		dnnl_primitive_desc_destroy(pd);
}

uint32_t sp_plan_constant(struct sp_plan *plan, const float *data, const dnnl_memory_desc_t *plain,
			  const dnnl_memory_desc_t *desc)
{
	uint32_t id = sp_plan_buffer(plan, desc);
	struct sp_buffer *buffer;

	if (id == SP_NONE)
		return SP_NONE;
	buffer = &plan->buffers[id];
	if (dnnl_memory_desc_equal(plain, desc)) {
		buffer->fixed = (void *)data;
		return id;
	}
	/* Nodes may share weights; each has its own copy. */
	plan->constant_bytes += buffer->size;
	if (plan->constant_bytes > SP_PLAN_BYTES_MAX) {
		sp_plan_fail(plan, -EFBIG, "more than %d MiB of weights are not supported",
			     SP_PLAN_BYTES_MAX >> 20);
		return SP_NONE;
	}
	buffer->fixed = aligned_alloc(ALIGN, buffer->size);
	buffer->owned = true;
	if (!buffer->fixed) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		return SP_NONE;
	}
	memset(buffer->fixed, 0, buffer->size);
	reorder_now(plan, data, plain, buffer->fixed, desc);
	return id;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static struct sp_step *add_step(struct sp_plan *plan)
{
	struct sp_step *step = grow(plan, (void **)&plan->steps, &plan->steps_n, &plan->steps_room,
				    sizeof(*plan->steps));

	if (step)
		step->node = plan->node;
	return step;
}

void sp_plan_arg(struct sp_plan *plan, int arg, uint32_t buffer, const dnnl_memory_desc_t *desc)
{
	struct sp_step *step;
	dnnl_memory_t memory;

	if (plan->error || buffer == SP_NONE)
		return;
	memory = handle(plan, buffer, desc);
	step = &plan->steps[plan->steps_n - 1];
	if (!memory)
		return;
	if (step->args_n == SP_STEP_ARGS_MAX) {
		sp_plan_fail(plan, -ENOTSUP, "more than %d arguments", SP_STEP_ARGS_MAX);
		return;
	}
	step->args[step->args_n++] = (dnnl_exec_arg_t){ arg, memory };
	touch(plan, buffer, plan->steps_n - 1);
}

static const char *kernel_kind(dnnl_primitive_desc_t pd)
{
	dnnl_primitive_kind_t kind = dnnl_undefined_primitive;

	dnnl_primitive_desc_query(pd, dnnl_query_primitive_kind, 0, &kind);
	switch (kind) {
	case dnnl_convolution:
		return "oneDNN convolution";
	case dnnl_inner_product:
		return "oneDNN inner product";
	case dnnl_reorder:
		return "oneDNN reorder";
	case dnnl_eltwise:
		return "oneDNN activation";
	case dnnl_pooling:
		return "oneDNN pooling";
	default:
		return "oneDNN arithmetic";
	}
}

void sp_plan_kernel(struct sp_plan *plan, dnnl_primitive_desc_t pd)
{
	struct sp_step *step = add_step(plan);
	const dnnl_memory_desc_t *scratch;
	struct sp_buffer *shared;

	if (step) {
		step->kind = kernel_kind(pd);
		sp_plan_check(plan, dnnl_primitive_create(&step->primitive, pd));
	}
	if (!plan->error) {
		scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
		if (scratch && dnnl_memory_desc_get_size(scratch)) {
			shared = &plan->buffers[plan->scratch];
			if (shared->size < dnnl_memory_desc_get_size(scratch))
				shared->size = room_for(dnnl_memory_desc_get_size(scratch));
			sp_plan_arg(plan, DNNL_ARG_SCRATCHPAD, plan->scratch, scratch);
		}
	}
	dnnl_primitive_desc_destroy(pd);
}

void sp_plan_macs(struct sp_plan *plan, int64_t macs)
{
	if (!plan->error)
		plan->steps[plan->steps_n - 1].macs = (uint64_t)macs;
}

void sp_plan_reorder(struct sp_plan *plan, uint32_t from, const dnnl_memory_desc_t *from_desc,
		     uint32_t to, const dnnl_memory_desc_t *to_desc)
{
	dnnl_primitive_attr_t attr = NULL;
	dnnl_primitive_desc_t pd;

	if (plan->error)
		return;
	sp_plan_check(plan, dnnl_primitive_attr_create(&attr));
	if (plan->error)
		return;
	dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
	sp_plan_check(plan, dnnl_reorder_primitive_desc_create(&pd, from_desc, plan->engine,
							       to_desc, plan->engine, attr));
	dnnl_primitive_attr_destroy(attr);
	if (plan->error)
		return;
	sp_plan_kernel(plan, pd);
	sp_plan_arg(plan, DNNL_ARG_FROM, from, from_desc);
	sp_plan_arg(plan, DNNL_ARG_TO, to, to_desc);
}

struct sp_step *sp_plan_loop(struct sp_plan *plan, const char *kind,
			     void (*loop)(const struct sp_step *step), uint32_t src, uint32_t also,
			     uint32_t dst)
{
	struct sp_step *step = add_step(plan);
	uint32_t buffers[3] = { src, also, dst };

	if (!step)
		return NULL;
	step->loop = loop;
	step->kind = kind;
	for (unsigned int i = 0; i < 3; i++) {
		step->buffers[i] = buffers[i];
		if (buffers[i] != SP_NONE)
			touch(plan, buffers[i], plan->steps_n - 1);
	}
	return step;
}

void sp_plan_band(struct sp_plan *plan, struct sp_band *band)
{
	uint32_t step = plan->steps_n;

	band->work = add_buffer(plan, band->work_size);
	if (plan->error || !add_step(plan)) {
		sp_band_destroy(band);
		return;
	}
	plan->steps[step].band = band;
	touch(plan, band->work, step);
	for (uint32_t i = 0; i < band->inputs_n; i++)
		touch(plan, band->inputs[i].buffer, step);
	for (uint32_t i = 0; i < band->units_n; i++)
		for (uint32_t k = 0; k < band->units[i].exports_n; k++)
			touch(plan, band->units[i].exports[k].buffer, step);
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* The last node to read each tensor, so that buffers can be written over after it. */
static void find_last_places(struct sp_plan *plan)
{
	const struct sp_graph *graph = plan->graph;

	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];
		uint32_t place = plan->islands.place[i];

		for (uint32_t k = 0; k <= node->inputs_n; k++) {
			uint32_t tensor = sp_islands_source(node, k);

			if (tensor != SP_NONE && plan->last_place[tensor] < place)
				plan->last_place[tensor] = place;
		}
	}
	for (uint32_t i = 0; i < graph->outputs_n; i++)
		plan->last_place[graph->outputs[i]] = SP_NONE;
}

int sp_plan_init(struct sp_plan *plan, const struct sp_graph *graph, const struct sp_shapes *shapes,
		 const struct sp_kernels *kernels, struct sp_err *err)
{
	*plan = (struct sp_plan){ .graph = graph,
				  .shapes = shapes,
				  .kernels = kernels,
				  .err = err,
				  .node = SP_NONE };
	plan->last_place = calloc(graph->tensors_n + 1, sizeof(*plan->last_place));
	plan->values = calloc(graph->tensors_n + 1, sizeof(*plan->values));
	if (!plan->last_place || !plan->values ||
	    sp_islands_init(&plan->islands, graph, shapes, kernels)) {
		sp_plan_fail(plan, -ENOMEM, "out of memory");
		return plan->error;
	}
	for (uint32_t i = 0; i < graph->tensors_n; i++)
		plan->values[i].buffer = SP_NONE;
	find_last_places(plan);
	sp_plan_check(plan, dnnl_engine_create(&plan->engine, dnnl_cpu, 0));
	if (!plan->error)
		sp_plan_check(plan, dnnl_stream_create(&plan->stream, plan->engine,
						       dnnl_stream_in_order));
	plan->scratch = add_buffer(plan, 0);
	return plan->error;
}

void sp_plan_uninit(struct sp_plan *plan)
{
	for (uint32_t i = 0; i < plan->steps_n; i++) {
		if (plan->steps[i].primitive)
			dnnl_primitive_destroy(plan->steps[i].primitive);
		sp_band_destroy(plan->steps[i].band);
	}
	sp_islands_uninit(&plan->islands);
	for (uint32_t i = 0; i < plan->handles_n; i++)
		dnnl_memory_destroy(plan->handles[i].memory);
	for (uint32_t i = 0; i < plan->buffers_n; i++)
		if (plan->buffers[i].owned)
			free(plan->buffers[i].fixed);
	if (plan->stream)
		dnnl_stream_destroy(plan->stream);
	if (plan->engine)
		dnnl_engine_destroy(plan->engine);
	free(plan->arena);
	free(plan->last_place);
	free(plan->values);
	free(plan->buffers);
	free(plan->handles);
	free(plan->steps);
	free(plan->copies);
	*plan = (struct sp_plan){ 0 };
}
