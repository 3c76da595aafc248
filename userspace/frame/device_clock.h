/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a camera's ticks to CLOCK_MONOTONIC: a line fitted to what leaders say and when they came.
 *
 * A leader can only come late (queues, interrupts, naps), never early. So the line lies under the
 * points: of each of the last SP_DEVICE_CLOCK_BINS spans of time only the earliest arrival counts,
 * and the line is the lower edge of their convex hull over the middle of the window. What it gives
 * is when the leader would have come over an idle path: exposures of all cameras can be ordered by
 * it, and its jitter is the clock's, not the network's.
 *
 * Spans grow with the window, from one leader to a second. What is promised: the line is nowhere
 * above a point of the window, so the time given for the leader that was just seen is not after its
 * arrival; times rise with ticks as long as the line stays. A refit moves the line by no more than
 * the early arrivals disagree: from the second second on the times of leaders that are further
 * apart rise too. A path that becomes longer or shorter, or a clock that is set, by less than half
 * a second is followed within a window; by more, it is another clock and begun anew. Ticks are cut
 * off to whole ones: times are of the moment that the tick began.
 *
 * Pure; for the capture thread. No memory, no floating point across ticks beyond 2^53.
 */
#ifndef SP_FRAME_DEVICE_CLOCK_H
#define SP_FRAME_DEVICE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { SP_DEVICE_CLOCK_BINS = 16 };

struct sp_device_clock_point {
	uint64_t ticks, ns;
};

struct sp_device_clock {
	/* The earliest arrival of each span, oldest first. Both values rise. */
	struct sp_device_clock_point points[SP_DEVICE_CLOCK_BINS];
	unsigned int points_n;
	uint64_t span_ns; /* 0: each leader is a span */
	uint64_t span_began_ns;
	struct sp_device_clock_point newest; /* of the leaders that fit */
	uint64_t seen_ns; /* when the last leader came, of any kind */
	double ns_per_tick; /* of the line; 0: not known yet */
	uint64_t fitted_ns; /* the window that it was fitted to */
	struct sp_device_clock_point at; /* a point of the line */
	uint64_t error_ns; /* largest distance of a point of the window above the line */
	/* Leaders in a row that cannot be of this line. */
	unsigned int strange_n;
	uint64_t strange_began_ns;
	uint64_t restarts; /* ticks ran back, or the line left the points: begun anew */
};

void sp_device_clock_init(struct sp_device_clock *clock);

/* A leader with @ticks (not 0) came at @ns. */
void sp_device_clock_see(struct sp_device_clock *clock, uint64_t ticks, uint64_t ns);

/*
 * When, on CLOCK_MONOTONIC, the device's clock showed @ticks. False while the line is not known,
 * and for ticks that are not near the last leader's arrival (two seconds before to half a second
 * after): those of a clock that was just reset.
 */
bool sp_device_clock_at(const struct sp_device_clock *clock, uint64_t ticks, uint64_t *ret_ns);

#endif
