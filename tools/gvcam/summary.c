/* SPDX-License-Identifier: Apache-2.0 */
/* What a farm did, at its end. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/stats.h"
#include "gvcam/address.h"
#include "gvcam/farm.h"

#define STREAM(member, text) SP_COUNTER(struct gvcam_stream_stats, member, text)
#define CAMERA(member, text) SP_COUNTER(struct gvcam_camera_stats, member, text)

static const struct sp_counter stream_counters[] = {
	STREAM(frames, "Blocks that were gone through"),
	STREAM(sent, "Packets that left for the first time"),
	STREAM(bytes, "UDP payload bytes of all packets that left"),
	STREAM(dropped, "Packets lost on purpose"),
	STREAM(duplicated, "Second copies sent on purpose"),
	STREAM(reordered, "Packets that left after a later one of their block"),
	STREAM(requests, "Resend requests"),
	STREAM(resent, "Packets sent again"),
	STREAM(resend_dropped, "Packets sent again and lost on purpose"),
	STREAM(refused, "Packets asked for that were gone or beyond the limit"),
	STREAM(late, "Frames that began more than an interval late"),
	STREAM(failed, "Packets the system would not send"),
	STREAM(tests, "Test packets"),
};

static const struct sp_counter camera_counters[] = {
	CAMERA(commands, "Well-formed commands"),
	CAMERA(malformed, "Malformed commands"),
	CAMERA(denied, "Commands refused for want of privilege"),
	CAMERA(resend_strangers, "Resend requests that did not come from the stream's receiver"),
	CAMERA(heartbeats_lost, "Controllers given up"),
};

/* {"address":…} by kind; NULL where nothing is spoofed. */
static json_t *spoofed_json(const struct gvcam_farm *farm, uint32_t i)
{
	json_t *object = NULL;

	for (unsigned int kind = 0; kind < GVCAM_SPOOFS; kind++) {
		if (!(farm->config.spoofs.rate[kind] > 0))
			continue;
		if (!object)
			object = json_object();
		json_object_set_new(
			object, gvcam_spoof_names[kind],
			json_integer((json_int_t)farm->outlets[i].stream.stats.spoofed[kind]));
	}
	return object;
}

static void print_spoofed(const struct gvcam_farm *farm, FILE *out)
{
	for (unsigned int kind = 0; kind < GVCAM_SPOOFS; kind++) {
		uint64_t n = 0;

		if (!(farm->config.spoofs.rate[kind] > 0))
			continue;
		for (uint32_t i = 0; i < farm->config.n; i++)
			n += farm->outlets[i].stream.stats.spoofed[kind];
		fprintf(out, "spoofed %-9s  %" PRIu64 " packets\n", gvcam_spoof_names[kind], n);
	}
}

void gvcam_farm_print(const struct gvcam_farm *farm, FILE *out)
{
	char text[INET_ADDRSTRLEN];

	fprintf(out, "%-6s  %-15s  %8s  %10s  %8s  %8s  %9s  %8s  %8s  %8s  %6s\n", "camera",
		"address", "frames", "sent", "dropped", "doubled", "reordered", "resent", "refused",
		"failed", "late");
	for (uint32_t i = 0; i < farm->config.n; i++) {
		const struct gvcam_stream_stats *s = &farm->outlets[i].stream.stats;

		fprintf(out,
			"%-6u  %-15s  %8" PRIu64 "  %10" PRIu64 "  %8" PRIu64 "  %8" PRIu64
			"  %9" PRIu64 "  %8" PRIu64 "  %8" PRIu64 "  %8" PRIu64 "  %6" PRIu64 "\n",
			i, gvcam_address_text(farm->config.ips[i], text), s->frames, s->sent,
			s->dropped, s->duplicated, s->reordered, s->resent, s->refused, s->failed,
			s->late);
	}
	print_spoofed(farm, out);
}

json_t *gvcam_farm_json(const struct gvcam_farm *farm)
{
	json_t *cameras = json_array();
	char text[INET_ADDRSTRLEN];

	for (uint32_t i = 0; i < farm->config.n; i++) {
		json_t *camera = json_pack("{s:i, s:s}", "camera", (int)i, "address",
					   gvcam_address_text(farm->config.ips[i], text));
		json_t *spoofed = spoofed_json(farm, i);

		sp_stats_json(camera, stream_counters,
			      sizeof(stream_counters) / sizeof(stream_counters[0]),
			      &farm->outlets[i].stream.stats);
		sp_stats_json(camera, camera_counters,
			      sizeof(camera_counters) / sizeof(camera_counters[0]),
			      &farm->units[i].camera.stats);
		json_object_set_new(
			camera, "seconds",
			json_real((double)(farm->outlets[i].end_ns - farm->outlets[i].begin_ns) /
				  (double)SP_NS_PER_S));
		if (spoofed)
			json_object_set_new(camera, "spoofed", spoofed);
		json_array_append_new(cameras, camera);
	}
	return json_pack("{s:o}", "cameras", cameras);
}
