/* SPDX-License-Identifier: Apache-2.0 */
/* What the program does for the plugin, as it said when it opened it. */
#ifndef SP_CUDA_HOST_H
#define SP_CUDA_HOST_H

#include "infer/plugin.h"

/* Set once, before anything else is called. */
extern const struct sp_compute_host *sp_host;

/* enum sp_log_level. */
void sp_host_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
