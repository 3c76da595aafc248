/* SPDX-License-Identifier: Apache-2.0 */
/* The packet source that reads capture files: files that this test writes, and a real one. */
#include "capture/packet_source.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/region.h"
#include "test.h"

enum { BURST = 32, CAMERA = 0x0A000001, OTHER_CAMERA = 0x0A000003, HOST = 0x0A000002 };
enum { LINK_ETHERNET = 1, LINK_RAW = 101, LINK_802_11 = 105 };

#define EPOCH_S 1795444410u

/* A capture file of the old format with stamps in ns. */
struct capture {
	char path[64];
	FILE *file;
};

static void put32(struct capture *c, uint32_t value)
{
	CHECK_EQ(fwrite(&value, 4, 1, c->file), 1);
}

static void begin(struct capture *c, uint32_t link)
{
	int fd;

	strcpy(c->path, "/tmp/sallyport-test-XXXXXX");
	fd = mkstemp(c->path);
	CHECK(fd >= 0);
	c->file = fdopen(fd, "wb");
	CHECK(c->file);
	put32(c, 0xA1B23C4D);
	put32(c, 2 | 4 << 16);
	put32(c, 0);
	put32(c, 0);
	put32(c, 262144);
	put32(c, link);
}

static void put_record(struct capture *c, uint64_t at_ns, const void *bytes, uint32_t captured,
		       uint32_t wire)
{
	put32(c, EPOCH_S + (uint32_t)(at_ns / SP_NS_PER_S));
	put32(c, (uint32_t)(at_ns % SP_NS_PER_S));
	put32(c, captured);
	put32(c, wire);
	CHECK_EQ(fwrite(bytes, 1, captured, c->file), captured);
}

static void put_be(uint8_t *at, uint32_t value, int n)
{
	for (int i = 0; i < n; i++)
		at[i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

/* Payload: @number, then @length - 4 bytes of it. Returns the packet's bytes. */
static uint32_t make_packet(uint8_t *bytes, uint32_t from, uint16_t port, uint32_t number,
			    uint32_t length)
{
	memset(bytes, 0, 28);
	bytes[0] = 0x45;
	put_be(bytes + 2, 28 + length, 2);
	bytes[9] = 17;
	put_be(bytes + 12, from, 4);
	put_be(bytes + 16, HOST, 4);
	put_be(bytes + 20, 3956, 2);
	put_be(bytes + 22, port, 2);
	put_be(bytes + 24, 8 + length, 2);
	memset(bytes + 28, (int)number, length);
	if (length >= 4)
		memcpy(bytes + 28, &number, 4);
	return 28 + length;
}

static void put_packet(struct capture *c, uint64_t at_ns, uint32_t from, uint16_t port,
		       uint32_t number, uint32_t length)
{
	uint8_t bytes[2048];
	uint32_t n = make_packet(bytes, from, port, number, length);

	put_record(c, at_ns, bytes, n, n);
}

static struct sp_packet_source *open_file(const char *path, double speed, unsigned int buffers,
					  unsigned int buffer_size)
{
	const struct sp_replay_config config = {
		.path = path,
		.speed = speed,
		.buffers = buffers,
		.buffer_size = buffer_size,
	};
	struct sp_packet_source *source;
	struct sp_err err;
	int error = sp_replay_open(&config, &source, &err);

	if (error == -ENOSYS)
		SKIP("built without libpcap");
	if (error)
		FAIL("%s", err.text);
	return source;
}

static struct sp_packet_source *end(struct capture *c, double speed, unsigned int buffers)
{
	fclose(c->file);
	return open_file(c->path, speed, buffers, 1464);
}

static void add(struct sp_packet_source *source, uint16_t port, uint32_t camera_ip)
{
	const struct sp_packet_stream stream = {
		.fd = -1,
		.host_port = port,
		.camera_ip = camera_ip,
	};
	struct sp_err err;

	CHECK_EQ(source->ops->add_stream(source, &stream, &err), 0);
}

static void close_source(struct sp_packet_source *source, struct capture *c)
{
	source->ops->close(source);
	unlink(c->path);
}

TEST(packets_come_with_their_stamps_to_their_streams)
{
	struct sp_packet packets[BURST];
	uint32_t next[2] = { 0 }, got = 0;
	struct sp_packet_source *source;
	struct capture c;

	begin(&c, LINK_RAW);
	for (uint32_t i = 0; i < 200; i++)
		put_packet(&c, i * SP_NS_PER_MS, i % 2 ? CAMERA : OTHER_CAMERA,
			   (uint16_t)(5000 + i % 2), i, 4 + i * 7 % 1460);
	source = end(&c, 0, 8);
	add(source, 5000, 0);
	add(source, 5001, CAMERA);
	CHECK(source->patient);
	CHECK_EQ(source->ops->now(source), EPOCH_S * SP_NS_PER_S);
	for (;;) {
		int n = source->ops->receive(source, packets, BURST, SP_NS_PER_MS / 4);

		if (n == -ENODATA)
			break;
		CHECK(n >= 0);
		for (int i = 0; i < n; i++) {
			const struct sp_packet *p = &packets[i];
			uint32_t number = next[p->stream]++ * 2 + p->stream;
			uint8_t bytes[2048];

			CHECK_EQ(p->source_ip, p->stream ? CAMERA : OTHER_CAMERA);
			CHECK_EQ(p->rx_ns, EPOCH_S * SP_NS_PER_S + number * SP_NS_PER_MS);
			CHECK_EQ(p->offset % 64, 56);
			CHECK_EQ(p->length, 4 + number * 7 % 1460);
			make_packet(bytes, 0, 0, number, p->length);
			CHECK(!memcmp(source->region->base + p->offset, bytes + 28, p->length));
			CHECK_EQ(source->ops->now(source), packets[n - 1].rx_ns);
			source->ops->release(source, &p->token, 1);
			got++;
		}
	}
	CHECK_EQ(got, 200);
	CHECK_EQ(source->counters.received, 200);
	/* For good. */
	CHECK_EQ(source->ops->receive(source, packets, BURST, SP_NS_PER_MS), -ENODATA);
	close_source(source, &c);
}

TEST(what_is_not_wanted_is_counted)
{
	struct sp_packet packets[BURST];
	struct sp_packet_source *source;
	uint8_t bytes[2048];
	struct capture c;
	uint32_t size;

	begin(&c, LINK_RAW);
	put_packet(&c, 0, OTHER_CAMERA, 5000, 0, 100); /* foreign */
	put_packet(&c, 0, CAMERA, 5001, 0, 100);       /* unknown stream */
	put_packet(&c, 0, CAMERA, 5000, 0, 1465);      /* too long */
	size = make_packet(bytes, CAMERA, 5000, 0, 100);
	put_record(&c, 0, bytes, size - 1, size); /* cut: truncated */
	put_record(&c, 0, bytes, 0, size);	  /* cut to nothing: truncated */
	put_record(&c, 0, bytes, 27, 27);	  /* malformed */
	bytes[6] = 0x20;
	put_record(&c, 0, bytes, size, size); /* fragment */
	bytes[6] = 0;
	bytes[9] = 6;
	put_record(&c, 0, bytes, size, size); /* TCP: other */
	put_packet(&c, 0, CAMERA, 5000, 1, 1464);
	source = end(&c, 0, 8);
	add(source, 5000, CAMERA);
	CHECK_EQ(source->ops->receive(source, packets, BURST, SP_NS_PER_MS), 1);
	CHECK_EQ(packets[0].length, 1464);
	CHECK_EQ(source->ops->receive(source, packets, BURST, SP_NS_PER_MS), -ENODATA);
	CHECK_EQ(source->counters.received, 1);
	CHECK_EQ(source->counters.foreign, 1);
	CHECK_EQ(source->counters.unknown_stream, 1);
	CHECK_EQ(source->counters.truncated, 3);
	CHECK_EQ(source->counters.malformed, 1);
	CHECK_EQ(source->counters.fragments, 1);
	CHECK_EQ(source->counters.other, 1);
	close_source(source, &c);
}

/* An empty receive lets no more than its timeout pass, and never passes over a packet. */
TEST(time_passes_in_the_steps_of_the_caller)
{
	struct sp_packet packets[BURST];
	struct sp_packet_source *source;
	uint64_t begin_ns = EPOCH_S * SP_NS_PER_S;
	unsigned int empty = 0;
	struct capture c;
	int n;

	begin(&c, LINK_RAW);
	put_packet(&c, 0, CAMERA, 5000, 0, 4);
	put_packet(&c, 100 * SP_NS_PER_MS, CAMERA, 5000, 1, 4);
	put_packet(&c, 50 * SP_NS_PER_MS, CAMERA, 5000, 2, 4);		  /* back in time */
	put_packet(&c, 400000000 * SP_NS_PER_S, CAMERA, 5000, 3, 4); /* years on */
	source = end(&c, 0, 8);
	add(source, 5000, CAMERA);
	CHECK_EQ(source->ops->receive(source, packets, BURST, 10 * SP_NS_PER_MS), 1);
	while (!(n = source->ops->receive(source, packets, BURST, 10 * SP_NS_PER_MS)))
		CHECK_EQ(source->ops->now(source), begin_ns + ++empty * 10 * SP_NS_PER_MS);
	CHECK_EQ(empty, 9);
	/* The stamp that runs back is held at the one before. */
	CHECK_EQ(n, 2);
	CHECK_EQ(packets[0].rx_ns, begin_ns + 100 * SP_NS_PER_MS);
	CHECK_EQ(packets[1].rx_ns, packets[0].rx_ns);
	for (empty = 0; !(n = source->ops->receive(source, packets, BURST, 0)); empty++)
		CHECK(empty < 1000000);
	CHECK_EQ(n, 1);
	CHECK_EQ(packets[0].rx_ns, begin_ns + 400000000 * SP_NS_PER_S);
	close_source(source, &c);
}

TEST(nothing_is_lost_for_want_of_buffers)
{
	struct sp_packet held[2 * BURST];
	struct sp_packet_source *source;
	unsigned int got = 0;
	struct capture c;
	uint64_t now_ns;

	begin(&c, LINK_RAW);
	for (uint32_t i = 0; i < 20; i++)
		put_packet(&c, i, CAMERA, 5000, i, 4);
	source = end(&c, 0, 8);
	add(source, 5000, CAMERA);
	CHECK_EQ(source->ops->receive(source, held, BURST, SP_NS_PER_MS), 8);
	now_ns = source->ops->now(source);
	for (int i = 1; i < 4; i++) {
		CHECK_EQ(source->ops->receive(source, held + 8, BURST, SP_NS_PER_MS), 0);
		CHECK_EQ(source->ops->now(source), now_ns + (uint64_t)i * SP_NS_PER_MS);
	}
	CHECK_EQ(source->counters.no_buffer, 1);
	for (got = 0; got < 20;) {
		uint32_t number;
		int n = 8;

		for (int i = 0; i < n; i++) {
			memcpy(&number, source->region->base + held[i].offset, 4);
			CHECK_EQ(number, got++);
			source->ops->release(source, &held[i].token, 1);
		}
		if (got == 16)
			break;
		CHECK_EQ(source->ops->receive(source, held, BURST, SP_NS_PER_MS), 8);
	}
	CHECK_EQ(source->ops->receive(source, held, BURST, SP_NS_PER_MS), 4);
	CHECK_EQ(source->ops->receive(source, held, BURST, SP_NS_PER_MS), -ENODATA);
	close_source(source, &c);
}

/* At twice the wire's pace 60 ms take 30 at least; more is the machine's business. */
TEST(wire_time_is_kept)
{
	struct sp_packet packets[BURST];
	struct sp_packet_source *source;
	uint64_t start;
	struct capture c;
	int n, got = 0;

	begin(&c, LINK_RAW);
	for (uint32_t i = 0; i <= 6; i++)
		put_packet(&c, i * 10 * SP_NS_PER_MS, CAMERA, 5000, i, 4);
	source = end(&c, 2, 8);
	add(source, 5000, CAMERA);
	CHECK(!source->patient);
	start = sp_clock_now();
	while ((n = source->ops->receive(source, packets, BURST, got % 2 ? SP_NS_PER_MS : 0)) >= 0)
		got += n;
	CHECK_EQ(n, -ENODATA);
	CHECK_EQ(got, 7);
	CHECK(sp_clock_now() - start >= 30 * SP_NS_PER_MS);
	CHECK_EQ(source->ops->now(source), EPOCH_S * SP_NS_PER_S + 60 * SP_NS_PER_MS);
	close_source(source, &c);
}

TEST(a_file_cut_off_ends_where_it_is_cut)
{
	struct sp_packet packets[BURST];
	struct sp_packet_source *source;
	struct capture c;

	begin(&c, LINK_RAW);
	put_packet(&c, 0, CAMERA, 5000, 0, 100);
	put_packet(&c, 0, CAMERA, 5000, 1, 100);
	fflush(c.file);
	CHECK_EQ(ftruncate(fileno(c.file), ftell(c.file) - 10), 0);
	sp_log_set_level(SP_LOG_ERROR);
	source = end(&c, 0, 8);
	add(source, 5000, 0);
	CHECK_EQ(source->ops->receive(source, packets, BURST, SP_NS_PER_MS), 1);
	CHECK_EQ(source->ops->receive(source, packets, BURST, SP_NS_PER_MS), -ENODATA);
	sp_log_set_level(SP_LOG_WARNING);
	CHECK_EQ(source->counters.malformed, 1);
	close_source(source, &c);
}

TEST(a_file_without_packets_is_at_its_end)
{
	struct sp_packet packets[BURST];
	struct sp_packet_source *source;
	struct capture c;

	begin(&c, LINK_ETHERNET);
	source = end(&c, 1, 8);
	CHECK_EQ(source->ops->receive(source, packets, BURST, SP_NS_PER_MS), -ENODATA);
	close_source(source, &c);
}

static int open_error(const char *path, double speed, struct sp_err *err)
{
	const struct sp_replay_config config = {
		.path = path,
		.speed = speed,
		.buffers = 8,
		.buffer_size = 1500,
	};
	struct sp_packet_source *source = NULL;
	int error = sp_replay_open(&config, &source, err);

	if (error == -ENOSYS)
		SKIP("built without libpcap");
	CHECK(!source);
	return error;
}

TEST(what_cannot_be_replayed_says_why)
{
	struct sp_err err;
	struct capture c;

	CHECK_EQ(open_error("/nonexistent.pcap", 0, &err), -ENOENT);
	CHECK(strstr(err.text, "/nonexistent.pcap: No such file"));
	CHECK_EQ(open_error("/proc/self/exe", 0, &err), -EINVAL);
	CHECK(strstr(err.text, "; give a pcap"));
	CHECK_EQ(open_error("x", -1, &err), -EINVAL);
	begin(&c, LINK_802_11);
	fclose(c.file);
	CHECK_EQ(open_error(c.path, 0, &err), -ENOTSUP);
	CHECK(strstr(err.text, "IEEE802_11"));
	unlink(c.path);
}

/* Counts from tshark's reading of the same file: udp.dstport == 51946. */
TEST(the_fake_camera_is_replayed)
{
	const char *packed = sp_test_shared("data/wire/fake-camera.pcap.gz");
	uint64_t got = 0, bytes = 0, first_ns = 0, last_ns = 0;
	struct sp_packet packets[BURST];
	struct sp_packet_source *source;
	char path[64], command[2048];
	int n;

	snprintf(path, sizeof(path), "/tmp/sallyport-test-%d.pcapng", (int)getpid());
	snprintf(command, sizeof(command), "gunzip -c '%s' >'%s'", packed, path);
	if (system(command))
		SKIP("gunzip fails on %s", packed);
	source = open_file(path, 0, 64, 1464);
	unlink(path);
	add(source, 51946, 0x7F000001);
	while ((n = source->ops->receive(source, packets, BURST, SP_NS_PER_MS)) >= 0) {
		for (int i = 0; i < n; i++) {
			first_ns = first_ns ? first_ns : packets[i].rx_ns;
			last_ns = packets[i].rx_ns;
			bytes += packets[i].length;
			source->ops->release(source, &packets[i].token, 1);
		}
		got += (unsigned)n;
	}
	CHECK_EQ(n, -ENODATA);
	CHECK_EQ(got, 631);
	CHECK_EQ(bytes, 853028);
	CHECK_EQ(first_ns, 1795444410781605000);
	CHECK_EQ(last_ns, 1795444410880674000);
	CHECK_EQ(source->counters.unknown_stream, 269);
	CHECK_EQ(source->counters.malformed + source->counters.other, 0);
	CHECK_EQ(source->counters.truncated, 0);
	source->ops->close(source);
}

TEST_MAIN()
