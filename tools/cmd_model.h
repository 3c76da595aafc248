/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of `sallyport model`. */
#ifndef SP_TOOLS_CMD_MODEL_H
#define SP_TOOLS_CMD_MODEL_H

#include <stdint.h>

struct sp_model_card;

int cmd_model_install(int argc, char **argv);

/* Of the pictures that a network of @card usually sees, in pixels, where its file leaves it open. */
int64_t cmd_model_usual_side(const struct sp_model_card *card);
/* "WIDTHxHEIGHT", as --input has it. 0, or an exit code after a message in the name of @me. */
int cmd_model_read_size(const char *me, const char *text, int64_t *ret_width, int64_t *ret_height);

#endif
