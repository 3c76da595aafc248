/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport model inspect --plan`. */
#ifndef SP_TOOLS_CMD_MODEL_PLAN_H
#define SP_TOOLS_CMD_MODEL_PLAN_H

#include <stdbool.h>

struct sp_model;

/*
 * Prints the plan of @model for pictures of @size ("WxH", or NULL: the model's own, or what is
 * usual for its kind). @me stands in messages. Returns an exit code.
 */
int cmd_model_plan(const char *me, const struct sp_model *model, const char *size, bool json);

#endif
