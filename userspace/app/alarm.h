/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alarms: counters of what is refused, watched. The first growth of one is said at once, in a line
 * that names the place, the counter, how many, what it may mean and what to do; what follows is
 * gathered, and said at most once in SP_ALARM_QUIET_NS.
 *
 * Pure: counters and time in, lines out. One thread looks; any thread reads struct sp_alarm's
 * numbers with sp_counter_read.
 */
#ifndef SP_APP_ALARM_H
#define SP_APP_ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_ALARM_QUIET_NS 60000000000ull

enum { SP_ALARM_LINE_MAX = 512 };

/* Why a counter is worth an alarm. */
struct sp_alarm_kind {
	const char *counter; /* its name, as in its counter table */
	const char *meaning; /* what it may mean */
	const char *remedy;
};

struct sp_alarm {
	const struct sp_alarm_kind *kind;
	const char *place; /* "lane lane-1, camera left (192.0.2.7)"; outlives the alarm */
	const uint64_t *counter;
	uint64_t count; /* of the counter as last seen; 0: the alarm never rang */
	uint64_t first_ns, last_ns; /* when it was seen to grow, CLOCK_MONOTONIC */
	/* The looking thread's. */
	uint64_t said; /* of count, in the last line */
	uint64_t said_ns;
};

void sp_alarm_init(struct sp_alarm *alarm, const struct sp_alarm_kind *kind, const char *place,
		   const uint64_t *counter);

/* True if there is something to say at @now_ns: the line is in @line, without a newline. */
bool sp_alarm_look(struct sp_alarm *alarm, uint64_t now_ns, char line[SP_ALARM_LINE_MAX]);

/*
 * The kinds that are watched: of a queue's packet source, of a stream. An entry whose counter is in
 * no table would never ring: sp_alarm_counter_offset says where it is, -1: nowhere.
 */
extern const struct sp_alarm_kind sp_alarm_port_kinds[], sp_alarm_stream_kinds[];
extern const size_t sp_alarm_port_kinds_n, sp_alarm_stream_kinds_n;

struct sp_counter;
long sp_alarm_counter_offset(const struct sp_alarm_kind *kind, const struct sp_counter *table,
			     size_t n);

#endif
