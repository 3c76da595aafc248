/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK packet source over rings, which stand for a card's queue. EAL is one a process: the
 * first test to open a source starts it.
 */
#include "capture/dpdk.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <rte_eth_ring.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/random.h"
#include "test.h"
#include "unit/capture/dpdk_frames.h"

struct rig {
	struct sp_packet_source *source;
	uint16_t port; /* of DPDK */
	struct rte_ring *ring; /* what is sent to the port comes from it */
};

static void open_with(struct rig *rig, struct sp_dpdk_config *config, const char *vdev,
		      unsigned int streams)
{
	const char *const eal[] = { vdev };
	struct sp_err err;

	config->eal = eal;
	config->eal_n = vdev ? 1 : 0;
	config->queues = 1;
	config->buffers = config->buffers ? config->buffers : BUFFERS;
	config->buffer_size = config->buffer_size ? config->buffer_size : SIZE;
	if (sp_dpdk_open(config, &rig->source, &err))
		FAIL("%s", err.text);
	rig->port = ((struct sp_dpdk *)rig->source)->port->id;
	for (unsigned int i = 0; i < streams; i++) {
		const struct sp_packet_stream stream = {
			.fd = -1,
			.host_port = (uint16_t)(PORT + i),
			.host_ip = HOST,
			.camera_ip = CAMERA,
		};

		if (rig->source->ops->add_stream(rig->source, &stream, &err))
			FAIL("%s", err.text);
	}
	if (rig->source->ops->start(rig->source, &err))
		FAIL("%s", err.text);
}

/* A port whose packets are in a ring of ours; it needs EAL, which a source starts. */
static void make_ring(struct rig *rig)
{
	static bool started;
	struct sp_dpdk_config config = { 0 };

	if (!started) {
		open_with(rig, &config, "--vdev=net_null0", 1);
		rig->source->ops->close(rig->source);
		started = true;
	}
	rig->ring = rte_ring_create("test", 1024, SOCKET_ID_ANY, 0);
	CHECK(rig->ring);
	CHECK(rte_eth_from_rings("test", &rig->ring, 1, &rig->ring, 1, 0) >= 0);
}

static void open_ring(struct rig *rig, unsigned int buffers)
{
	struct sp_dpdk_config config = { .buffers = buffers };

	make_ring(rig);
	open_with(rig, &config, NULL, 2);
}

static void close_rig(struct rig *rig)
{
	rig->source->ops->close(rig->source);
	rte_ring_free(rig->ring);
}

/* A frame of @stream's camera in one buffer of the source's own pool. */
static struct rte_mbuf *make_frame(struct rig *rig, uint32_t from, unsigned int stream,
				   unsigned int i)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(sp_dpdk_pool(rig->source));
	uint8_t bytes[SIZE];
	uint32_t size = make_payload(bytes, stream, i);
	char *data;

	CHECK(mbuf);
	data = rte_pktmbuf_append(mbuf, (uint16_t)(HEADERS + size));
	CHECK(data);
	make_headers((uint8_t *)data, from, (uint16_t)(PORT + stream), size);
	memcpy(data + HEADERS, bytes, size);
	return mbuf;
}

static void put(struct rig *rig, struct rte_mbuf *mbuf)
{
	CHECK_EQ(rte_eth_tx_burst(rig->port, 0, &mbuf, 1), 1);
}

static void put_numbered(struct rig *rig, unsigned int stream, unsigned int i)
{
	put(rig, make_frame(rig, CAMERA, stream, i));
}

static unsigned int receive(struct rig *rig, struct sp_packet *packets, unsigned int max)
{
	int n = rig->source->ops->receive(rig->source, packets, max, PATIENCE);

	CHECK(n > 0);
	return (unsigned int)n;
}

/* What is there now: nothing is waited for. */
static unsigned int poll(struct rig *rig, struct sp_packet *packets, unsigned int max)
{
	int n = rig->source->ops->receive(rig->source, packets, max, 0);

	CHECK(n >= 0);
	return (unsigned int)n;
}

static void release(struct rig *rig, const struct sp_packet *packets, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		rig->source->ops->release(rig->source, &packets[i].token, 1);
}

static unsigned int in_use(struct rig *rig)
{
	return rte_mempool_in_use_count(sp_dpdk_pool(rig->source));
}

/* First, while EAL is not there: it would pin the thread that starts it. */
TEST(the_opening_thread_keeps_its_cpus_and_signals)
{
	cpu_set_t before, after;
	struct sigaction action;
	struct rig rig;

	CHECK(!sched_getaffinity(0, sizeof(before), &before));
	open_ring(&rig, 0);
	close_rig(&rig);
	CHECK(!sched_getaffinity(0, sizeof(after), &after));
	CHECK(CPU_EQUAL(&before, &after));
	for (int number = 1; number < 32; number++) {
		if (number == SIGKILL || number == SIGSTOP || sigaction(number, NULL, &action))
			continue;
#ifndef __SANITIZE_ADDRESS__
		CHECK(action.sa_handler == SIG_DFL);
#endif
	}
}

TEST(packets_are_lent_where_the_card_put_them)
{
	enum { SENT = 1000 };
	unsigned int next[2] = { 0 }, sent = 0;
	struct sp_packet packets[BURST];
	struct rig rig;

	open_ring(&rig, 0);
	CHECK_EQ(rig.source->buffers, BUFFERS);
	CHECK_STR(rig.source->ops->name, "dpdk");
	while (next[0] + next[1] < SENT) {
		unsigned int n;

		for (int i = 0; i < 50 && sent < SENT; i++, sent++)
			put_numbered(&rig, sent % 2, sent / 2);
		n = receive(&rig, packets, BURST);
		for (unsigned int i = 0; i < n; i++) {
			const struct sp_packet *packet = &packets[i];

			CHECK_EQ(number_of(rig.source, packet), next[packet->stream]++);
			CHECK_EQ(packet->split, 0);
			CHECK(packet->head == rig.source->region->base + packet->offset);
			/* Pixels behind a standard header begin a cache line. */
			CHECK_EQ((uintptr_t)(packet->head + SP_GVSP_HEADER_BYTES) % 64, 0);
			CHECK(packet->rx_ns <= sp_clock_now());
		}
		release(&rig, packets, n);
	}
	CHECK_EQ(rig.source->counters.received, SENT);
	CHECK_EQ(in_use(&rig), 0);
	close_rig(&rig);
}

TEST(what_is_no_streams_is_refused_and_counted)
{
	const struct sp_packet_counters *counters;
	struct sp_packet packets[BURST];
	struct rte_mbuf *mbuf;
	struct rig rig;

	open_ring(&rig, 0);
	counters = &rig.source->counters;
	put(&rig, make_frame(&rig, STRANGER, 0, 0));
	mbuf = make_frame(&rig, CAMERA, 0, 1); /* ends before its headers say */
	rte_pktmbuf_trim(mbuf, 1);
	put(&rig, mbuf);
	mbuf = make_frame(&rig, CAMERA, 0, 2); /* a card found its checksum wrong */
	mbuf->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_BAD;
	put(&rig, mbuf);
	mbuf = make_frame(&rig, CAMERA, 0, 3);
	mbuf->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_BAD;
	put(&rig, mbuf);
	mbuf = make_frame(&rig, CAMERA, 0, 4); /* in two pieces, and not split by the card */
	CHECK_EQ(rte_pktmbuf_chain(mbuf, rte_pktmbuf_alloc(sp_dpdk_pool(rig.source))), 0);
	put(&rig, mbuf);
	mbuf = make_frame(&rig, CAMERA, 0, 5); /* longer than was asked for, though it has room */
	CHECK(rte_pktmbuf_append(mbuf, SIZE + 1));
	make_headers(rte_pktmbuf_mtod(mbuf, uint8_t *), CAMERA, PORT, SIZE + 1);
	put(&rig, mbuf);
	mbuf = make_frame(&rig, CAMERA, 0, 6); /* ARP */
	rte_pktmbuf_mtod(mbuf, uint8_t *)[13] = 0x06;
	put(&rig, mbuf);
	put_numbered(&rig, 1, 7);
	CHECK_EQ(receive(&rig, packets, BURST), 1);
	CHECK_EQ(number_of(rig.source, &packets[0]), 7);
	release(&rig, packets, 1);
	CHECK_EQ(poll(&rig, packets, BURST), 0);
	CHECK_EQ(counters->received, 1);
	CHECK_EQ(counters->foreign, 1);
	CHECK_EQ(counters->malformed, 1);
	CHECK_EQ(counters->card_errors, 2);
	CHECK_EQ(counters->truncated, 2);
	CHECK_EQ(counters->other, 1);
	CHECK_EQ(in_use(&rig), 0);
	close_rig(&rig);
}

/* All buffers are lent: the rest waits in the ring, and nothing is lost when they come back. */
TEST(buffers_run_out_and_come_back)
{
	enum { FEW = 40, SENT = 200 };
	struct sp_packet packets[SENT];
	unsigned int got = 0, next = 0;
	struct rig rig;

	open_ring(&rig, FEW);
	for (unsigned int i = 0; i < SENT; i++)
		put_numbered(&rig, 0, i);
	while (got < FEW)
		got += receive(&rig, packets + got, BURST);
	CHECK_EQ(got, FEW);
	CHECK_EQ(poll(&rig, packets + got, BURST), 0);
	CHECK_EQ(poll(&rig, packets + got, BURST), 0);
	CHECK_EQ(rig.source->counters.no_buffer, 1);
	release(&rig, packets, 1);
	CHECK_EQ(receive(&rig, packets + got, BURST), 1);
	CHECK_EQ(poll(&rig, packets + got + 1, BURST), 0);
	CHECK_EQ(rig.source->counters.no_buffer, 2);
	for (unsigned int i = 0; i <= got; i++)
		CHECK_EQ(number_of(rig.source, &packets[i]) * (i > 0), next++);
	release(&rig, packets + 1, got);
	for (got++; got < SENT;) {
		unsigned int n = receive(&rig, packets, BURST);

		for (unsigned int i = 0; i < n; i++)
			CHECK_EQ(number_of(rig.source, &packets[i]), got + i);
		release(&rig, packets, n);
		got += n;
	}
	CHECK_EQ(got, SENT);
	CHECK_EQ(in_use(&rig), 0);
	close_rig(&rig);
}

/* Tokens come back in any order and in runs longer than a burst. */
TEST(tokens_come_back_in_any_order)
{
	enum { ROUNDS = 50, SEED = 7 };
	struct sp_packet packets[BUFFERS];
	uint64_t tokens[BUFFERS], random = SEED;
	struct rig rig;

	printf("# seed %d\n", SEED);
	open_ring(&rig, 0);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned int got = 0, n = 1 + (unsigned int)(sp_random_next(&random) % BUFFERS);

		for (unsigned int i = 0; i < n; i++)
			put_numbered(&rig, 0, i);
		while (got < n)
			got += receive(&rig, packets + got, n - got);
		CHECK_EQ(in_use(&rig), n);
		for (unsigned int i = 0; i < n; i++) {
			unsigned int k = (unsigned int)(sp_random_next(&random) % (i + 1));

			tokens[i] = tokens[k];
			tokens[k] = packets[i].token;
		}
		rig.source->ops->release(rig.source, tokens, n);
		CHECK_EQ(in_use(&rig), 0);
	}
	close_rig(&rig);
}

/* ---- what a card with buffer split gives, by hand ---- */

/* A frame whose first @split bytes lie in a header mbuf, the rest in the pinned pool. */
static struct rte_mbuf *make_split(struct rig *rig, struct rte_mempool *headers, uint16_t split,
				   unsigned int i)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(headers);
	struct rte_mbuf *rest = make_frame(rig, CAMERA, 0, i);
	uint16_t n = RTE_MIN(split, rest->data_len);
	char *data;

	CHECK(head);
	data = rte_pktmbuf_append(head, n);
	CHECK(data);
	memcpy(data, rte_pktmbuf_mtod(rest, char *), n);
	memset(rte_pktmbuf_mtod(rest, char *), 0xEE, n);
	rte_pktmbuf_adj(rest, n);
	if (!rest->data_len) {
		rte_pktmbuf_free(rest);
		return head;
	}
	CHECK_EQ(rte_pktmbuf_chain(head, rest), 0);
	return head;
}

TEST(a_split_packet_has_its_headers_elsewhere)
{
	enum { SENT = 60, SPLITS = 3 };
	/* Behind UDP (by protocol), behind standard headers, behind extended ones. */
	static const uint16_t splits[SPLITS] = { HEADERS, HEADERS + 8, HEADERS + 20 };
	struct rte_mempool *headers;
	struct sp_packet packet;
	struct rig rig;

	open_ring(&rig, 0);
	headers = rte_pktmbuf_pool_create("test_headers", 127, 0, 0, RTE_PKTMBUF_HEADROOM + 128,
					  SOCKET_ID_ANY);
	CHECK(headers);
	for (int k = 0; k < SPLITS; k++) {
		((struct sp_dpdk *)rig.source)->port->split = splits[k];
		for (unsigned int i = 0; i < SENT; i++) {
			put(&rig, make_split(&rig, headers, splits[k], i));
			CHECK_EQ(receive(&rig, &packet, 1), 1);
			CHECK_EQ(packet.split, splits[k] - HEADERS);
			if (k)
				CHECK_EQ(number_of(rig.source, &packet), i);
			else
				CHECK(packet.head == rig.source->region->base + packet.offset);
			release(&rig, &packet, 1);
		}
	}
	/* With IP options' length before it, half a GVSP header is at the head: of no use. */
	((struct sp_dpdk *)rig.source)->port->split = HEADERS + 4;
	put(&rig, make_split(&rig, headers, HEADERS + 4, 9));
	CHECK_EQ(poll(&rig, &packet, 1), 0);
	CHECK_EQ(rig.source->counters.malformed, 1);
	CHECK_EQ(rig.source->counters.received, SENT * SPLITS);
	CHECK_EQ(in_use(&rig), 0);
	CHECK_EQ(rte_mempool_in_use_count(headers), 0);
	close_rig(&rig);
	rte_mempool_free(headers);
}

/* A packet that ends before the split: nothing of it lies in the region. */
TEST(a_short_packet_is_all_header)
{
	struct rte_mempool *headers;
	struct rte_mbuf *mbuf;
	struct sp_packet packet;
	uint8_t *data;
	struct rig rig;

	open_ring(&rig, 0);
	((struct sp_dpdk *)rig.source)->port->split = HEADERS + 20;
	headers = rte_pktmbuf_pool_create("test_headers", 127, 0, 0, RTE_PKTMBUF_HEADROOM + 128,
					  SOCKET_ID_ANY);
	CHECK(headers);
	for (uint32_t size = 0; size <= 20; size += 4) {
		mbuf = rte_pktmbuf_alloc(headers);
		CHECK(mbuf);
		/* Ethernet pads frames to 60 bytes; the padding is no payload. */
		data = (uint8_t *)rte_pktmbuf_append(mbuf, HEADERS + 20);
		CHECK(data);
		memset(data, 0xEE, HEADERS + 20);
		make_headers(data, CAMERA, PORT, size);
		put(&rig, mbuf);
		CHECK_EQ(receive(&rig, &packet, 1), 1);
		CHECK_EQ(packet.length, size);
		CHECK_EQ(packet.split, size);
		CHECK(packet.head == data + HEADERS);
		release(&rig, &packet, 1);
	}
	CHECK_EQ(rte_mempool_in_use_count(headers), 0);
	close_rig(&rig);
	rte_mempool_free(headers);
}

/* ---- the exception path ---- */

struct kernel {
	struct rte_ring *in, *out;
	int port;
};

/* A port of two rings that stands for the kernel's end. EAL runs by then. */
static void make_kernel(struct kernel *kernel)
{
	kernel->in = rte_ring_create("test_in", 64, SOCKET_ID_ANY, 0);
	kernel->out = rte_ring_create("test_out", 64, SOCKET_ID_ANY, 0);
	CHECK(kernel->in && kernel->out);
	kernel->port = rte_eth_from_rings("kernel", &kernel->out, 1, &kernel->in, 1, 0);
	CHECK(kernel->port >= 0);
}

static void remove_kernel(struct kernel *kernel)
{
	rte_ring_free(kernel->in);
	rte_ring_free(kernel->out);
}

TEST(what_is_no_streams_goes_to_the_kernel_and_back)
{
	struct sp_dpdk_config config = { .port = "net_ring_test", .exception = "net_ring_kernel" };
	const struct sp_packet_counters *counters;
	struct sp_packet packets[BURST];
	struct rte_mbuf *mbuf, *copy;
	struct kernel kernel;
	struct rig rig;
	void *given;

	make_ring(&rig);
	make_kernel(&kernel);
	open_with(&rig, &config, NULL, 1);
	counters = &rig.source->counters;
	mbuf = make_frame(&rig, CAMERA, 5, 1); /* to a port that is no stream's */
	mbuf->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	mbuf->vlan_tci = 12;
	put(&rig, mbuf);
	put_numbered(&rig, 0, 2);
	CHECK_EQ(receive(&rig, packets, BURST), 1);
	CHECK_EQ(number_of(rig.source, &packets[0]), 2);
	/* A copy, with its tag, while the buffer is free again. */
	CHECK_EQ(counters->passed_on, 1);
	CHECK_EQ(rte_ring_dequeue(kernel.in, &given), 0);
	copy = given;
	CHECK(copy->pool != sp_dpdk_pool(rig.source));
	CHECK_EQ(in_use(&rig), 1);
	CHECK_EQ(rte_pktmbuf_mtod(copy, uint8_t *)[12], 0x81);
	CHECK_EQ(rte_pktmbuf_mtod(copy, uint8_t *)[15], 12);
	CHECK_EQ(rte_pktmbuf_mtod(copy, uint8_t *)[17], 0);
	release(&rig, packets, 1);
	/* What the kernel sends goes out of the port, whose ring brings it back to us. */
	rte_pktmbuf_mtod(copy, uint8_t *)[14] = 0x10; /* another tag, to know it by */
	CHECK_EQ(rte_ring_enqueue(kernel.out, copy), 0);
	for (uint64_t start = sp_clock_now(); counters->passed_on < 2;) {
		CHECK_EQ(poll(&rig, packets, BURST), 0);
		CHECK(sp_clock_now() - start < PATIENCE);
	}
	CHECK_EQ(rte_ring_dequeue(kernel.in, &given), 0);
	CHECK_EQ(rte_pktmbuf_mtod((struct rte_mbuf *)given, uint8_t *)[14], 0x10);
	rte_pktmbuf_free(given);
	CHECK_EQ(counters->other, 0);
	CHECK_EQ(counters->not_passed_on, 0);
	/* A full queue there drops, and holds nothing up. */
	for (unsigned int i = 0; i < 80; i++)
		put(&rig, make_frame(&rig, CAMERA, 5, i));
	put_numbered(&rig, 0, 3);
	CHECK_EQ(receive(&rig, packets, BURST), 1);
	release(&rig, packets, 1);
	CHECK_EQ(counters->passed_on - 2, 63);
	CHECK_EQ(counters->not_passed_on, 80 - 63);
	CHECK_EQ(in_use(&rig), 0);
	while (!rte_ring_dequeue(kernel.in, &given))
		rte_pktmbuf_free(given);
	close_rig(&rig);
	remove_kernel(&kernel);
}

/* ---- threads ---- */

struct receiver {
	struct rig *rig;
	unsigned int got;
	bool numbered; /* EAL gave the thread a number: a cache of buffers */
};

static void *receive_on_thread(void *arg)
{
	struct receiver *receiver = arg;
	struct sp_packet packets[BURST];

	for (uint64_t start = sp_clock_now(); receiver->got < 2 * BURST;) {
		int n = receiver->rig->source->ops->receive(receiver->rig->source, packets, BURST,
							    SP_NS_PER_MS);

		for (int i = 0; i < n; i++)
			receiver->rig->source->ops->release(receiver->rig->source,
							    &packets[i].token, 1);
		receiver->got += n > 0 ? (unsigned int)n : 0;
		if (sp_clock_now() - start > PATIENCE)
			break;
	}
	receiver->numbered = rte_lcore_id() != LCORE_ID_ANY;
	return NULL;
}

/* More threads, one after another, than EAL has numbers: each gives its own back. */
TEST(capture_threads_come_and_go)
{
	struct rig rig;

	open_ring(&rig, 0);
	for (unsigned int k = 0; k < RTE_MAX_LCORE + 20; k++) {
		struct receiver receiver = { .rig = &rig };
		pthread_t thread;

		for (unsigned int i = 0; i < 2 * BURST; i++)
			put_numbered(&rig, 0, i);
		CHECK_EQ(pthread_create(&thread, NULL, receive_on_thread, &receiver), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		CHECK_EQ(receiver.got, 2 * BURST);
		CHECK(receiver.numbered);
		CHECK_EQ(in_use(&rig), 0);
	}
	close_rig(&rig);
}

TEST(an_idle_receive_waits_its_time)
{
	struct sp_dpdk_config config = { .nap_max_ns = 200 * SP_NS_PER_US };
	struct sp_packet packets[BURST];
	uint64_t start, took;
	struct rig rig;

	make_ring(&rig);
	open_with(&rig, &config, NULL, 1);
	CHECK_EQ(poll(&rig, packets, BURST), 0);
	start = sp_clock_now();
	CHECK_EQ(rig.source->ops->receive(rig.source, packets, BURST, 30 * SP_NS_PER_MS), 0);
	took = sp_clock_now() - start;
	CHECK(took >= 30 * SP_NS_PER_MS && took < PATIENCE);
	close_rig(&rig);
}

/* Gigabytes of buffers: with SP_LONG alone. */
TEST(a_hundred_thousand_buffers)
{
	enum { MANY = 1 << 17, ROUND = 1000 };
	struct sp_packet *packets;
	unsigned int got = 0;
	struct rig rig;

	if (!getenv("SP_LONG"))
		SKIP("285 MB of packet buffers; set SP_LONG=1");
	packets = malloc(MANY * sizeof(*packets));
	CHECK(packets);
	open_ring(&rig, MANY);
	while (got < MANY) {
		unsigned int n = RTE_MIN(MANY - got, ROUND);

		for (unsigned int i = 0; i < n; i++)
			put_numbered(&rig, 0, got + i);
		for (n += got; got < n;)
			got += receive(&rig, packets + got, n - got);
	}
	CHECK_EQ(in_use(&rig), MANY);
	for (unsigned int i = 0; i < MANY; i++)
		CHECK_EQ(number_of(rig.source, &packets[i]), i);
	release(&rig, packets, MANY);
	CHECK_EQ(in_use(&rig), 0);
	close_rig(&rig);
	free(packets);
}

TEST_MAIN()
