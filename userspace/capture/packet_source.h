/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PORT: where packets come from. Implementations: udp.c (io_uring multishot recvmsg, or recvmmsg),
 * dpdk.c (a queue of a network card, or of a software port of DPDK's), replay.c (a capture file).
 *
 * A packet is a UDP payload that lies in the source's region. The CPU reads its header at `head`
 * and nothing moves it. A card that splits packets puts the first `split` bytes elsewhere, so that
 * the CPU never touches what the GPU reads. receive lends the buffers; each token goes back through
 * release exactly once, in any order, when no frame needs the packet any more.
 *
 * Threads: open, add_stream, start, close: main, while the capture thread does not run. receive,
 * release: the capture thread. counters: any thread.
 */
#ifndef SP_CAPTURE_PACKET_SOURCE_H
#define SP_CAPTURE_PACKET_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"

struct sp_err;
struct sp_region;
struct sp_packet_source;

struct sp_packet {
	const uint8_t *head; /* the payload's first bytes: `split` of them, or all if split is 0 */
	uint64_t offset; /* of payload byte `split`, from the region's base */
	uint64_t token;	 /* the source's name for the buffer */
	uint64_t rx_ns;	 /* when it was received */
	uint32_t length; /* bytes of the UDP payload */
	uint32_t source_ip; /* host order */
	uint16_t stream; /* as numbered by add_stream */
	uint16_t split;	 /* bytes of the payload that are at `head` and not in the region */
};

struct sp_packet_counters {
	uint64_t received;	   /* datagrams handed to the assembler */
	/* Refused: not from the stream's camera, by the first of these that differs. */
	uint64_t foreign;	   /* IP address */
	uint64_t foreign_mac;
	uint64_t foreign_port;	   /* the port that it is sent from */
	uint64_t foreign_vlan;
	uint64_t truncated;	   /* dropped: longer than a buffer, or cut in a capture file */
	uint64_t no_buffer;	   /* times that no buffer was left; no count of packets */
	uint64_t socket_overflow;  /* datagrams that the kernel dropped (SO_RXQ_OVFL) */
	uint64_t unknown_stream;   /* dropped: to a port that no stream has */
	/* A card's own counts, and what its queue gave that is no stream's. */
	uint64_t ring_full;	   /* packets that the card dropped: its ring was full */
	uint64_t no_mbuf;	   /* packets that the driver dropped: no buffer was free */
	uint64_t card_errors;	   /* packets with a bad checksum or length, dropped by the card */
	uint64_t passed_on;	   /* to the kernel, over the exception path */
	uint64_t not_passed_on;	   /* dropped there: its queue was full */
	/* Headers, of a capture file or from a card. */
	uint64_t fragments;	   /* of IP datagrams: refused */
	uint64_t malformed;	   /* headers that contradict themselves or end too soon */
	uint64_t other;		   /* no UDP over IPv4 */
};

extern const struct sp_counter sp_packet_counter_table[];
extern const size_t sp_packet_counter_table_n;

#define SP_VLAN_UNTAGGED 0xFFFF

struct sp_packet_stream {
	int fd;		    /* a bound, non-blocking UDP socket; the caller owns it. -1: none */
	uint16_t host_port; /* host order */
	uint32_t host_ip;   /* host order; 0: any. For sources that see IP headers */
	uint32_t camera_ip; /* host order; 0: any */
	uint16_t camera_port; /* that the camera sends from, host order; 0: any */
	/* For sources that see Ethernet headers; others leave these to the kernel. */
	uint8_t camera_mac[6]; /* all 0: any */
	uint16_t vlan;	    /* VLAN id 1 … 4094, SP_VLAN_UNTAGGED, or 0: any */
};

struct sp_packet_source_ops {
	const char *name;
	void (*close)(struct sp_packet_source *source);
	/* Streams are numbered 0, 1, … in the order of the calls. 0 or -errno with @err filled. */
	int (*add_stream)(struct sp_packet_source *source, const struct sp_packet_stream *stream,
			  struct sp_err *err);
	/* Optional; between the last add_stream and the first receive. 0 or -errno as above. */
	int (*start)(struct sp_packet_source *source, struct sp_err *err);
	/*
	 * Up to @max packets, those of one stream in the order they came. Waits up to @timeout_ns
	 * for the first, then takes what is there. Returns the count, -ENODATA when a capture file
	 * is at its end (for good), another -errno when the source is broken.
	 */
	int (*receive)(struct sp_packet_source *source, struct sp_packet *packets, unsigned int max,
		       uint64_t timeout_ns);
	void (*release)(struct sp_packet_source *source, const uint64_t *tokens, unsigned int n);
	/* now_ns as this source sees it: CLOCK_MONOTONIC, or the capture's stamps. */
	uint64_t (*now)(struct sp_packet_source *source);
};

/* Every implementation's struct begins with this. */
struct sp_packet_source {
	const struct sp_packet_source_ops *ops;
	struct sp_region *region;
	unsigned int buffers; /* how many packets may be lent at once */
	/*
	 * Packets wait until they are asked for, so that a reader who is slow loses nothing: a file
	 * that is read as fast as it goes. False: they come when they come.
	 */
	bool patient;
	struct sp_packet_counters counters;
};

struct sp_udp_config {
	unsigned int buffers;	  /* packet buffers, shared by the streams */
	unsigned int buffer_size; /* largest UDP payload, bytes */
	bool no_uring;		  /* recvmmsg even where io_uring works */
};

/* The region is the source's own. 0 or -errno with @err filled. */
int sp_udp_open(const struct sp_udp_config *config, struct sp_packet_source **ret_source,
		struct sp_err *err);

struct sp_dpdk_config {
	/*
	 * EAL arguments, such as "--vdev=net_af_packet0,iface=eth1"; the first open initialises EAL
	 * with them, later ones must give the same (EAL is one a process). Only --vdev may differ:
	 * such devices come and go with the sources.
	 */
	const char *const *eal;
	unsigned int eal_n;
	const char *port;	  /* device name as EAL has it, or NULL: the only one there is */
	const char *exception;	  /* device that takes what is no stream's to the kernel, or NULL */
	const char *drop_interface; /* have the kernel drop the streams' packets there, or NULL */
	unsigned int queues;	  /* of the port, each a source of its own with its own region */
	unsigned int buffers;	  /* packet buffers, of each queue */
	unsigned int buffer_size; /* largest UDP payload, bytes */
	bool no_split;		  /* whole packets even where the card could split them */
	bool extended_ids;	  /* where to split: after extended headers, not standard ones */
	bool no_flow;		  /* no rte_flow rules: what the port gives is sorted in software */
	uint64_t nap_max_ns;	  /* longest nap of a quiet queue; 0: it never naps */
};

/*
 * Opens the port and @config->queues sources at ret_sources[], each one thread's; the port closes
 * with the last of them. 0, or -errno with @err filled: -ENOSYS where this build has no DPDK.
 */
int sp_dpdk_open(const struct sp_dpdk_config *config, struct sp_packet_source **ret_sources,
		 struct sp_err *err);

/*
 * Which of the sources that were opened together with @source shall have @stream: the next in turn
 * where the card steers by rule (rte_flow), the one that the card's hash leads to where it spreads
 * by IP addresses (RSS). Ask once for each stream, before its add_stream.
 */
unsigned int sp_dpdk_queue(struct sp_packet_source *source, const struct sp_packet_stream *stream);

struct sp_replay_config {
	const char *path;	/* pcap or pcapng: Ethernet, Linux cooked or raw IP */
	double speed;		/* 1: at wire time, 2: twice as fast, 0: as fast as it goes */
	unsigned int buffers, buffer_size;
};

int sp_replay_open(const struct sp_replay_config *config, struct sp_packet_source **ret_source,
		   struct sp_err *err);

/*
 * A UDP socket for a stream: bound to @host_ip:@port (0: any free port), non-blocking, receive
 * buffer as large as the system allows up to @rcvbuf bytes. Returns the fd (*ret_port is the bound
 * port) or -errno with @err filled.
 */
int sp_udp_socket(uint32_t host_ip, uint16_t port, uint32_t rcvbuf, uint16_t *ret_port,
		  struct sp_err *err);

#endif
