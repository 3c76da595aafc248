/* SPDX-License-Identifier: Apache-2.0 */
/* The way in: the plugin's one symbol, and what the program does for it. */
#include "infer/plugin.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"
#include "compute_abi.h"
#include "cuda/backend.h"
#include "cuda/host.h"

const struct sp_compute_host *sp_host;

void sp_host_log(int level, const char *fmt, ...)
{
	char text[sizeof(((struct sp_err *)0)->text) + 128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sp_host->log(level, text);
}

/* Of this name and of the type that the program looks for. */
const struct sp_compute_ops *sp_compute_plugin(uint64_t abi, const struct sp_compute_host *host);

__attribute__((visibility("default"))) const struct sp_compute_ops *
sp_compute_plugin(uint64_t abi, const struct sp_compute_host *host)
{
	if (abi != SP_COMPUTE_ABI)
		return NULL;
	sp_host = host;
	return &sp_cuda_ops;
}
