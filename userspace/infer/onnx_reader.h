/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of ONNX operators share: attributes and inputs of a node, and how to refuse
 * it.
 */
#ifndef SP_INFER_ONNX_READER_H
#define SP_INFER_ONNX_READER_H

#include <stddef.h>
#include <stdint.h>

#include "infer/onnx.h"

struct sp_node;
struct sp_tensor;

/* A node being read. The first error stays in @error and makes the rest harmless. */
struct sp_reader {
	struct sp_onnx *onnx;
	const Onnx__NodeProto *proto;
	struct sp_node *node;
	uint32_t used; /* a bit for each attribute that was asked for */
	int error;
};

void sp_reader_fail(struct sp_reader *reader, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* From the graph's arena; NULL after an error. */
void *sp_reader_alloc(struct sp_reader *reader, size_t size);

/* The attribute, or NULL: it is absent, or of another type, which is an error. */
const Onnx__AttributeProto *sp_reader_find(struct sp_reader *reader, const char *name,
					   Onnx__AttributeProto__AttributeType type);
int64_t sp_reader_int(struct sp_reader *reader, const char *name, int64_t otherwise);
float sp_reader_float(struct sp_reader *reader, const char *name, float otherwise);

/* The index of the attribute's text in @choices (ended by NULL), 0 if it is absent. */
unsigned int sp_reader_choice(struct sp_reader *reader, const char *name,
			      const char *const *choices);

/*
 * @n integers within [@low, @high] into @values, which keep what they have if the attribute is
 * absent.
 */
void sp_reader_ints(struct sp_reader *reader, const char *name, size_t n, int64_t low, int64_t high,
		    int64_t *values);

/* The attribute is known; only the value that changes nothing is supported. */
void sp_reader_only_int(struct sp_reader *reader, const char *name, int64_t value);

/* Refuses attributes that nobody asked for. */
void sp_reader_end(struct sp_reader *reader);

/* Gives the node @n inputs: those that the file lacks are SP_NONE. */
void sp_reader_pad_inputs(struct sp_reader *reader, uint32_t n);

/*
 * The constant float tensor of input @i; NULL if it is absent, or with an error if it is no
 * constant.
 */
const struct sp_tensor *sp_reader_constant(struct sp_reader *reader, uint32_t i);

/* The same with exactly @n elements, all counted as one row. */
const struct sp_tensor *sp_reader_row(struct sp_reader *reader, uint32_t i, int64_t n);

/* Input @i becomes the list of numbers that attribute @name has, if it is there. */
void sp_reader_ints_input(struct sp_reader *reader, const char *name, uint32_t i);
void sp_reader_floats_input(struct sp_reader *reader, const char *name, uint32_t i);

#endif
