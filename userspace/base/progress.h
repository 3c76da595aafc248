/* SPDX-License-Identifier: Apache-2.0 */
/* A progress bar on stderr for long work; silent where stderr is no terminal. */
#ifndef SP_BASE_PROGRESS_H
#define SP_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct sp_progress {
	const char *label;
	uint64_t total; /* 0: unknown, a counter is shown instead of a bar */
	uint64_t drawn_ns;
	bool on;
};

void sp_progress_start(struct sp_progress *progress, const char *label, uint64_t total);
/* Draws at most ten times a second. @note (may be NULL) stands right of the bar. */
void sp_progress_update(struct sp_progress *progress, uint64_t done, const char *note);
/* Removes the bar. */
void sp_progress_end(struct sp_progress *progress);

#endif
