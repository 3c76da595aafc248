/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR_WIDTH = 32 };

void sp_progress_start(struct sp_progress *progress, const char *label, uint64_t total)
{
	memset(progress, 0, sizeof(*progress));
	progress->label = label;
	progress->total = total;
	progress->on = isatty(STDERR_FILENO);
}

void sp_progress_update(struct sp_progress *progress, uint64_t done, const char *note)
{
	uint64_t now = sp_clock_now();
	char bar[BAR_WIDTH + 1];
	uint64_t filled;

	if (!progress->on || now - progress->drawn_ns < 100 * SP_NS_PER_MS)
		return;
	progress->drawn_ns = now;
	if (!note)
		note = "";
	if (!progress->total) {
		fprintf(stderr, "\r%s %" PRIu64 " %s\033[K", progress->label, done, note);
		return;
	}
	if (done > progress->total)
		done = progress->total;
	filled = done * BAR_WIDTH / progress->total;
	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r%s [%s] %3u %% %s\033[K", progress->label, bar,
		(unsigned)(done * 100 / progress->total), note);
}

void sp_progress_end(struct sp_progress *progress)
{
	if (progress->on && progress->drawn_ns)
		fprintf(stderr, "\r\033[K");
}
