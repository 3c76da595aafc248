/* SPDX-License-Identifier: Apache-2.0 */
#include "app/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/alarm.h"
#include "app/config.h"
#include "app/stages.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/stats.h"
#include "capture/packet_source.h"

enum { PLACE_MAX = 192 };

struct entry {
	struct sp_alarm alarm;
	bool is_stream;
	unsigned int number; /* of the queue, or of the stream */
};

struct sp_watch {
	char (*places)[PLACE_MAX]; /* of queues, then of streams */
	unsigned int n;
	struct entry entries[];
};

/* Sets an alarm on each kind whose counter @table has. */
static void set(struct sp_watch *watch, const struct sp_alarm_kind *kinds, size_t kinds_n,
		const struct sp_counter *table, size_t table_n, const void *counters,
		const struct entry *like)
{
	for (size_t i = 0; i < kinds_n; i++) {
		long offset = sp_alarm_counter_offset(&kinds[i], table, table_n);
		struct entry *entry = &watch->entries[watch->n];

		if (offset < 0)
			continue;
		*entry = *like;
		sp_alarm_init(&entry->alarm, &kinds[i], like->alarm.place,
			      (const uint64_t *)((const char *)counters + offset));
		watch->n++;
	}
}

static void set_queue(struct sp_watch *watch, const struct sp_pipeline *p, unsigned int i)
{
	const struct sp_packet_source *packets = p->queues[i].packets;
	const struct entry like = { .number = i, .alarm.place = watch->places[i] };

	snprintf(watch->places[i], PLACE_MAX, "port %s, queue %u", packets->ops->name, i);
	set(watch, sp_alarm_port_kinds, sp_alarm_port_kinds_n, sp_packet_counter_table,
	    sp_packet_counter_table_n, &packets->counters, &like);
}

static void set_stream(struct sp_watch *watch, const struct sp_pipeline *p, unsigned int i)
{
	const struct sp_pipeline_camera *camera = &p->cameras[i];
	char *place = watch->places[p->queues_n + i], address[INET_ADDRSTRLEN];
	const struct entry like = { .is_stream = true, .number = i, .alarm.place = place };
	const struct in_addr ip = { .s_addr = htonl(camera->ip) };

	snprintf(place, PLACE_MAX, "lane %.64s, camera %.64s (%s)",
		 p->config->lanes[camera->lane].name, camera->config->name,
		 inet_ntop(AF_INET, &ip, address, sizeof(address)));
	set(watch, sp_alarm_stream_kinds, sp_alarm_stream_kinds_n, sp_stream_counter_table,
	    sp_stream_counter_table_n, sp_pipeline_stream(p, i), &like);
}

int sp_watch_create(struct sp_pipeline *p, struct sp_watch **ret_watch, struct sp_err *err)
{
	size_t entries = p->queues_n * sp_alarm_port_kinds_n +
			 p->cameras_n * sp_alarm_stream_kinds_n;
	struct sp_watch *watch = calloc(1, sizeof(*watch) + entries * sizeof(watch->entries[0]));

	if (!watch)
		return sp_err_set(err, -ENOMEM, "out of memory");
	watch->places = calloc(p->queues_n + p->cameras_n, sizeof(*watch->places));
	if (!watch->places) {
		free(watch);
		return sp_err_set(err, -ENOMEM, "out of memory");
	}
	for (unsigned int i = 0; i < p->queues_n; i++)
		set_queue(watch, p, i);
	for (unsigned int i = 0; i < p->cameras_n; i++)
		set_stream(watch, p, i);
	*ret_watch = watch;
	return 0;
}

void sp_watch_destroy(struct sp_watch *watch)
{
	if (!watch)
		return;
	free(watch->places);
	free(watch);
}

void sp_watch_look(struct sp_watch *watch, uint64_t now_ns)
{
	char line[SP_ALARM_LINE_MAX];

	for (unsigned int i = 0; i < watch->n; i++)
		if (sp_alarm_look(&watch->entries[i].alarm, now_ns, line))
			sp_log(SP_LOG_WARNING, "%s", line);
}

json_t *sp_watch_json(const struct sp_watch *watch)
{
	uint64_t now = sp_clock_now(), utc = sp_clock_utc();
	json_t *array = json_array();
	char since[32], last[32];

	for (unsigned int i = 0; i < watch->n; i++) {
		const struct entry *entry = &watch->entries[i];
		const struct sp_alarm *alarm = &entry->alarm;
		uint64_t count = __atomic_load_n(&alarm->count, __ATOMIC_ACQUIRE);

		if (!count)
			continue;
		sp_clock_format_utc(utc - (now - sp_counter_read(&alarm->first_ns)), since,
				    sizeof(since));
		sp_clock_format_utc(utc - (now - sp_counter_read(&alarm->last_ns)), last,
				    sizeof(last));
		json_array_append_new(
			array,
			json_pack("{s:i, s:s, s:I, s:s, s:s}", entry->is_stream ? "stream" : "port",
				  (int)entry->number, "counter", alarm->kind->counter, "count",
				  (json_int_t)count, "since", since, "last", last));
	}
	return array;
}
