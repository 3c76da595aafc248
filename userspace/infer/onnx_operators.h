/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of operators for onnx_node.c's table. */
#ifndef SP_INFER_ONNX_OPERATORS_H
#define SP_INFER_ONNX_OPERATORS_H

struct sp_reader;

/* Abs, Elu, Erf, Exp, Gelu, HardSigmoid, HardSwish, Log, Neg, Pow, Reciprocal, Sqrt, Tanh. */
void sp_onnx_read_function(struct sp_reader *reader);
void sp_onnx_read_leaky_relu(struct sp_reader *reader);
/* ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceL2, GlobalMaxPool. */
void sp_onnx_read_reduce(struct sp_reader *reader);
void sp_onnx_read_layernorm(struct sp_reader *reader);
/* One output of several: sets the part, and which. */
void sp_onnx_read_split(struct sp_reader *reader);

#endif
