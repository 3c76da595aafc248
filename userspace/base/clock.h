/* SPDX-License-Identifier: Apache-2.0 */
/* Time: CLOCK_MONOTONIC inside the program; wall time only where a record or a person needs it. */
#ifndef SP_BASE_CLOCK_H
#define SP_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define SP_NS_PER_US 1000ull
#define SP_NS_PER_MS 1000000ull
#define SP_NS_PER_S 1000000000ull

/* CLOCK_MONOTONIC in nanoseconds. Pure code never calls this: it is handed now_ns. */
uint64_t sp_clock_now(void);

/* CLOCK_REALTIME in nanoseconds since 1970-01-01 UTC. */
uint64_t sp_clock_utc(void);

/* Sleeps until CLOCK_MONOTONIC reaches @when_ns; restarts after signals. */
void sp_clock_sleep_until(uint64_t when_ns);

/* "2026-11-23T14:05:09.123Z" of a UTC time; @size ≥ 25. Returns @text. */
char *sp_clock_format_utc(uint64_t utc_ns, char *text, size_t size);

/*
 * Reads a time as people write it: "2026-11-23T14:05:09Z" (also without seconds, or the date
 * alone; always UTC), or an age such as "90s", "15m", "12h", "3d" before @now_utc_ns.
 * 0, or -EINVAL.
 */
int sp_clock_parse_utc(const char *text, uint64_t now_utc_ns, uint64_t *ret_utc_ns);

#endif
