/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the DPDK packet source share; for them, their tests and benchmarks alone.
 *
 * dpdk_eal.c     EAL, once a process
 * dpdk_device.c  devices, which come and go
 * dpdk_memory.c  a queue's region as external memory of mbufs
 * dpdk_port.c    the port: offloads, split, descriptors, counters
 * dpdk_af_packet.c  what the kernel dropped before one of its interfaces
 * dpdk_flow.c    which queue a stream comes to: rules, or the card's hash
 * dpdk_exception.c  what is no stream's, to the kernel and back
 * dpdk_open.c    all of these together: open, close
 * dpdk.c         the source itself: streams, receive, release
 */
#ifndef SP_CAPTURE_DPDK_H
#define SP_CAPTURE_DPDK_H

/* rte_pktmbuf_pool_create_extbuf, rte_dev_dma_map: in 22.11 as they are in 24.11, but marked so. */
#define ALLOW_EXPERIMENTAL_API

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include "gvsp_wire.h"
#include "base/region.h"
#include "capture/allow.h"
#include "capture/nap.h"
#include "capture/packet_source.h"

struct sp_err;
struct sp_ingress;

enum {
	SP_DPDK_BURST = 64, /* packets of one poll */
	SP_DPDK_DESCRIPTORS = 4096, /* of a receive queue, if the driver allows so many */
	SP_DPDK_QUEUES_MAX = 64,
	SP_DPDK_CACHE = 256, /* buffers that a thread keeps of a pool, up to 1.5 times as many */
	/* Buffers of a pool beyond those that may be lent and those that the queue holds. */
	SP_DPDK_SPARE = 2 * SP_DPDK_BURST + SP_DPDK_CACHE * 3 / 2,
	SP_DPDK_PAYLOAD_MAX = 64000, /* bytes: an mbuf's room is counted in 16 bits */
	/* Ethernet, IPv4 and UDP before a GVSP header, without a VLAN tag or IP options. */
	SP_DPDK_HEADERS = 14 + 20 + 8,
	SP_DPDK_RSS_KEY = 64, /* bytes of the longest key of a card that we can set */
	SP_DPDK_RETA = 2048, /* entries of the largest table from hash to queue */
};

/* ---- EAL (dpdk_eal.c) and devices (dpdk_device.c) ---- */

/*
 * EAL with @config's arguments, without its devices: those are added when a source asks for them.
 * The first call initialises it, with room for @need bytes of mbufs where there are no hugepages;
 * later ones check that they ask for the same. 0, or -errno with @err filled: -ENOTSUP on a CPU
 * without SSE 4.2, -EBUSY if EAL runs with other arguments.
 */
int sp_dpdk_eal_start(const struct sp_dpdk_config *config, size_t need, struct sp_err *err);

/* The last thing that EAL or a driver complained of, for the texts of our errors; "" if none. */
const char *sp_dpdk_complaint(char *text, size_t size);
/* Before a call whose complaint is wanted. */
void sp_dpdk_complaint_clear(void);

/*
 * The port of the device that @config names, or of the only one that is not its exception path.
 * Adds the device if EAL has it not. Ours until it is removed. 0 or -errno with @err filled.
 */
int sp_dpdk_device_add(const struct sp_dpdk_config *config, uint16_t *ret_port, struct sp_err *err);

/* The same for the exception path; @mac: of the port that it serves. */
int sp_dpdk_device_add_exception(const struct sp_dpdk_config *config,
				 const struct rte_ether_addr *mac, uint16_t *ret_port,
				 struct sp_err *err);

/* Stops and closes the port: it gives its buffers back. */
void sp_dpdk_device_close(uint16_t port);
/* Then, when no memory is mapped for it any more: it can be added again. */
void sp_dpdk_device_remove(struct rte_device *device);

/*
 * What stands after "KEY=" in the arguments of the device that is @port_name, into @text. False if
 * nothing does.
 */
bool sp_dpdk_device_argument(const struct sp_dpdk_config *config, const char *port_name,
			     const char *key, char *text, size_t size);

/* ---- memory (dpdk_memory.c) ---- */

struct sp_dpdk_memory {
	struct sp_region region;
	struct rte_mempool *payload; /* its buffers lie in the region, and nowhere else */
	struct rte_mempool *headers; /* ordinary mbufs for what a card splits off, or NULL */
	struct rte_device *device;
	bool registered, mapped;
};

/* How the buffers of one queue are laid out. */
struct sp_dpdk_layout {
	uint32_t buffers;
	uint32_t payload; /* largest UDP payload, bytes */
	bool split; /* headers lie elsewhere */
	uint32_t room; /* what a buffer must hold beside: the driver's idea of a frame; 0: none */
	/* Bytes before the pixels in what lies in the region: they shall begin on a cache line. */
	uint16_t before_pixels;
};

/* Bytes of EAL's memory for @buffers mbufs, headers included; an upper bound. */
size_t sp_dpdk_memory_need(uint32_t buffers);

/* @id names the pools. 0 or -errno with @err filled. */
int sp_dpdk_memory_init(struct sp_dpdk_memory *memory, const char *id, struct rte_device *device,
			const struct sp_dpdk_layout *layout, struct sp_err *err);
void sp_dpdk_memory_uninit(struct sp_dpdk_memory *memory);

/* ---- the port ---- */

enum sp_dpdk_steering {
	SP_DPDK_ONE_QUEUE, /* nothing to steer */
	SP_DPDK_RULES, /* an rte_flow rule a stream */
	SP_DPDK_HASH, /* RSS by IPv4 addresses */
};

/* The way between the port and the kernel. */
struct sp_dpdk_exception {
	bool open;
	uint16_t port;
	struct rte_device *device;
	struct rte_mempool *pool; /* what goes to the kernel is copied: buffers of frames stay */
	rte_spinlock_t send; /* every queue's thread sends */
	uint64_t polled_ns;
};

/* A queue of a port: one source, one thread's. */
struct sp_dpdk {
	alignas(64) struct sp_packet_source source;
	struct sp_dpdk_port *port;
	uint16_t queue;
	struct sp_allow *allow;
	struct sp_packet_stream *streams; /* [streams_n] in a block for SP_ALLOW_STREAMS_MAX */
	struct rte_flow **rules; /* [streams_n], NULL where there is none */
	uint32_t streams_n;
	struct sp_dpdk_memory memory;
	struct sp_nap nap;
	uint32_t lent;
	bool starved; /* wanted a buffer while all were lent, and none has come back since */
};

struct sp_dpdk_port {
	uint16_t id;
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	unsigned int queues_n, open_n;
	uint32_t payload; /* largest UDP payload, bytes */
	uint16_t descriptors; /* of each receive queue */
	uint16_t split; /* frame bytes that the card puts into header mbufs; 0: none */
	bool split_at_udp; /* the card finds that place by the protocol, not by the length */
	/* Steering. */
	bool no_flow, may_isolate;
	bool isolated; /* only what a rule names comes to us */
	bool hashes; /* the card was told to spread by IPv4 addresses */
	enum sp_dpdk_steering steering;
	unsigned int next_queue; /* in turn, with rules */
	/* The card's counters: queue 0's thread reads them. */
	struct rte_eth_stats seen;
	int packet_socket; /* of net_af_packet, whose drops the driver does not count, or -1 */
	uint64_t stats_ns; /* when */
	struct sp_dpdk_exception exception;
	/* What the kernel drops. */
	char *drop_interface;
	struct sp_ingress *ingress;
	struct sp_dpdk queues[];
};

/* The pool that @source receives into, for who makes packets for a port of rings. */
static inline struct rte_mempool *sp_dpdk_pool(struct sp_packet_source *source)
{
	return ((struct sp_dpdk *)source)->memory.payload;
}

/* ---- dpdk.c, dpdk_open.c ---- */

extern const struct sp_packet_source_ops sp_dpdk_ops;
void sp_dpdk_close(struct sp_packet_source *source);

/* ---- dpdk_port.c ---- */

/* What the card can do, before memory is taken. 0 or -errno with @err filled. */
int sp_dpdk_port_plan(struct sp_dpdk_port *port, const struct sp_dpdk_config *config,
		      struct sp_err *err);
/* Configures the port and its queues over their memory, and starts it. */
int sp_dpdk_port_start(struct sp_dpdk_port *port, struct sp_err *err);

bool sp_dpdk_port_is_af_packet(const struct sp_dpdk_port *port);
/* A number among the arguments of the port's device, or @otherwise. */
uint32_t sp_dpdk_port_argument(const struct sp_dpdk_port *port, const struct sp_dpdk_config *config,
			       const char *key, uint32_t otherwise);

/* The port's counts from now on, and what came on top since the last call, into @counters. */
void sp_dpdk_port_stats_begin(struct sp_dpdk_port *port);
void sp_dpdk_port_stats(struct sp_dpdk_port *port, struct sp_packet_counters *counters);

/* ---- dpdk_af_packet.c ---- */

/* The driver's socket on @interface: the driver's own, it closes it. -1: not found. */
int sp_dpdk_af_packet_socket(const char *interface);
/* What the kernel dropped there since the last call. */
uint64_t sp_dpdk_af_packet_drops(int fd);

/* ---- dpdk_flow.c ---- */

/* Before the port is configured: isolation, and the hash in @conf. */
void sp_dpdk_flow_configure(struct sp_dpdk_port *port, struct rte_eth_conf *conf);
/* When it runs: chooses how it steers. -ENOTSUP with @err filled if it must and cannot. */
int sp_dpdk_flow_started(struct sp_dpdk_port *port, struct sp_err *err);
/* Rules for the queue's streams, where the port needs them. 0 or -errno with @err filled. */
int sp_dpdk_flow_add(struct sp_dpdk *queue, struct sp_err *err);
void sp_dpdk_flow_remove(struct sp_dpdk *queue);

/* Where the card's hash leads: both addresses of the stream are needed. */
unsigned int sp_dpdk_flow_hash_queue(const struct sp_dpdk_port *port,
				     const struct sp_packet_stream *stream);
/* The Toeplitz hash of two IPv4 addresses (host order); @key: at least 12 bytes. */
uint32_t sp_dpdk_hash(const uint8_t *key, uint32_t source_ip, uint32_t host_ip);

/* ---- dpdk_exception.c ---- */

/* Opens the device that @config names as exception path. 0 or -errno with @err filled. */
int sp_dpdk_exception_open(struct sp_dpdk_port *port, const struct sp_dpdk_config *config,
			   struct sp_err *err);
void sp_dpdk_exception_close(struct sp_dpdk_exception *exception);

/* Gives copies of @mbufs[@n] to the kernel; counted in @counters. Any queue's thread. */
void sp_dpdk_exception_pass(struct sp_dpdk_exception *exception, struct rte_mbuf *const *mbufs,
			    unsigned int n, struct sp_packet_counters *counters);
/* What the kernel sends goes out of @port, now and then. Queue 0's thread. */
void sp_dpdk_exception_poll(struct sp_dpdk_port *port, uint64_t now_ns,
			    struct sp_packet_counters *counters);

#endif
