/* SPDX-License-Identifier: Apache-2.0 */
#include "app/alarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/stats.h"

const struct sp_alarm_kind sp_alarm_port_kinds[] = {
	{ "foreign", "another host sends to a camera's port, or a camera changed its address",
	  "find that host, or correct the camera's address in the configuration" },
	{ "foreign_mac", "another device uses a camera's IP address, or the camera was replaced",
	  "find that device, or correct the camera's mac in the configuration" },
	{ "foreign_port",
	  "another program of the camera's host sends, or the camera sends from another "
	  "port",
	  "correct source_port in the configuration, or leave it out" },
	{ "foreign_vlan", "packets come over another VLAN than the camera's",
	  "check the switch, or correct vlan in the configuration" },
	{ "unknown_stream",
	  "packets for a port that no stream has: a camera still sends to an instance "
	  "that ended, or somebody looks for ports",
	  "restart the camera" },
	{ "truncated", "packets are longer than packet_size allows",
	  "set packet_size to what the camera sends" },
	{ "fragments", "packets are longer than the path's MTU, or somebody forges fragments",
	  "lower packet_size, or raise the MTU of every switch and interface on the way" },
	{ "malformed", "headers that contradict themselves: a broken sender, or a forger",
	  "find the sender in a capture (`dumpcap`)" },
	{ "card_errors", "the card dropped broken packets: a bad cable or transceiver",
	  "look at `ethtool -S` and replace the cable" },
	{ "not_passed_on",
	  "control traffic was lost on its way to the kernel: too much of it comes",
	  "find its source in a capture of the exception device" },
};

const size_t sp_alarm_port_kinds_n = sizeof(sp_alarm_port_kinds) / sizeof(sp_alarm_port_kinds[0]);

const struct sp_alarm_kind sp_alarm_stream_kinds[] = {
	{ "foreign", "packets that are not from the camera came to its stream",
	  "find their sender in a capture" },
	{ "malformed", "datagrams that are no GVSP: a broken camera, or a forger",
	  "find the sender in a capture (tshark dissects GVSP)" },
	{ "stray",
	  "packets of blocks that are long closed or far ahead: replayed, forged, or the camera "
	  "began anew",
	  "if the camera did not restart, find the sender in a capture" },
	{ "surplus", "more bytes than width × height and extra_bytes hold",
	  "raise extra_bytes, or set width and height as the camera is set" },
	{ "bad_packet", "packets of a wrong length or with an error status",
	  "set packet_size to what the camera sends" },
	{ "block_discarded", "blocks with another geometry or payload than configured",
	  "set width, height and pixel_format as the camera is set" },
};

const size_t sp_alarm_stream_kinds_n = sizeof(sp_alarm_stream_kinds) /
				       sizeof(sp_alarm_stream_kinds[0]);

long sp_alarm_counter_offset(const struct sp_alarm_kind *kind, const struct sp_counter *table,
			     size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(table[i].name, kind->counter))
			return (long)table[i].offset;
	return -1;
}

void sp_alarm_init(struct sp_alarm *alarm, const struct sp_alarm_kind *kind, const char *place,
		   const uint64_t *counter)
{
	*alarm = (struct sp_alarm){
		.kind = kind,
		.place = place,
		.counter = counter,
	};
}

/* In order, so that who sees the count sees the times. */
static void note(uint64_t *number, uint64_t value)
{
	__atomic_store_n(number, value, __ATOMIC_RELEASE);
}

static void say(struct sp_alarm *alarm, uint64_t now_ns, char line[SP_ALARM_LINE_MAX])
{
	uint64_t more = alarm->count - alarm->said;
	char since[32] = "";

	if (alarm->said)
		snprintf(since, sizeof(since), " in %" PRIu64 " s",
			 (now_ns - alarm->said_ns) / 1000000000);
	snprintf(line, SP_ALARM_LINE_MAX, "%s: %s: %" PRIu64 " more%s (%" PRIu64 " in all): %s; %s",
		 alarm->place, alarm->kind->counter, more, since, alarm->count,
		 alarm->kind->meaning, alarm->kind->remedy);
	alarm->said = alarm->count;
	alarm->said_ns = now_ns;
}

bool sp_alarm_look(struct sp_alarm *alarm, uint64_t now_ns, char line[SP_ALARM_LINE_MAX])
{
	uint64_t count = sp_counter_read(alarm->counter);

	if (count > alarm->count) {
		if (!alarm->count)
			note(&alarm->first_ns, now_ns);
		note(&alarm->last_ns, now_ns);
		note(&alarm->count, count);
	}
	if (alarm->count == alarm->said ||
	    (alarm->said && now_ns - alarm->said_ns < SP_ALARM_QUIET_NS))
		return false;
	say(alarm, now_ns, line);
	return true;
}
