/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receiver of bench/capture without a kernel: packets in a ring of DPDK's (net_ring), through the
 * dpdk source and the assembler with its whole ledger. What is counted is this thread's CPU time
 * from the poll of the port to the release of the buffers, and nothing of the making of packets,
 * which alternates with it: their headers are as warm as a card's that writes into the cache. With
 * --copy, every payload is copied into a frame as well, which is what zero copy spares.
 */
#include "capture/dpdk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ip.h>
#include <rte_ring.h>
#include <rte_udp.h>

#include <sallyport/gvsp.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/opt.h"
#include "base/region.h"
#include "frame/assembler.h"
#include "wire/pfnc.h"

enum {
	PORT = 6000,
	CAMERA_IP = 0x0A4E0002,
	HOST_IP = 0x0A4E0001,
	BATCH = 512, /* packets in the ring at once */
	BURST = 64, /* as the capture thread takes them */
	CREDIT = 8,
	EAL_MIB = 512,
	HEADERS = RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr),
	GVSP_BYTES_MAX = 64,
	WINDOW = 32, /* batches: some frames at 1500, dozens at 9000 */
	WINDOWS = 101,
};

struct options {
	uint32_t packet_size, width, height, cpu, frames;
	double fps;
	const char *camera, *host;
	bool copy;
};

struct ring {
	const struct options *options;
	struct rte_ring *ring;
	struct sp_packet_source *source;
	struct sp_assembler *assembler;
	uint64_t block_id;
	uint32_t packet_id, block_packets; /* payload packets of a block */
	uint64_t bytes; /* of an image */
	uint8_t *frame; /* where --copy puts it */
	uint64_t packets, frames;
};

static struct sp_stream_config stream_config(const struct options *o)
{
	return (struct sp_stream_config){
		.host_port = PORT,
		.host_ip = HOST_IP,
		.camera_ip = CAMERA_IP,
		.fd = -1,
		.packet_payload = o->packet_size - 36,
		.pixel_format = SP_PFNC_MONO8,
		.width = o->width,
		.height = o->height,
		.frames = CREDIT,
		.gap_ns = SP_NS_PER_MS,
		.packet_timeout_ns = 20 * SP_NS_PER_MS,
		.retention_ns = 10 * SP_NS_PER_S,
	};
}

static int start_eal(uint32_t cpu, struct sp_err *err)
{
	char lcores[32], memory[32];
	char *arguments[] = { "capture_ring",	"--no-pci",	     "--no-huge",
			      memory,		"--no-shconf",	     "--no-telemetry",
			      "--iova-mode=va", "--log-level=error", lcores };

	snprintf(lcores, sizeof(lcores), "--lcores=0@%u", cpu);
	snprintf(memory, sizeof(memory), "-m%d", EAL_MIB);
	if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) < 0)
		return sp_err_set(err, -rte_errno, "EAL does not start: %s", strerror(rte_errno));
	return 0;
}

static int open_ring(struct ring *r, struct sp_err *err)
{
	struct sp_stream_config config = stream_config(r->options);
	const struct sp_packet_stream stream = { -1, PORT, HOST_IP, CAMERA_IP, 0, { 0 }, 0 };
	struct sp_assembler_config assembler = { .streams = 1 };
	struct sp_dpdk_config dpdk = {
		.queues = 1,
		.buffers = CREDIT * sp_assembler_block_packets(&config) + BATCH,
		.buffer_size = config.packet_payload + SP_GVSP_HEADER_BYTES,
	};
	int res;

	r->ring = rte_ring_create("capture", 2 * BATCH, SOCKET_ID_ANY,
				  RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!r->ring || rte_eth_from_rings("capture", &r->ring, 1, &r->ring, 1, 0) < 0)
		return sp_err_set(err, -ENOMEM, "no port of rings");
	res = sp_dpdk_open(&dpdk, &r->source, err);
	if (!res)
		res = r->source->ops->add_stream(r->source, &stream, err);
	if (!res)
		res = r->source->ops->start(r->source, err);
	if (res)
		return res;
	assembler.region = r->source->region;
	assembler.buffers = r->source->buffers;
	res = sp_assembler_create(&assembler, &r->assembler, err);
	if (!res)
		res = sp_assembler_add_stream(r->assembler, &config, 0, err);
	r->bytes = (uint64_t)config.width * config.height;
	r->block_packets =
		(uint32_t)((r->bytes + config.packet_payload - 1) / config.packet_payload);
	r->block_id = 1;
	r->frame = calloc(1, r->bytes);
	return res < 0 || r->frame ? res : sp_err_set(err, -ENOMEM, "no memory");
}

/* The GVSP packet whose turn it is: its head at @data. Returns its bytes, pixels included. */
static uint32_t next_packet(struct ring *r, uint8_t *data)
{
	uint32_t payload = r->options->packet_size - 36, bytes;
	struct sp_gvsp_packet packet = {
		.block_id = r->block_id,
		.packet_id = r->packet_id,
		.format = GVSP_FORMAT_PAYLOAD,
	};
	struct sp_gvsp_leader leader = {
		.payload_type = GVSP_PAYLOAD_IMAGE,
		.has_image = true,
		.pixel_format = SP_PFNC_MONO8,
		.size_x = r->options->width,
		.size_y = r->options->height,
		.timestamp = r->block_id,
	};
	struct sp_gvsp_trailer trailer = {
		.payload_type = GVSP_PAYLOAD_IMAGE,
		.has_size_y = true,
		.size_y = r->options->height,
	};

	if (r->packet_id == 0) {
		bytes = (uint32_t)sp_gvsp_build_leader(&packet, &leader, data, GVSP_BYTES_MAX);
	} else if (r->packet_id <= r->block_packets) {
		uint64_t left = r->bytes - (uint64_t)(r->packet_id - 1) * payload;

		bytes = (uint32_t)sp_gvsp_build(&packet, data, GVSP_BYTES_MAX) +
			(uint32_t)(left < payload ? left : payload);
	} else {
		bytes = (uint32_t)sp_gvsp_build_trailer(&packet, &trailer, 0, data, GVSP_BYTES_MAX);
		r->block_id = r->block_id % 65535 + 1;
		r->packet_id = 0;
		return bytes;
	}
	r->packet_id++;
	return bytes;
}

static void make_frame(struct ring *r, struct rte_mbuf *mbuf)
{
	uint8_t *data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	struct rte_ether_hdr *ethernet = (struct rte_ether_hdr *)data;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ethernet + 1);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
	uint32_t bytes = next_packet(r, data + HEADERS);

	*ethernet = (struct rte_ether_hdr){
		.dst_addr.addr_bytes = { 2, 0, 0, 0, 0, 1 },
		.src_addr.addr_bytes = { 2, 0, 0, 0, 0, 2 },
		.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4),
	};
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(bytes + sizeof(*udp) + sizeof(*ip))),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = RTE_BE32(CAMERA_IP),
		.dst_addr = RTE_BE32(HOST_IP),
	};
	*udp = (struct rte_udp_hdr){
		.src_port = RTE_BE16(20000),
		.dst_port = RTE_BE16(PORT),
		.dgram_len = rte_cpu_to_be_16((uint16_t)(bytes + sizeof(*udp))),
	};
	mbuf->data_len = (uint16_t)(HEADERS + bytes);
	mbuf->pkt_len = mbuf->data_len;
}

static int fill_ring(struct ring *r)
{
	struct rte_mempool *pool = sp_dpdk_pool(r->source);
	struct rte_mbuf *mbufs[BURST];

	for (unsigned int made = 0; made < BATCH; made += BURST) {
		if (rte_pktmbuf_alloc_bulk(pool, mbufs, BURST))
			return -ENOBUFS;
		for (unsigned int i = 0; i < BURST; i++)
			make_frame(r, mbufs[i]);
		if (rte_ring_enqueue_bulk(r->ring, (void **)mbufs, BURST, NULL) != BURST)
			return -ENOSPC;
	}
	return 0;
}

/* What a receiver that reassembles by copying does. */
static void copy(struct ring *r, const struct sp_packet *packets, unsigned int n)
{
	uint32_t payload = r->options->packet_size - 36;

	for (unsigned int i = 0; i < n; i++) {
		const struct sp_packet *packet = &packets[i];
		struct sp_gvsp_packet header;

		if (sp_gvsp_parse(packet->head, packet->length, &header) ||
		    header.format != GVSP_FORMAT_PAYLOAD)
			continue;
		memcpy(r->frame + (uint64_t)(header.packet_id - 1) * payload,
		       packet->head + header.header_bytes, packet->length - header.header_bytes);
	}
}

/* One turn of the capture thread; its consumer is done at once. Returns packets. */
static int turn(struct ring *r)
{
	struct sp_packet_source *source = r->source;
	struct sp_packet packets[BURST];
	struct sp_frame *frames[CREDIT];
	struct sp_assembler_out out;
	int n = source->ops->receive(source, packets, BURST, 0);

	if (n <= 0)
		return n;
	if (r->options->copy)
		copy(r, packets, (unsigned int)n);
	sp_assembler_push(r->assembler, packets, (unsigned int)n);
	sp_assembler_tick(r->assembler, source->ops->now(source));
	sp_assembler_take(r->assembler, &out);
	if (out.tokens_n)
		source->ops->release(source, out.tokens, out.tokens_n);
	r->frames += out.frames_n;
	memcpy(frames, out.frames, out.frames_n * sizeof(frames[0]));
	/* What take gave is the assembler's until its next call, which this is. */
	for (unsigned int i = 0; i < out.frames_n; i++)
		sp_assembler_put(r->assembler, frames[i]);
	return n;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * SP_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Batches made, then received: adds what receiving took. 0 or -errno. */
static int window(struct ring *r, uint64_t *ret_ns)
{
	*ret_ns = 0;
	for (unsigned int i = 0; i < WINDOW; i++) {
		int n, res = fill_ring(r);
		uint64_t begin_ns;

		if (res)
			return res;
		begin_ns = cpu_ns();
		while ((n = turn(r)) > 0)
			r->packets += (unsigned int)n;
		*ret_ns += cpu_ns() - begin_ns;
		if (n < 0)
			return n;
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The median of many short windows: what else the machine does hits some of them. */
static int measure(struct ring *r, uint64_t *ret_ns)
{
	static uint64_t windows[WINDOWS];
	int res;

	/* The first ones bring caches, pages and pools to where they stay. */
	for (unsigned int i = 0; i < WINDOWS + WINDOWS / 4; i++) {
		res = window(r, &windows[i % WINDOWS]);
		if (res)
			return res;
	}
	qsort(windows, WINDOWS, sizeof(windows[0]), by_value);
	*ret_ns = windows[WINDOWS / 2];
	return 0;
}

static int run(const struct options *o, struct sp_err *err)
{
	struct ring r = { .options = o };
	uint64_t ns;
	const struct sp_stream_counters *c;
	int res = start_eal(o->cpu, err);

	if (!res)
		res = open_ring(&r, err);
	if (res < 0)
		return res;
	res = measure(&r, &ns);
	if (res)
		return sp_err_set(err, res, "%s", strerror(-res));
	sp_assembler_flush(r.assembler, sp_clock_now());
	c = sp_assembler_counters(r.assembler, 0);
	/* All but the block that the end cuts must have come whole, else this measured less. */
	if (!sp_ledger_adds_up(c) || c->frames_incomplete > 1 || c->blocks_skipped || c->policy)
		return sp_err_set(err, -EPROTO, "%llu frames incomplete, %llu packets refused",
				  (unsigned long long)c->frames_incomplete,
				  (unsigned long long)c->policy);
	printf("{\"complete\":%llu,\"incomplete\":0,\"packets\":%llu,\"between\":%d,"
	       "\"cpu_ns\":%llu}\n",
	       (unsigned long long)r.frames, (unsigned long long)r.packets, WINDOW * BATCH,
	       (unsigned long long)ns);
	sp_assembler_destroy(r.assembler);
	r.source->ops->close(r.source);
	free(r.frame);
	return 0;
}

int main(int argc, char **argv)
{
	static struct options o = { .packet_size = 1500, .width = 2048, .height = 2048, .cpu = 1 };
	static const struct sp_opt table[] = {
		{ "copy", 0, SP_OPT_FLAG, &o.copy, NULL, "copy payloads into a frame, too", 0, 0 },
		{ "packet-size", 0, SP_OPT_U32, &o.packet_size, "BYTES", "of IP (1500)", 220,
		  16384 },
		{ "width", 0, SP_OPT_U32, &o.width, "PIXELS", "(2048)", 8, 16384 },
		{ "height", 0, SP_OPT_U32, &o.height, "PIXELS", "(2048)", 8, 16384 },
		{ "cpu", 0, SP_OPT_U32, &o.cpu, "N", "to run on (1)", 0, 1023 },
		/* Given to every receiver; here is no camera. */
		{ "camera", 0, SP_OPT_STRING, &o.camera, "IP", "ignored", 0, 0 },
		{ "host", 0, SP_OPT_STRING, &o.host, "IP", "ignored", 0, 0 },
		{ "fps", 0, SP_OPT_DOUBLE, &o.fps, "HZ", "ignored", 0, 0 },
		{ "frames", 0, SP_OPT_U32, &o.frames, "N", "ignored", 0, 0 },
		{ NULL, 0, SP_OPT_FLAG, NULL, NULL, NULL, 0, 0 },
	};
	static const struct sp_opt_usage usage = {
		.command = "capture_ring",
		.arguments = "",
		.summary = "Receives from a ring in memory; see bench/capture.c.",
	};
	struct sp_err err;
	int operands, res = sp_opt_parse(table, argc, argv, &operands, &err);

	if (res == SP_OPT_HELP) {
		sp_opt_help(table, &usage, stdout);
		return 0;
	}
	if (!res)
		res = run(&o, &err);
	if (res)
		fprintf(stderr, "capture_ring: %s\n", err.text);
	return res != 0;
}
