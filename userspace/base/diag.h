/* SPDX-License-Identifier: Apache-2.0 */
/* Errors for people: what went wrong, where, and what to do about it; and the program's log. */
#ifndef SP_BASE_DIAG_H
#define SP_BASE_DIAG_H

#include <stdarg.h>

/*
 * Control calls return 0 or -errno and, where a person will read the reason, fill a struct sp_err.
 * The text is one line without a newline: "PLACE: PROBLEM; REMEDY". Callers that do not care pass
 * NULL. Untouched on success.
 */
struct sp_err {
	char text[512];
};

/*
 * Stores the text and returns @code (a negative errno), so that failures read `return
 * sp_err_set(…)`.
 */
int sp_err_set(struct sp_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "PLACE: " before the text that is already there; returns @code. */
int sp_err_prefix(struct sp_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

enum sp_log_level { SP_LOG_ERROR = 3, SP_LOG_WARNING = 4, SP_LOG_INFO = 6, SP_LOG_DEBUG = 7 };

/* Lines above this level are dropped; SP_LOG_WARNING at start. Safe from any thread. */
void sp_log_set_level(enum sp_log_level level);

/* One line to stderr; under systemd it carries the "<N>" priority prefix. */
void sp_log(enum sp_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
