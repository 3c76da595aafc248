/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK packet source over ports that DPDK makes: a capture file, nothing, a kernel's interface.
 * And what it does about EAL, which is one a process: devices come and go, other arguments do not.
 */
#include "capture/dpdk.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "test.h"
#include "unit/capture/dpdk_frames.h"

static struct sp_dpdk_config config_of(const char *const *eal, unsigned int eal_n)
{
	return (struct sp_dpdk_config){
		.eal = eal,
		.eal_n = eal_n,
		.queues = 1,
		.buffers = BUFFERS,
		.buffer_size = SIZE,
	};
}

static struct sp_packet_source *open_or_fail(const struct sp_dpdk_config *config)
{
	struct sp_packet_source *source = NULL;
	struct sp_err err;

	if (sp_dpdk_open(config, &source, &err))
		FAIL("%s", err.text);
	return source;
}

static void add_stream(struct sp_packet_source *source, uint16_t port)
{
	const struct sp_packet_stream stream = {
		.fd = -1,
		.host_port = port,
		.host_ip = HOST,
		.camera_ip = CAMERA,
	};
	struct sp_err err;

	if (source->ops->add_stream(source, &stream, &err))
		FAIL("%s", err.text);
}

static void start(struct sp_packet_source *source)
{
	struct sp_err err;

	if (source->ops->start(source, &err))
		FAIL("%s", err.text);
}

/* ---- a capture file ---- */

static void write_word(FILE *file, uint32_t word)
{
	CHECK_EQ(fwrite(&word, sizeof(word), 1, file), 1);
}

static void write_frame(FILE *file, uint32_t from, uint16_t port, unsigned int i)
{
	uint8_t frame[HEADERS + SIZE];
	uint32_t size = make_payload(frame + HEADERS, port - PORT, i);

	make_headers(frame, from, port, size);
	write_word(file, i);
	write_word(file, 0);
	write_word(file, HEADERS + size);
	write_word(file, HEADERS + size);
	CHECK_EQ(fwrite(frame, HEADERS + size, 1, file), 1);
}

/* The old format, as everybody writes it: microseconds, Ethernet. */
static FILE *create_capture(char *path)
{
	int fd = mkstemp(path);
	FILE *file;

	CHECK(fd >= 0);
	file = fdopen(fd, "w");
	CHECK(file);
	write_word(file, 0xA1B2C3D4);
	write_word(file, 2 | 4 << 16);
	write_word(file, 0);
	write_word(file, 0);
	write_word(file, 65535);
	write_word(file, 1);
	return file;
}

TEST(a_capture_file_is_a_port)
{
	enum { SENT = 300 };
	char path[] = "/tmp/test_dpdk_XXXXXX", vdev[128];
	const char *const eal[] = { vdev };
	struct sp_dpdk_config config = config_of(eal, 1);
	unsigned int next = 0, jumbo = 0;
	struct sp_packet packets[BURST];
	struct sp_packet_source *source;
	uint8_t big[9000] = { 0 };
	FILE *file = create_capture(path);

	for (unsigned int i = 0; i < SENT; i++) {
		write_frame(file, i % 3 == 2 ? STRANGER : CAMERA, i % 3 == 1 ? PORT + 1 : PORT, i);
		if (i % 100)
			continue;
		/* Larger than a buffer: DPDK gives it in several. */
		make_headers(big, CAMERA, PORT, sizeof(big) - HEADERS);
		write_word(file, i);
		write_word(file, 0);
		write_word(file, sizeof(big));
		write_word(file, sizeof(big));
		CHECK_EQ(fwrite(big, sizeof(big), 1, file), 1);
		jumbo++;
	}
	CHECK(!fclose(file));
	snprintf(vdev, sizeof(vdev), "--vdev=net_pcap0,rx_pcap=%s", path);
	source = open_or_fail(&config);
	add_stream(source, PORT);
	start(source);
	while (next < SENT) {
		int n = source->ops->receive(source, packets, BURST, 100 * SP_NS_PER_MS);

		CHECK(n > 0);
		for (int i = 0; i < n; i++, next += 3) {
			CHECK_EQ(number_of(source, &packets[i]), next);
			CHECK_EQ(packets[i].stream, 0);
			source->ops->release(source, &packets[i].token, 1);
		}
	}
	CHECK_EQ(source->ops->receive(source, packets, BURST, SP_NS_PER_MS), 0);
	CHECK_EQ(source->counters.received, SENT / 3);
	CHECK_EQ(source->counters.foreign, SENT / 3);
	/* A camera of ours, to a port that is no stream's. */
	CHECK_EQ(source->counters.unknown_stream + source->counters.other, SENT / 3);
	CHECK_EQ(source->counters.truncated, jumbo);
	CHECK_EQ(rte_mempool_in_use_count(sp_dpdk_pool(source)), 0);
	source->ops->close(source);
	unlink(path);
}

/* ---- many queues ---- */

/* Bit by bit, as the hash is defined: independent of DPDK's. */
static uint32_t toeplitz(const uint8_t *key, uint32_t source_ip, uint32_t host_ip)
{
	uint64_t input = (uint64_t)source_ip << 32 | host_ip;
	uint32_t hash = 0;

	for (int bit = 0; bit < 64; bit++) {
		uint32_t window = 0;

		for (int k = bit; k < bit + 32; k++)
			window = window << 1 | (key[k / 8] >> (7 - k % 8) & 1);
		if (input >> (63 - bit) & 1)
			hash ^= window;
	}
	return hash;
}

/* The vectors that vendors publish for the verification of RSS, IPv4 without ports. */
TEST(the_hash_is_the_one_of_the_cards)
{
	static const uint8_t key[40] = {
		0x6D, 0x5A, 0x56, 0xDA, 0x25, 0x5B, 0x0E, 0xC2, 0x41, 0x67, 0x25, 0x3D, 0x43, 0xA3,
		0x8F, 0xB0, 0xD0, 0xCA, 0x2B, 0xCB, 0xAE, 0x7B, 0x30, 0xB4, 0x77, 0xCB, 0x2D, 0xA3,
		0x80, 0x30, 0xF2, 0x0C, 0x6A, 0x42, 0xB7, 0x3B, 0xBE, 0xAC, 0x01, 0xFA,
	};
	static const struct {
		const char *to, *from;
		uint32_t hash;
	} vectors[] = {
		{ "161.142.100.80", "66.9.149.187", 0x323E8FC2 },
		{ "65.69.140.83", "199.92.111.2", 0xD718262A },
		{ "12.22.207.184", "24.19.198.95", 0xD2D0A5DE },
		{ "209.142.163.6", "38.27.205.30", 0x82989176 },
		{ "202.188.127.2", "153.39.163.191", 0x5D1809C5 },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint32_t to = ntohl(inet_addr(vectors[i].to));
		uint32_t from = ntohl(inet_addr(vectors[i].from));

		CHECK_EQ(sp_dpdk_hash(key, from, to), vectors[i].hash);
		CHECK_EQ(toeplitz(key, from, to), vectors[i].hash);
	}
}

/* net_null has a hash that can be set (and sends nothing of use). */
TEST(streams_go_where_the_hash_leads)
{
	enum { QUEUES = 4, STREAMS = 64 };
	const char *const eal[] = { "--vdev=net_null0" };
	struct sp_dpdk_config config = config_of(eal, 1);
	struct sp_packet_source *sources[QUEUES];
	unsigned int had[QUEUES] = { 0 };
	struct sp_dpdk_port *port;
	struct sp_err err;

	config.queues = QUEUES;
	if (sp_dpdk_open(&config, sources, &err))
		FAIL("%s", err.text);
	port = ((struct sp_dpdk *)sources[0])->port;
	CHECK_EQ(port->steering, SP_DPDK_HASH);
	for (unsigned int i = 0; i < STREAMS; i++) {
		struct rte_eth_rss_reta_entry64 table[SP_DPDK_RETA / 64] = { 0 };
		struct sp_packet_stream stream = {
			.fd = -1,
			.host_port = (uint16_t)(PORT + i),
			.host_ip = HOST,
			.camera_ip = CAMERA + i,
		};
		unsigned int queue = sp_dpdk_queue(sources[i % QUEUES], &stream);
		uint8_t key[SP_DPDK_RSS_KEY] = { 0 };
		struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = 40 };
		uint32_t entry;

		/* What the card itself says it was told: its key, its table. */
		CHECK_EQ(rte_eth_dev_rss_hash_conf_get(port->id, &conf), 0);
		for (uint16_t k = 0; k < port->info.reta_size / 64; k++)
			table[k].mask = UINT64_MAX;
		CHECK_EQ(rte_eth_dev_rss_reta_query(port->id, table, port->info.reta_size), 0);
		entry = toeplitz(key, stream.camera_ip, stream.host_ip) % port->info.reta_size;
		CHECK_EQ(queue, table[entry / 64].reta[entry % 64]);
		CHECK_EQ(sources[queue]->ops->add_stream(sources[queue], &stream, &err), 0);
		had[queue]++;
		stream.host_port = 1;
		queue = (queue + 1) % QUEUES;
		CHECK_EQ(sources[queue]->ops->add_stream(sources[queue], &stream, &err), -EINVAL);
		CHECK(strstr(err.text, "hash leads to queue"));
		stream.camera_ip = 0;
		CHECK_EQ(sources[queue]->ops->add_stream(sources[queue], &stream, &err), -EINVAL);
	}
	for (unsigned int i = 0; i < QUEUES; i++) {
		CHECK(had[i] >= STREAMS / QUEUES / 4);
		start(sources[i]);
	}
	/* The port and all memory stay until the last one closes. */
	for (unsigned int i = 0; i < QUEUES; i++) {
		CHECK(rte_eth_dev_is_valid_port(port->id));
		sources[i]->region->base[0] = 1;
		sources[i]->ops->close(sources[i]);
	}
}

TEST(a_port_that_cannot_steer_has_one_queue)
{
	const char *const eal[] = { "--vdev=net_ring0" };
	struct sp_dpdk_config config = config_of(eal, 1);
	struct sp_packet_source *sources[2];
	struct sp_err err;

	config.queues = 2;
	CHECK_EQ(sp_dpdk_open(&config, sources, &err), -ENOTSUP);
	CHECK(strstr(err.text, "net_ring0") && strstr(err.text, "use one queue"));
}

/* ---- EAL is one a process ---- */

TEST(devices_come_and_go_under_one_eal)
{
	const char *const first[] = { "--vdev", "net_null0" }, *const second[] = {
		"--vdev=net_null1"
	};
	const char *const both[] = { "--vdev=net_null1", "--vdev=net_null2,size=100" };
	struct sp_dpdk_config one = config_of(first, 2), other = config_of(second, 1);
	struct sp_dpdk_config two = config_of(both, 2);
	struct sp_packet_source *a, *b, *c;
	struct sp_err err;

	for (int round = 0; round < 3; round++) {
		a = open_or_fail(&one);
		b = open_or_fail(&other);
		CHECK_EQ(sp_dpdk_open(&one, &c, &err), -EBUSY);
		CHECK(strstr(err.text, "net_null0 is open already"));
		CHECK_EQ(sp_dpdk_open(&two, &c, &err), -EINVAL);
		CHECK(strstr(err.text, "name the port"));
		two.port = "net_null2";
		c = open_or_fail(&two);
		two.port = NULL;
		a->ops->close(a);
		c->ops->close(c);
		b->ops->close(b);
		CHECK_EQ(rte_eth_dev_count_total(), 0);
	}
}

TEST(eal_keeps_the_arguments_it_began_with)
{
	const char *const eal[] = { "--vdev=net_null0", "--no-huge", "-m100" };
	struct sp_dpdk_config config = config_of(eal, 3);
	struct sp_packet_source *source;
	struct sp_err err;

	config.eal_n = 1;
	source = open_or_fail(&config);
	source->ops->close(source);
	config.eal_n = 3;
	CHECK_EQ(sp_dpdk_open(&config, &source, &err), -EBUSY);
	CHECK(strstr(err.text, "other arguments"));
}

TEST(impossible_configurations_are_refused)
{
	const char *const none[] = { "--vdev=net_no_such0" }, *const null[] = {
		"--vdev=net_null0"
	};
	static const struct {
		unsigned int queues, buffers, size;
	} impossible[] = {
		{ 0, BUFFERS, SIZE },  { 65, BUFFERS, SIZE }, { 1, 0, SIZE },
		{ 1, 1u << 30, SIZE }, { 1, BUFFERS, 0 },     { 1, BUFFERS, 64001 },
	};
	struct sp_dpdk_config config = config_of(null, 1);
	struct sp_packet_source *source = NULL;
	struct sp_err err;

	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		config.queues = impossible[i].queues;
		config.buffers = impossible[i].buffers;
		config.buffer_size = impossible[i].size;
		CHECK_EQ(sp_dpdk_open(&config, &source, &err), -EINVAL);
		CHECK(!strncmp(err.text, "dpdk: ", 6));
	}
	config = config_of(none, 1);
	CHECK(sp_dpdk_open(&config, &source, &err) < 0);
	CHECK(strstr(err.text, "net_no_such0"));
	config = config_of(null, 0);
	CHECK_EQ(sp_dpdk_open(&config, &source, &err), -ENODEV);
	config.port = "net_absent0";
	CHECK_EQ(sp_dpdk_open(&config, &source, &err), -ENODEV);
	config = config_of(null, 1);
	config.exception = "net_absent0";
	CHECK_EQ(sp_dpdk_open(&config, &source, &err), -ENODEV);
	CHECK(!source);
	CHECK_EQ(rte_eth_dev_count_total(), 0);
}

TEST_MAIN()
