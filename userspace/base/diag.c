/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sp_err_set(struct sp_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	return code;
}

int sp_err_prefix(struct sp_err *err, int code, const char *fmt, ...)
{
	char place[sizeof(err->text)], whole[sizeof(err->text)];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(place, sizeof(place), fmt, ap);
	va_end(ap);
	/* A text too long for the line loses its end, never its place. */
	if (snprintf(whole, sizeof(whole), "%s: %s", place, err->text) < 0)
		return code;
	memcpy(err->text, whole, sizeof(whole));
	return code;
}

static _Atomic int log_level = SP_LOG_WARNING;

void sp_log_set_level(enum sp_log_level level)
{
	atomic_store_explicit(&log_level, level, memory_order_relaxed);
}

void sp_log(enum sp_log_level level, const char *fmt, ...)
{
	static const char *const names[] = {
		[SP_LOG_ERROR] = "error: ",
		[SP_LOG_WARNING] = "warning: ",
		[SP_LOG_INFO] = "",
		[SP_LOG_DEBUG] = "debug: ",
	};
	char line[1024];
	va_list ap;

	if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* JOURNAL_STREAM is set by systemd when stderr is its journal, which reads the prefix. */
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", level, line);
	else
		fprintf(stderr, "sallyport: %s%s\n", names[level], line);
}
