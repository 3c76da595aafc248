/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, pacing, faults and resends of a simulated stream; no sockets, own time. */
#include "gvcam/stream.h"

#include <sallyport/gvsp.h>

#include "base/clock.h"
#include "gvcam/pattern.h"
#include "gvsp_wire.h"
#include "test.h"
#include "wire/pfnc.h"

enum { WIDTH = 320, HEIGHT = 100, SCPS = 1000, DATA = SCPS - 36, MAX = 64 };
enum { PACKETS = (WIDTH * HEIGHT + DATA - 1) / DATA + 2 };

static struct gvcam_stream stream;
static struct gvcam_packet packets[MAX];
static uint8_t scratch[MAX][GVCAM_PACKET_MAX];
static struct gvcam_channel channel;
static uint64_t now_ns, next_ns;

static void setup(struct gvcam_stream_config config)
{
	for (unsigned int i = 0; i < MAX; i++)
		packets[i].scratch = scratch[i];
	if (!config.start_block)
		config.start_block = 1;
	gvcam_stream_uninit(&stream);
	CHECK_EQ(gvcam_stream_init(&stream, &config), 0);
	now_ns = SP_NS_PER_S;
	channel = (struct gvcam_channel){ .acquiring = true,
					  .starts = 1,
					  .ip = 0x7F000001,
					  .port = 5000,
					  .packet_size = SCPS,
					  .width = WIDTH,
					  .height = HEIGHT,
					  .pixel_format = SP_PFNC_MONO8,
					  .pattern = true,
					  .fps = 100,
					  .time_base_ns = now_ns };
	gvcam_stream_set_channel(&stream, &channel, now_ns);
}

static uint32_t fill(void)
{
	return gvcam_stream_fill(&stream, now_ns, packets, MAX, &next_ns);
}

static struct sp_gvsp_packet header_of(const struct gvcam_packet *packet)
{
	struct sp_gvsp_packet header;

	CHECK_EQ(sp_gvsp_parse(packet->head, packet->head_bytes, &header), 0);
	return header;
}

TEST(stream_sends_a_block_with_the_pattern_in_it)
{
	static uint8_t image[WIDTH * HEIGHT], want[WIDTH * HEIGHT];
	struct sp_gvsp_leader leader;
	struct sp_gvsp_trailer trailer;
	uint32_t n;

	setup((struct gvcam_stream_config){ .start_block = 65535 });
	n = fill();
	CHECK_EQ(n, PACKETS);
	CHECK_EQ(next_ns, now_ns + SP_NS_PER_S / 100);
	for (uint32_t i = 0; i < n; i++) {
		struct sp_gvsp_packet header = header_of(&packets[i]);

		CHECK_EQ(header.block_id, 65535);
		CHECK_EQ(header.packet_id, i);
		CHECK_EQ(header.status, 0);
		CHECK_EQ(header.format, i == 0	     ? GVSP_FORMAT_LEADER
					: i == n - 1 ? GVSP_FORMAT_TRAILER
						     : GVSP_FORMAT_PAYLOAD);
		if (i > 0 && i < n - 1) {
			CHECK(i == n - 2 || packets[i].data_bytes == DATA);
			memcpy(image + (i - 1) * DATA, packets[i].data, packets[i].data_bytes);
		}
	}
	gvcam_pattern_fill(SP_PFNC_MONO8, WIDTH, HEIGHT, 65535, 0, want, sizeof(want));
	CHECK(!memcmp(image, want, sizeof(want)));
	CHECK_EQ(sp_gvsp_parse_leader(packets[0].head + 8, packets[0].head_bytes - 8, &leader), 0);
	CHECK_EQ(leader.size_x, WIDTH);
	CHECK_EQ(leader.pixel_format, SP_PFNC_MONO8);
	CHECK_EQ(sp_gvsp_parse_trailer(packets[n - 1].head + 8, packets[n - 1].head_bytes - 8,
				       &trailer),
		 0);
	CHECK_EQ(trailer.size_y, HEIGHT);
	now_ns = next_ns;
	CHECK_EQ(fill(), PACKETS);
	CHECK_EQ(header_of(&packets[0]).block_id, 1); /* 65535 wraps to 1 */
	CHECK_EQ(stream.stats.frames, 2);
	CHECK_EQ(stream.stats.sent, 2 * PACKETS);
}

TEST(stream_ids_wrap_by_their_width)
{
	CHECK_EQ(gvcam_next_block_id(1, false), 2);
	CHECK_EQ(gvcam_next_block_id(65535, false), 1);
	CHECK_EQ(gvcam_next_block_id(65535, true), 65536);
	CHECK_EQ(gvcam_next_block_id(UINT64_MAX, true), 1);
}

TEST(stream_paces_packets_over_the_interval)
{
	uint64_t gap;
	uint32_t sent = 0;

	setup((struct gvcam_stream_config){ .pacing = 0.5 });
	gap = SP_NS_PER_S / 100 / 2 / PACKETS;
	for (; sent < PACKETS; sent++) {
		CHECK_EQ(fill(), 1);
		CHECK_EQ(header_of(&packets[0]).packet_id, sent);
		if (sent < PACKETS - 1)
			CHECK_NEAR((double)(next_ns - now_ns), (double)gap, 1);
		now_ns = next_ns;
	}
	CHECK_EQ(now_ns, SP_NS_PER_S + SP_NS_PER_S / 100);
	/* A packet delay beyond that slows the camera down. */
	channel.delay_ns = SP_NS_PER_MS;
	gvcam_stream_set_channel(&stream, &channel, now_ns);
	for (sent = 0; sent < PACKETS; sent++) {
		CHECK_EQ(fill(), 1);
		now_ns = next_ns;
	}
	CHECK_EQ(now_ns, SP_NS_PER_S + SP_NS_PER_S / 100 + PACKETS * SP_NS_PER_MS);
}

TEST(stream_counts_what_it_could_not_hold)
{
	setup((struct gvcam_stream_config){ 0 });
	fill();
	now_ns += SP_NS_PER_S; /* the sender slept */
	CHECK_EQ(fill(), PACKETS);
	CHECK_EQ(stream.stats.late, 1);
	CHECK_EQ(next_ns, now_ns + SP_NS_PER_S / 100); /* no burst to catch up */
}

TEST(stream_with_more_than_a_batch_comes_back_at_once)
{
	uint32_t total = 0, n;

	setup((struct gvcam_stream_config){ 0 });
	channel.starts++;
	channel.packet_size = 220;
	gvcam_stream_set_channel(&stream, &channel, now_ns);
	do {
		n = fill();
		total += n;
		if (n == MAX)
			CHECK(next_ns <= now_ns);
	} while (n == MAX);
	CHECK_EQ(total, (WIDTH * HEIGHT + 183) / 184 + 2);
	CHECK_EQ(next_ns, now_ns + SP_NS_PER_S / 100);
}

TEST(stream_sends_packets_again)
{
	struct sp_gvcp_resend want = { .block = 2, .first = 3, .last = GVCP_RESEND_TO_END };
	uint8_t image[WIDTH * HEIGHT];
	uint32_t n;

	setup((struct gvcam_stream_config){ 0 });
	for (unsigned int i = 0; i < 3; i++) {
		fill();
		now_ns = next_ns;
	}
	now_ns--;
	gvcam_stream_resend(&stream, &want);
	n = fill();
	CHECK_EQ(n, PACKETS - 3); /* the range ends with the block */
	gvcam_pattern_fill(SP_PFNC_MONO8, WIDTH, HEIGHT, 2, 0, image, sizeof(image));
	for (uint32_t i = 0; i < n; i++) {
		struct sp_gvsp_packet header = header_of(&packets[i]);

		CHECK_EQ(header.block_id, 2);
		CHECK_EQ(header.packet_id, 3 + i);
		CHECK_EQ(header.status, GVSP_STATUS_RESENT);
		CHECK(!memcmp(packets[i].data ? packets[i].data : image,
			      packets[i].data ? image + (2 + i) * DATA : image,
			      packets[i].data_bytes));
	}
	CHECK_EQ(stream.stats.resent, n);
	CHECK_EQ(stream.stats.refused, 0);
}

TEST(stream_refuses_what_it_has_not_and_limits_the_rest)
{
	struct sp_gvcp_resend want = { .block = 700, .first = 4, .last = 6 };
	struct sp_gvsp_packet header;
	uint32_t total = 0, n;

	setup((struct gvcam_stream_config){ 0 });
	fill();
	gvcam_stream_resend(&stream, &want);
	CHECK_EQ(fill(), 3);
	header = header_of(&packets[0]);
	CHECK_EQ(header.status, GVSP_STATUS_UNAVAILABLE);
	CHECK_EQ(header.block_id, 700);
	CHECK_EQ(header.packet_id, 4);
	CHECK_EQ(packets[0].head_bytes, 8);
	CHECK_EQ(packets[0].data_bytes, 0);
	CHECK_EQ(stream.stats.refused, 3);
	/* A flood of requests for everything gets two frames' worth and a little, no more. */
	for (unsigned int i = 0; i < 400; i++) {
		want = (struct sp_gvcp_resend){ .block = 1,
						.first = 0,
						.last = GVCP_RESEND_TO_END };
		gvcam_stream_resend(&stream, &want);
	}
	while ((n = fill()))
		total += n;
	CHECK(total <= 2 * PACKETS + 256);
	CHECK(total >= 2 * PACKETS);
	CHECK(stream.stats.refused > 100);
	/* And what was not sent yet is not sent twice. */
	CHECK_EQ(stream.requests_at, stream.requests_n);
}

TEST(stream_waits_with_packets_whose_turn_has_not_come)
{
	struct sp_gvcp_resend want = { .block = 1, .first = 0, .last = GVCP_RESEND_TO_END };

	setup((struct gvcam_stream_config){ .pacing = 1 });
	CHECK_EQ(fill(), 1);
	gvcam_stream_resend(&stream, &want);
	CHECK_EQ(fill(), 1); /* the leader, again */
	CHECK_EQ(header_of(&packets[0]).packet_id, 0);
	CHECK_EQ(header_of(&packets[0]).status, GVSP_STATUS_RESENT);
	CHECK_EQ(fill(), 0);
}

TEST(stream_faults_are_counted)
{
	struct gvcam_faults faults = { .loss = 0.1, .duplicate = 0.1, .reorder = 8, .seed = 5 };
	static unsigned int seen[PACKETS];
	unsigned int packets_left = 0, disorder = 0;

	setup((struct gvcam_stream_config){ .faults = faults });
	for (unsigned int b = 1; b <= 50; b++) {
		uint32_t highest = 0;

		for (uint32_t n = fill(); n; n = fill())
			for (uint32_t i = 0; i < n; i++) {
				struct sp_gvsp_packet header = header_of(&packets[i]);

				CHECK_EQ(header.block_id, b);
				seen[header.packet_id]++;
				packets_left++;
				disorder += header.packet_id < highest;
				if (header.packet_id > highest)
					highest = header.packet_id;
			}
		now_ns = next_ns;
	}
	CHECK_EQ(stream.stats.frames, 50);
	CHECK_EQ(stream.stats.sent + stream.stats.dropped, 50 * PACKETS);
	CHECK_EQ(stream.stats.sent + stream.stats.duplicated, packets_left);
	CHECK(stream.stats.dropped > 50 && stream.stats.duplicated > 50);
	CHECK(stream.stats.reordered > 100 && disorder >= stream.stats.reordered);
}

TEST(stream_stops_starts_anew_and_ends)
{
	setup((struct gvcam_stream_config){ .frames = 3 });
	CHECK_EQ(fill(), PACKETS);
	channel.acquiring = false;
	gvcam_stream_set_channel(&stream, &channel, now_ns);
	now_ns += SP_NS_PER_S;
	CHECK_EQ(fill(), 0);
	CHECK_EQ(next_ns, UINT64_MAX);
	channel.acquiring = true;
	channel.starts = 2;
	gvcam_stream_set_channel(&stream, &channel, now_ns);
	CHECK_EQ(fill(), PACKETS);
	CHECK_EQ(header_of(&packets[0]).block_id, 2); /* ids go on */
	CHECK_EQ(stream.finished, 0);
	now_ns = next_ns;
	CHECK_EQ(fill(), PACKETS);
	CHECK_EQ(stream.finished, 2);
	now_ns += SP_NS_PER_S;
	CHECK_EQ(fill(), 0);
	/* The frames of --frames are used up: a third start ends at once. */
	channel.starts = 3;
	gvcam_stream_set_channel(&stream, &channel, now_ns);
	CHECK_EQ(fill(), 0);
	CHECK_EQ(stream.finished, 3);
}

/* Told to stop within a block: it is finished while the channel is open, cut when it closes. */
TEST(stream_finishes_its_block_before_it_stops)
{
	for (int closes = 0; closes < 2; closes++) {
		uint32_t sent = 0;

		setup((struct gvcam_stream_config){ .pacing = 0.5 });
		for (; sent < PACKETS / 2; sent++) {
			CHECK_EQ(fill(), 1);
			now_ns = next_ns;
		}
		channel.acquiring = false;
		gvcam_stream_set_channel(&stream, &channel, now_ns);
		if (closes) {
			channel.port = 0;
			gvcam_stream_set_channel(&stream, &channel, now_ns);
		}
		while (fill()) {
			CHECK_EQ(header_of(&packets[0]).packet_id, sent);
			sent++;
			now_ns = next_ns == UINT64_MAX ? now_ns : next_ns;
		}
		CHECK_EQ(sent, closes ? PACKETS / 2 : PACKETS);
		CHECK_EQ(stream.stats.frames, !closes);
		CHECK_EQ(next_ns, UINT64_MAX);
	}
}

TEST(stream_of_a_single_frame_ends_after_it)
{
	setup((struct gvcam_stream_config){ 0 });
	channel.starts = 2;
	channel.frame_limit = 1;
	gvcam_stream_set_channel(&stream, &channel, now_ns);
	CHECK_EQ(fill(), PACKETS);
	now_ns += SP_NS_PER_S;
	CHECK_EQ(fill(), 0);
	CHECK_EQ(stream.finished, 2);
}

TEST(stream_can_use_extended_ids)
{
	struct sp_gvcp_resend want = { .extended = true, .block = 70000, .first = 1, .last = 1 };
	struct sp_gvsp_packet header;

	setup((struct gvcam_stream_config){ .start_block = 70000 });
	channel.starts = 2;
	channel.extended_ids = true;
	stream.next_id = 70000;
	gvcam_stream_set_channel(&stream, &channel, now_ns);
	CHECK(fill() > 2);
	header = header_of(&packets[1]);
	CHECK(header.extended);
	CHECK_EQ(header.block_id, 70000);
	CHECK_EQ(packets[1].data_bytes, SCPS - 48);
	gvcam_stream_resend(&stream, &want);
	CHECK_EQ(fill(), 1);
	header = header_of(&packets[0]);
	CHECK_EQ(header.flags, GVSP_FLAG_RESENT);
	CHECK_EQ(header.status, GVSP_STATUS_RESENT);
}

/* Blocks of other shapes follow each other, whole by their own leaders, and come again so. */
TEST(stream_changes_shape_and_sends_again_what_it_was)
{
	struct gvcam_variety variety = { .seed = 6, .change_every = 3, .lines = true };
	struct sp_gvsp_leader leaders[13];
	unsigned int changes = 0;

	printf("# seed 6\n");
	setup((struct gvcam_stream_config){ .variety = variety });
	for (unsigned int b = 1; b <= 12; b++) {
		struct sp_gvsp_trailer trailer;
		uint64_t bytes = 0;
		uint32_t n = fill();

		CHECK_EQ(sp_gvsp_parse_leader(packets[0].head + 8, packets[0].head_bytes - 8,
					      &leaders[b]),
			 0);
		CHECK_EQ(sp_gvsp_parse_trailer(packets[n - 1].head + 8,
					       packets[n - 1].head_bytes - 8, &trailer),
			 0);
		CHECK_EQ(header_of(&packets[n - 1]).packet_id, n - 1);
		for (uint32_t i = 1; i < n - 1; i++)
			bytes += packets[i].data_bytes;
		CHECK_EQ(bytes, sp_pfnc_image_bytes(leaders[b].pixel_format, leaders[b].size_x,
						    trailer.size_y));
		CHECK(trailer.size_y <= leaders[b].size_y);
		changes += b > 1 && leaders[b].size_x != leaders[b - 1].size_x;
		now_ns = next_ns;
	}
	CHECK_EQ(changes, 3);
	now_ns--;
	for (unsigned int b = 1; b <= 12; b++) {
		struct sp_gvcp_resend want = { .block = b, .first = 0, .last = 0 };
		struct sp_gvsp_leader leader;

		gvcam_stream_resend(&stream, &want);
		CHECK_EQ(fill(), 1);
		CHECK_EQ(sp_gvsp_parse_leader(packets[0].head + 8, packets[0].head_bytes - 8,
					      &leader),
			 0);
		CHECK_EQ(leader.timestamp, leaders[b].timestamp);
		CHECK_EQ(leader.pixel_format, leaders[b].pixel_format);
		CHECK_EQ(leader.size_x, leaders[b].size_x);
		CHECK_EQ(leader.size_y, leaders[b].size_y);
	}
}

/* The good packets are those of a stream without spoofers, in the same order. */
TEST(stream_spoofs_beside_the_good_packets)
{
	struct gvcam_spoofs spoofs = { .seed = 3 };
	uint64_t spoofed = 0, total = 0, good = 0;

	for (unsigned int i = 0; i < GVCAM_SPOOFS; i++)
		spoofs.rate[i] = 0.3;
	printf("# seed 3\n");
	setup((struct gvcam_stream_config){ .spoofs = spoofs });
	for (unsigned int b = 1; b <= 40; b++) {
		uint32_t next = 0;

		for (uint32_t n = fill(); n; n = fill())
			for (uint32_t i = 0; i < n; i++) {
				static uint8_t want[DATA];
				struct sp_gvsp_packet header;

				total++;
				if (sp_gvsp_parse(packets[i].head, packets[i].head_bytes,
						  &header) ||
				    header.block_id != b || header.packet_id != next ||
				    packets[i].way != GVCAM_WAY_OWN)
					continue;
				/* Nothing with these ids came before it from here. */
				if (header.format == GVSP_FORMAT_PAYLOAD) {
					gvcam_pattern_fill(SP_PFNC_MONO8, WIDTH, HEIGHT, b,
							   (uint64_t)(next - 1) * DATA, want,
							   packets[i].data_bytes);
					CHECK(!memcmp(packets[i].data, want,
						      packets[i].data_bytes));
				}
				next++;
				good++;
			}
		CHECK_EQ(next, PACKETS);
		now_ns = next_ns;
	}
	CHECK_EQ(stream.stats.sent, 40 * PACKETS);
	CHECK_EQ(good, 40 * PACKETS);
	for (unsigned int i = 0; i < GVCAM_SPOOFS; i++) {
		spoofed += stream.stats.spoofed[i];
		CHECK_NEAR(stream.stats.spoofed[i], 0.3 * 40 * PACKETS, 0.05 * 40 * PACKETS);
	}
	CHECK_EQ(total, good + spoofed);
}

TEST_MAIN()
