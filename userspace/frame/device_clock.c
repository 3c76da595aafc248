/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/device_clock.h"

#include <string.h>

#define MS 1000000ull
#define SECOND (1000 * MS)

/* Sixteen of them: long against the network's jitter, short against a crystal's changes. */
#define SPAN_MAX_NS (1 * SECOND)
/* Where leaders are seldom: a point as old as this says nothing of the clock of today. */
#define AGE_MAX_NS (64 * SECOND)
/* What a first line needs. */
enum { FIRST_POINTS = 4 };
#define FIRST_WINDOW_NS (10 * MS)
/* A slope from a window of this length is taken even after one from a longer window. */
#define REFIT_WINDOW_NS (4 * SECOND)
/* A line from a window of this length can tell strange leaders; these are so far from it. */
#define SETTLED_WINDOW_NS (1 * SECOND)
#define JUMP_NS (500 * MS)
/* So many strange leaders in a row, late ones for so long: a stalled host gets them in a heap. */
enum { STRANGE_MAX = 3 };
#define STRANGE_LATE_NS (1 * SECOND)
/* How far back times are asked for: blocks are closed much sooner. */
#define PAST_MAX_NS (2 * SECOND)
/* Crystals of camera and host together, with room to spare: 1000 ppm. */
#define DRIFT_DIVISOR 1000
/* Differences of ticks that a double holds exactly. */
#define TICKS_MAX (1ull << 53)

typedef struct sp_device_clock_point point_t;

void sp_device_clock_init(struct sp_device_clock *clock)
{
	memset(clock, 0, sizeof(*clock));
}

/* How much later than on a line with @slope through @from the leader @to came, ns. */
static double lateness(const point_t *from, const point_t *to, double slope)
{
	return (double)(int64_t)(to->ns - from->ns) -
	       (double)(int64_t)(to->ticks - from->ticks) * slope;
}

static uint64_t window_ns(const struct sp_device_clock *clock)
{
	return clock->points[clock->points_n - 1].ns - clock->points[0].ns;
}

static void drop_oldest(struct sp_device_clock *clock)
{
	clock->points_n--;
	memmove(clock->points, clock->points + 1, clock->points_n * sizeof(clock->points[0]));
}

/* Makes of each two spans one. */
static void widen(struct sp_device_clock *clock)
{
	const point_t *first = &clock->points[0], *last = &clock->points[clock->points_n - 1];
	double slope = clock->ns_per_tick;
	uint64_t span = window_ns(clock) / (SP_DEVICE_CLOCK_BINS / 2);

	if (slope == 0)
		slope = (double)(last->ns - first->ns) / (double)(last->ticks - first->ticks);
	for (unsigned int i = 0; i < SP_DEVICE_CLOCK_BINS / 2; i++) {
		const point_t *pair = &clock->points[2 * i];

		clock->points[i] = pair[lateness(&pair[0], &pair[1], slope) < 0];
	}
	clock->points_n = SP_DEVICE_CLOCK_BINS / 2;
	if (span < 2 * clock->span_ns)
		span = 2 * clock->span_ns;
	clock->span_ns = span < SPAN_MAX_NS ? span : SPAN_MAX_NS;
}

/* The lower convex hull. Products of two differences exceed 64 bits. */
static unsigned int lower_hull(const struct sp_device_clock *clock, const point_t **hull)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < clock->points_n; i++) {
		const point_t *c = &clock->points[i];

		while (n >= 2) {
			const point_t *a = hull[n - 2], *b = hull[n - 1];

			if ((__int128)(b->ns - a->ns) * (c->ticks - a->ticks) <
			    (__int128)(c->ns - a->ns) * (b->ticks - a->ticks))
				break;
			n--;
		}
		hull[n++] = c;
	}
	return n;
}

/* The hull's edge over the middle of the window, if it can be a clock's. */
static void fit_edge(struct sp_device_clock *clock)
{
	const point_t *hull[SP_DEVICE_CLOCK_BINS];
	unsigned int n = lower_hull(clock, hull), i = 1;
	uint64_t middle = clock->points[0].ns + window_ns(clock) / 2;

	while (i + 1 < n && hull[i]->ns < middle)
		i++;
	if (hull[i]->ns == hull[i - 1]->ns)
		return;
	clock->ns_per_tick = (double)(hull[i]->ns - hull[i - 1]->ns) /
			     (double)(hull[i]->ticks - hull[i - 1]->ticks);
	clock->fitted_ns = window_ns(clock);
}

static void fit(struct sp_device_clock *clock)
{
	uint64_t window = window_ns(clock);
	double error = 0;

	if (clock->points_n >= FIRST_POINTS && window >= FIRST_WINDOW_NS &&
	    (window >= clock->fitted_ns || window >= REFIT_WINDOW_NS))
		fit_edge(clock);
	if (clock->ns_per_tick == 0)
		return;
	/* Through the earliest: an end of that edge, or where an older slope touches the points. */
	clock->at = clock->points[0];
	for (unsigned int i = 1; i < clock->points_n; i++)
		if (lateness(&clock->at, &clock->points[i], clock->ns_per_tick) < 0)
			clock->at = clock->points[i];
	for (unsigned int i = 0; i < clock->points_n; i++) {
		double late = lateness(&clock->at, &clock->points[i], clock->ns_per_tick);

		if (late > error)
			error = late;
	}
	clock->error_ns = (uint64_t)error;
}

enum verdict { FITS, REPEATS, LATE, STRANGE };

/* Whether a leader can be of the clock that is being followed. */
static enum verdict judge(const struct sp_device_clock *clock, const point_t *point)
{
	const point_t *newest = &clock->newest;
	double late, room;

	if (!clock->points_n)
		return FITS;
	if (point->ticks == newest->ticks && point->ns >= newest->ns)
		return REPEATS; /* a clock coarser than the leaders are apart */
	if (point->ticks < newest->ticks || point->ns < newest->ns ||
	    point->ticks - newest->ticks > TICKS_MAX)
		return STRANGE;
	if (clock->fitted_ns < SETTLED_WINDOW_NS)
		return FITS;
	late = lateness(&clock->at, point, clock->ns_per_tick);
	room = (double)(JUMP_NS + (point->ns - newest->ns) / DRIFT_DIVISOR);
	return late > room ? LATE : late < -room ? STRANGE : FITS;
}

static void take(struct sp_device_clock *clock, const point_t *point)
{
	clock->newest = *point;
	if (clock->points_n && clock->span_ns &&
	    point->ns - clock->span_began_ns < clock->span_ns) {
		point_t *open = &clock->points[clock->points_n - 1];

		if (lateness(open, point, clock->ns_per_tick) >= 0)
			return;
		*open = *point;
	} else {
		while (clock->points_n && point->ns - clock->points[0].ns > AGE_MAX_NS)
			drop_oldest(clock);
		if (clock->points_n == SP_DEVICE_CLOCK_BINS) {
			if (clock->span_ns < SPAN_MAX_NS)
				widen(clock);
			else
				drop_oldest(clock);
		}
		clock->points[clock->points_n++] = *point;
		clock->span_began_ns = point->ns;
	}
	fit(clock);
}

void sp_device_clock_see(struct sp_device_clock *clock, uint64_t ticks, uint64_t ns)
{
	const point_t point = { ticks, ns };
	enum verdict verdict = judge(clock, &point);
	uint64_t restarts = clock->restarts;

	if (!ticks)
		return;
	clock->seen_ns = ns;
	if (verdict == REPEATS)
		return;
	if (verdict == FITS) {
		clock->strange_n = 0;
		take(clock, &point);
		return;
	}
	if (!clock->strange_n++)
		clock->strange_began_ns = ns;
	if (clock->strange_n < STRANGE_MAX)
		return;
	if (verdict == LATE && ns - clock->strange_began_ns < STRANGE_LATE_NS)
		return;
	sp_device_clock_init(clock);
	clock->restarts = restarts + 1;
	clock->seen_ns = ns;
	take(clock, &point);
}

bool sp_device_clock_at(const struct sp_device_clock *clock, uint64_t ticks, uint64_t *ret_ns)
{
	const point_t asked = { ticks, clock->seen_ns };
	double before, at;

	if (clock->ns_per_tick == 0)
		return false;
	/* How long before the last leader came. */
	before = lateness(&clock->at, &asked, clock->ns_per_tick);
	if (before > (double)PAST_MAX_NS || before < -(double)JUMP_NS)
		return false;
	at = (double)(int64_t)(ticks - clock->at.ticks) * clock->ns_per_tick;
	if (at > (double)INT64_MAX / 2 || -at > (double)clock->at.ns)
		return false;
	*ret_ns = clock->at.ns + (uint64_t)(int64_t)(at < 0 ? at - 0.5 : at + 0.5);
	return true;
}
