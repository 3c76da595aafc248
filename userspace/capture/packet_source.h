/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PORT: where packets come from. Implementations: udp.c (io_uring multishot recvmsg, or recvmmsg),
 * replay.c (a capture file); later dpdk.c.
 *
 * A packet is a UDP payload that lies in the source's region. The CPU reads its header there and
 * nothing moves it. receive lends the buffers; each token goes back through release exactly once,
 * in any order, when no frame needs the packet any more.
 *
 * Threads: open, add_stream, close: main, while the capture thread does not run. receive, release:
 * the capture thread. counters: any thread.
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
	uint64_t offset; /* of the UDP payload, from the region's base */
	uint64_t token;	 /* the source's name for the buffer */
	uint64_t rx_ns;	 /* when it was received */
	uint32_t length; /* bytes of the UDP payload */
	uint32_t stream; /* as numbered by add_stream */
	uint32_t source_ip; /* host order */
};

struct sp_packet_counters {
	uint64_t received;	   /* datagrams handed to the assembler */
	uint64_t foreign;	   /* dropped: not from the stream's camera */
	uint64_t truncated;	   /* dropped: longer than a buffer, or cut in a capture file */
	uint64_t no_buffer;	   /* times that no buffer was left; no count of packets */
	uint64_t socket_overflow;  /* datagrams that the kernel dropped (SO_RXQ_OVFL) */
	uint64_t unknown_stream;   /* dropped: to a port that no stream has */
	/* Records of a capture file. */
	uint64_t fragments;	   /* of IP datagrams: refused */
	uint64_t malformed;	   /* headers that contradict themselves or end too soon */
	uint64_t other;		   /* no UDP over IPv4 */
};

extern const struct sp_counter sp_packet_counter_table[];
extern const size_t sp_packet_counter_table_n;

struct sp_packet_stream {
	int fd;		    /* a bound, non-blocking UDP socket; the caller owns it. -1: none */
	uint16_t host_port; /* host order */
	uint32_t camera_ip; /* host order; 0: any */
};

struct sp_packet_source_ops {
	const char *name;
	void (*close)(struct sp_packet_source *source);
	/* Streams are numbered 0, 1, … in the order of the calls. 0 or -errno with @err filled. */
	int (*add_stream)(struct sp_packet_source *source, const struct sp_packet_stream *stream,
			  struct sp_err *err);
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
