/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport model inspect --plan`. */
#ifndef SP_TOOLS_CMD_MODEL_PLAN_H
#define SP_TOOLS_CMD_MODEL_PLAN_H

#include <stdbool.h>

struct sp_model;
struct sp_model_card;

/*
 * Prints the plan of @model for pictures of @size ("WxH", or NULL: the model's own, or what its
 * @card says or its kind usually has). @me stands in messages. Returns an exit code.
 */
int cmd_model_plan(const char *me, const struct sp_model *model, const struct sp_model_card *card,
		   const char *size, bool json);

#endif
