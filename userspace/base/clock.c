/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * SP_NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t sp_clock_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t sp_clock_utc(void)
{
	return read_clock(CLOCK_REALTIME);
}

void sp_clock_sleep_until(uint64_t when_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(when_ns / SP_NS_PER_S),
		.tv_nsec = (long)(when_ns % SP_NS_PER_S),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

char *sp_clock_format_utc(uint64_t utc_ns, char *text, size_t size)
{
	time_t seconds = (time_t)(utc_ns / SP_NS_PER_S);
	char date[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, size, "%s.%03uZ", date, (unsigned)(utc_ns / SP_NS_PER_MS % 1000));
	return text;
}

static int parse_age(const char *text, uint64_t now_utc_ns, uint64_t *ret_utc_ns)
{
	static const struct {
		char unit;
		uint64_t ns;
	} units[] = {
		{ 's', SP_NS_PER_S },
		{ 'm', 60 * SP_NS_PER_S },
		{ 'h', 3600 * SP_NS_PER_S },
		{ 'd', 86400 * SP_NS_PER_S },
	};
	unsigned long long count;
	uint64_t age;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	count = strtoull(text, &end, 10);
	if (errno || !*end || end[1])
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != *end)
			continue;
		if (__builtin_mul_overflow(count, units[i].ns, &age) || age > now_utc_ns)
			age = now_utc_ns;
		*ret_utc_ns = now_utc_ns - age;
		return 0;
	}
	return -EINVAL;
}

int sp_clock_parse_utc(const char *text, uint64_t now_utc_ns, uint64_t *ret_utc_ns)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, formats[i], &tm);
		double fraction = 0;
		time_t seconds;

		if (!end)
			continue;
		if (i == 0 && *end == '.')
			fraction = strtod(end, (char **)&end);
		/* ".5e9" is a number too. */
		if (!(fraction < 1))
			return -EINVAL;
		if (strcmp(end, "") && strcmp(end, "Z"))
			continue;
		seconds = timegm(&tm);
		if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / SP_NS_PER_S - 1)
			return -EINVAL;
		*ret_utc_ns = (uint64_t)seconds * SP_NS_PER_S + (uint64_t)(fraction * 1e9);
		return 0;
	}
	return parse_age(text, now_utc_ns, ret_utc_ns);
}
