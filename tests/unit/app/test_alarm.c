/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms by an invented clock, and what missing packets are charged to. */
#include "app/alarm.h"

#include "app/causes.h"
#include "base/clock.h"
#include "capture/packet_source.h"
#include "frame/ledger.h"
#include "test.h"

static const struct sp_alarm_kind kind = { "foreign", "somebody else sends", "find them" };
static char line[SP_ALARM_LINE_MAX];

TEST(alarm_says_growth_at_once_and_once_a_minute)
{
	uint64_t counter = 0, now = 5 * SP_NS_PER_S;
	struct sp_alarm alarm;

	sp_alarm_init(&alarm, &kind, "port udp, queue 0", &counter);
	CHECK(!sp_alarm_look(&alarm, now, line));
	counter = 3;
	CHECK(sp_alarm_look(&alarm, now, line));
	CHECK_STR(line,
		  "port udp, queue 0: foreign: 3 more (3 in all): somebody else sends; find them");
	CHECK(!sp_alarm_look(&alarm, now, line));

	/* A flood says nothing for a minute, then how many. */
	for (int second = 1; second < 60; second++) {
		counter += 1000;
		CHECK(!sp_alarm_look(&alarm, now + (uint64_t)second * SP_NS_PER_S, line));
	}
	now += 60 * SP_NS_PER_S;
	CHECK(sp_alarm_look(&alarm, now, line));
	CHECK(strstr(line, ": 59000 more in 60 s (59003 in all)"));
	CHECK_EQ(alarm.count, 59003);
	CHECK_EQ(alarm.first_ns, 5 * SP_NS_PER_S);
	CHECK_EQ(alarm.last_ns, 64 * SP_NS_PER_S);
}

TEST(alarm_says_the_rest_of_a_flood_that_ended)
{
	uint64_t counter = 1, now = 1;
	struct sp_alarm alarm;

	sp_alarm_init(&alarm, &kind, "p", &counter);
	CHECK(sp_alarm_look(&alarm, now, line));
	counter = 8;
	CHECK(!sp_alarm_look(&alarm, now + 1, line));
	CHECK(!sp_alarm_look(&alarm, now + SP_ALARM_QUIET_NS - 1, line));
	CHECK(sp_alarm_look(&alarm, now + SP_ALARM_QUIET_NS, line));
	CHECK(strstr(line, ": 7 more in 60 s (8 in all)"));
	/* And then nothing, however long it is looked at. */
	CHECK(!sp_alarm_look(&alarm, now + 10 * SP_ALARM_QUIET_NS, line));
	/* What comes after a long silence is said at once. */
	counter = 9;
	CHECK(sp_alarm_look(&alarm, now + 20 * SP_ALARM_QUIET_NS, line));
	CHECK(strstr(line, ": 1 more in 1140 s (9 in all)"));
}

TEST(alarm_fits_its_line)
{
	char place[600];
	uint64_t counter = UINT64_MAX;
	struct sp_alarm alarm;

	memset(place, 'x', sizeof(place) - 1);
	place[sizeof(place) - 1] = '\0';
	sp_alarm_init(&alarm, &kind, place, &counter);
	CHECK(sp_alarm_look(&alarm, 1, line));
	CHECK_EQ(strlen(line), SP_ALARM_LINE_MAX - 1);
}

/* An alarm on a counter that nobody has would never ring. */
TEST(alarm_kinds_name_counters_that_exist)
{
	for (size_t i = 0; i < sp_alarm_port_kinds_n; i++)
		if (sp_alarm_counter_offset(&sp_alarm_port_kinds[i], sp_packet_counter_table,
					    sp_packet_counter_table_n) < 0)
			FAIL("no port counts %s", sp_alarm_port_kinds[i].counter);
	for (size_t i = 0; i < sp_alarm_stream_kinds_n; i++)
		if (sp_alarm_counter_offset(&sp_alarm_stream_kinds[i], sp_stream_counter_table,
					    sp_stream_counter_table_n) < 0)
			FAIL("no stream counts %s", sp_alarm_stream_kinds[i].counter);
	CHECK_EQ(sp_alarm_counter_offset(&kind, sp_packet_counter_table, sp_packet_counter_table_n),
		 offsetof(struct sp_packet_counters, foreign));
}

/* Every refusal of the port has an alarm. */
TEST(alarm_kinds_cover_every_refusal)
{
	static const char *const refusals[] = { "foreign",	"foreign_mac", "foreign_port",
						"foreign_vlan", "truncated",   "unknown_stream",
						"fragments",	"malformed" };

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		bool found = false;

		for (size_t k = 0; k < sp_alarm_port_kinds_n; k++)
			found = found || !strcmp(sp_alarm_port_kinds[k].counter, refusals[i]);
		if (!found)
			FAIL("%s has no alarm", refusals[i]);
	}
}

TEST(causes_add_up_to_what_is_missing)
{
	static const struct {
		uint64_t missing, unavailable, no_mbuf, ring_full, overflow;
		struct sp_causes want;
		const char *bound;
	} cases[] = {
		{ 0, 0, 0, 0, 0, { 0 }, "" },
		{ 10, 0, 0, 0, 0, { .total = 10, .network = 10 }, "" },
		{ 10,
		  4,
		  1,
		  2,
		  0,
		  { .total = 10,
		    .no_mbuf = 1,
		    .ring_full = 2,
		    .camera_unavailable = 4,
		    .network = 3 },
		  "no_mbuf, ring_full" },
		{ 10,
		  4,
		  0,
		  0,
		  8,
		  { .total = 10, .socket_overflow = 8, .camera_unavailable = 2 },
		  "socket_overflow" },
		/* More was dropped than is missing: it was no stream's, or came again. */
		{ 5,
		  9,
		  3,
		  7,
		  1,
		  { .total = 5, .no_mbuf = 3, .ring_full = 2 },
		  "no_mbuf, ring_full" },
		{ 0, 9, 3, 7, 1, { 0 }, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sp_packet_counters counters = {
			.no_mbuf = cases[i].no_mbuf,
			.ring_full = cases[i].ring_full,
			.socket_overflow = cases[i].overflow,
		};
		struct sp_causes c;
		json_t *json;

		sp_causes_charge(&c, cases[i].missing, cases[i].unavailable, &counters);
		if (memcmp(&c, &cases[i].want, sizeof(c)))
			FAIL("case %zu is charged otherwise", i);
		CHECK_EQ(c.total, c.no_mbuf + c.ring_full + c.socket_overflow +
					  c.camera_unavailable + c.network);
		json = sp_causes_json(&c);
		CHECK_STR(json_string_value(json_object_get(json, "bound")), cases[i].bound);
		CHECK_EQ(json_integer_value(json_object_get(json, "network")),
			 (long long)c.network);
		json_decref(json);
	}
}

TEST_MAIN()
