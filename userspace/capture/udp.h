/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two engines of the UDP packet source share: udp_uring.c (io_uring multishot recvmsg) and
 * udp_recvmmsg.c (poll and recvmmsg). sp_udp_open chooses. For the files of the UDP source alone.
 */
#ifndef SP_CAPTURE_UDP_H
#define SP_CAPTURE_UDP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "capture/buffers.h"
#include "capture/packet_source.h"

enum {
	SP_UDP_STREAMS_MAX = 64,
	/* Room for the one control message that we ask for: SO_RXQ_OVFL, a u32. */
	SP_UDP_CONTROL = CMSG_SPACE(sizeof(uint32_t)),
};

/* How long receive naps when no buffer is free: only its caller can free one. */
#define SP_UDP_STARVED_NAP_NS (500 * SP_NS_PER_US)

struct sp_udp_stream {
	int fd;
	uint32_t camera_ip; /* host order; 0: any */
	uint16_t camera_port; /* host order; 0: any */
	uint32_t drops;	    /* of the socket's running count of drops (mod 2^32), what we counted */
};

/* Every engine's struct begins with this. */
struct sp_udp {
	struct sp_packet_source source;
	struct sp_packet_buffers buffers;
	struct sp_udp_stream streams[SP_UDP_STREAMS_MAX];
	unsigned int streams_n;
};

/*
 * The engines. On success the engine owns @ret_source's memory; on failure -errno with @err filled.
 * sp_udp_open_uring: -ENOSYS, -EPERM, -EINVAL or -ENOMEM where the kernel, a container or this
 * build has no io_uring that will do.
 */
int sp_udp_open_uring(const struct sp_udp_config *config, struct sp_packet_source **ret_source,
		      struct sp_err *err);
int sp_udp_open_recvmmsg(const struct sp_udp_config *config, struct sp_packet_source **ret_source,
			 struct sp_err *err);

/* Buffers and the port's fields. 0 or -errno with @err filled. */
int sp_udp_init(struct sp_udp *udp, const struct sp_packet_source_ops *ops,
		const struct sp_udp_config *config, struct sp_err *err);
void sp_udp_uninit(struct sp_udp *udp);

/* As in the port, for both engines. */
int sp_udp_add_stream(struct sp_packet_source *source, const struct sp_packet_stream *stream,
		      struct sp_err *err);
void sp_udp_release(struct sp_packet_source *source, const uint64_t *tokens, unsigned int n);
uint64_t sp_udp_now(struct sp_packet_source *source);

/* A datagram as the kernel gave it: its buffer and what came beside it. */
struct sp_udp_datagram {
	uint32_t buffer, length;
	const void *name; /* struct sockaddr_in, maybe not aligned */
	uint32_t name_length;
	const void *control; /* control messages, aligned as struct cmsghdr */
	uint32_t control_length;
	bool truncated;
};

/*
 * Counts the drops that the datagram reports, then fills @packet and returns true, or drops the
 * datagram (counted, its buffer given back) and returns false.
 */
bool sp_udp_accept(struct sp_udp *udp, uint32_t stream, const struct sp_udp_datagram *datagram,
		   uint64_t now_ns, struct sp_packet *packet);

/*
 * Whether a receive error (a positive errno) means that the stream's socket is of no use any more:
 * closed, or no socket. Others pass: nothing there, memory short for a moment, an ICMP error.
 */
bool sp_udp_error_is_final(int error);

/*
 * Asks the sockets what they dropped: a datagram reports only the drops before it, so those at the
 * end of a burst are found when nothing follows.
 */
void sp_udp_count_drops(struct sp_udp *udp);

#endif
