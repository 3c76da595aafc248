/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of `sallyport model`. */
#ifndef SP_TOOLS_CMD_MODEL_H
#define SP_TOOLS_CMD_MODEL_H

int cmd_model_install(int argc, char **argv);

#endif
