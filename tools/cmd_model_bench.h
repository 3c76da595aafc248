/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport model bench`. */
#ifndef SP_TOOLS_CMD_MODEL_BENCH_H
#define SP_TOOLS_CMD_MODEL_BENCH_H

int cmd_model_bench(int argc, char **argv);

#endif
