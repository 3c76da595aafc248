/* SPDX-License-Identifier: Apache-2.0 */
/* The UDP packet source with poll and recvmmsg, where io_uring is refused. */
#include "capture/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

enum { BURST = 64 }; /* datagrams a call */

/* What recvmmsg fills beside one payload. */
struct beside {
	_Alignas(struct cmsghdr) uint8_t control[SP_UDP_CONTROL];
	struct sockaddr_in name;
};

struct recvmmsg_source {
	struct sp_udp udp;
	struct pollfd polled[SP_UDP_STREAMS_MAX];
	unsigned int first; /* stream to begin with: a busy one must not starve the others */
	struct mmsghdr messages[BURST];
	struct iovec vectors[BURST];
	struct beside beside[BURST];
	uint32_t taken[BURST]; /* the buffers behind vectors[] */
};

/* Up to @max (≤ BURST, ≤ free buffers) datagrams of one socket. Returns packets, or -errno. */
static int receive_stream(struct recvmmsg_source *s, uint32_t stream, struct sp_packet *packets,
			  unsigned int max, bool *ret_empty)
{
	struct sp_udp *udp = &s->udp;
	int got, packets_n = 0, error = 0;
	uint64_t now_ns;

	for (unsigned int i = 0; i < max; i++) {
		s->taken[i] = sp_packet_buffers_take(&udp->buffers);
		s->vectors[i].iov_base = sp_packet_buffers_at(&udp->buffers, s->taken[i]) +
					 SP_PACKET_HEADROOM;
		s->vectors[i].iov_len = udp->buffers.payload;
		s->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &s->beside[i].name,
			.msg_namelen = sizeof(s->beside[i].name),
			.msg_iov = &s->vectors[i],
			.msg_iovlen = 1,
			.msg_control = s->beside[i].control,
			.msg_controllen = sizeof(s->beside[i].control),
		};
	}
	got = recvmmsg(udp->streams[stream].fd, s->messages, max, MSG_DONTWAIT, NULL);
	if (got < 0) {
		error = sp_udp_error_is_final(errno) ? -errno : 0;
		got = 0;
	}
	*ret_empty = got < (int)max;
	/* In reverse, so that the stack of free buffers keeps its order. */
	for (int i = (int)max - 1; i >= got; i--)
		sp_packet_buffers_give(&udp->buffers, s->taken[i]);
	now_ns = sp_clock_now();
	for (int i = 0; i < got; i++) {
		const struct msghdr *msg = &s->messages[i].msg_hdr;
		const struct sp_udp_datagram datagram = {
			.buffer = s->taken[i],
			.length = s->messages[i].msg_len,
			.name = msg->msg_name,
			.name_length = msg->msg_namelen,
			.control = msg->msg_control,
			.control_length = (uint32_t)msg->msg_controllen,
			.truncated = msg->msg_flags & MSG_TRUNC,
		};

		packets_n += sp_udp_accept(udp, stream, &datagram, now_ns, &packets[packets_n]);
	}
	return error ? error : packets_n;
}

/* What the sockets that poll found ready have, without waiting. Returns packets, or -errno. */
static int receive_ready(struct recvmmsg_source *s, struct sp_packet *packets, unsigned int max)
{
	struct sp_packet_buffers *buffers = &s->udp.buffers;
	unsigned int streams_n = s->udp.streams_n, n = 0;

	for (unsigned int i = 0; i < streams_n && n < max; i++) {
		uint32_t stream = (s->first + i) % streams_n;
		bool empty = !s->polled[stream].revents;

		while (!empty && n < max && buffers->free) {
			unsigned int want = max - n < BURST ? max - n : BURST;
			int got;

			if (want > buffers->free)
				want = buffers->free;
			got = receive_stream(s, stream, packets + n, want, &empty);
			if (got < 0)
				return n ? (int)n : got;
			n += (unsigned int)got;
		}
	}
	s->first = (s->first + 1) % streams_n;
	return (int)n;
}

static int recvmmsg_receive(struct sp_packet_source *source, struct sp_packet *packets,
			    unsigned int max, uint64_t timeout_ns)
{
	struct recvmmsg_source *s = (struct recvmmsg_source *)source;
	uint64_t now = sp_clock_now(), deadline = now + timeout_ns;

	for (;;) {
		uint64_t left = deadline > now ? deadline - now : 0;
		struct timespec wait;
		int n = 0, ready;

		if (!s->udp.buffers.free) {
			/* Only our caller frees buffers, and poll would not wait. */
			if (sp_packet_buffers_starve(&s->udp.buffers))
				sp_count(&source->counters.no_buffer, 1);
			sp_clock_sleep_until(now + (left < SP_UDP_STARVED_NAP_NS ?
							    left : SP_UDP_STARVED_NAP_NS));
			return 0;
		}
		wait.tv_sec = (time_t)(left / SP_NS_PER_S);
		wait.tv_nsec = (long)(left % SP_NS_PER_S);
		ready = ppoll(s->polled, s->udp.streams_n, &wait, NULL);
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready > 0)
			n = receive_ready(s, packets, max);
		if (n)
			return n;
		now = sp_clock_now();
		if (now >= deadline) {
			sp_udp_count_drops(&s->udp);
			return 0;
		}
	}
}

static int recvmmsg_add_stream(struct sp_packet_source *source,
			       const struct sp_packet_stream *stream, struct sp_err *err)
{
	struct recvmmsg_source *s = (struct recvmmsg_source *)source;
	int error = sp_udp_add_stream(source, stream, err);

	if (!error)
		s->polled[s->udp.streams_n - 1] = (struct pollfd){
			.fd = stream->fd,
			.events = POLLIN,
		};
	return error;
}

static void recvmmsg_close(struct sp_packet_source *source)
{
	struct recvmmsg_source *s = (struct recvmmsg_source *)source;

	sp_udp_uninit(&s->udp);
	free(s);
}

static const struct sp_packet_source_ops recvmmsg_ops = {
	.name = "recvmmsg",
	.close = recvmmsg_close,
	.add_stream = recvmmsg_add_stream,
	.receive = recvmmsg_receive,
	.release = sp_udp_release,
	.now = sp_udp_now,
};

int sp_udp_open_recvmmsg(const struct sp_udp_config *config, struct sp_packet_source **ret_source,
			 struct sp_err *err)
{
	struct recvmmsg_source *s = calloc(1, sizeof(*s));
	int error;

	if (!s)
		return sp_err_set(err, -ENOMEM, "udp: no memory; close other programs");
	error = sp_udp_init(&s->udp, &recvmmsg_ops, config, err);
	if (error) {
		free(s);
		return error;
	}
	*ret_source = &s->udp.source;
	return 0;
}
