/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UDP packet source with io_uring: one multishot recvmsg a socket, which lands each datagram in
 * a buffer of a ring that we keep filled, and costs no system call while completions wait.
 *
 * The kernel writes into a buffer: struct io_uring_recvmsg_out, the sender's address, the control
 * messages, then the payload; the first three are SP_PACKET_HEADROOM bytes.
 *
 * A completion names its buffer by 16 bits only, and a buffer ring holds 32768 at most. So the ring
 * has "places"; place_buffer[] says which buffer lies in which, and a source may have more buffers
 * than places.
 */
#include "capture/udp.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/diag.h"

enum {
	PLACES_MAX = 32768,
	BUFFER_GROUP = 0,
};

static_assert(sizeof(struct io_uring_recvmsg_out) + sizeof(struct sockaddr_in) + SP_UDP_CONTROL ==
		      SP_PACKET_HEADROOM,
	      "the payload begins at SP_PACKET_HEADROOM");

struct uring_source {
	struct sp_udp udp;
	struct io_uring ring;
	bool enabled; /* by the first receive, so that the ring belongs to the capture thread */
	int broken;   /* -errno of a socket that is gone for good */
	bool armed[SP_UDP_STREAMS_MAX];
	struct msghdr shape; /* sizes of name and control messages for every recvmsg */
	/* The buffer ring. */
	struct io_uring_buf_ring *shelf;
	uint32_t places;	/* a power of two */
	uint32_t free_places_n;
	uint16_t *free_places;	/* [places] those that hold no buffer */
	uint32_t *place_buffer; /* [places] */
};

/* Puts every free buffer that has a place at the kernel's disposal. */
static void provide(struct uring_source *s)
{
	struct sp_packet_buffers *buffers = &s->udp.buffers;
	int mask = io_uring_buf_ring_mask(s->places), n = 0;

	while (buffers->free && s->free_places_n) {
		uint16_t place = s->free_places[--s->free_places_n];
		uint32_t buffer = sp_packet_buffers_take(buffers);

		s->place_buffer[place] = buffer;
		io_uring_buf_ring_add(s->shelf, sp_packet_buffers_at(buffers, buffer),
				      SP_PACKET_HEADROOM + buffers->payload, place, mask, n++);
	}
	if (n)
		io_uring_buf_ring_advance(s->shelf, n);
}

/* Arms the streams whose multishot ended; they are submitted by the next wait. */
static void arm(struct uring_source *s)
{
	/* With no buffer there it would end at once with ENOBUFS. */
	if (s->free_places_n == s->places)
		return;
	for (uint32_t i = 0; i < s->udp.streams_n; i++) {
		struct io_uring_sqe *sqe;

		if (s->armed[i])
			continue;
		sqe = io_uring_get_sqe(&s->ring);
		if (!sqe)
			return;
		io_uring_prep_recvmsg_multishot(sqe, s->udp.streams[i].fd, &s->shape, 0);
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = BUFFER_GROUP;
		io_uring_sqe_set_data64(sqe, i);
		s->armed[i] = true;
	}
}

/* What the kernel wrote before the payload. False if @size has no room for it. */
static bool parse(const struct uring_source *s, uint32_t buffer, int size,
		  struct sp_udp_datagram *ret_datagram)
{
	uint8_t *base = sp_packet_buffers_at(&s->udp.buffers, buffer);
	struct io_uring_recvmsg_out out;

	if (size < SP_PACKET_HEADROOM)
		return false;
	memcpy(&out, base, sizeof(out));
	*ret_datagram = (struct sp_udp_datagram){
		.buffer = buffer,
		.length = (uint32_t)size - SP_PACKET_HEADROOM,
		.name = base + sizeof(out),
		.name_length = out.namelen,
		.control = base + sizeof(out) + sizeof(struct sockaddr_in),
		.control_length = out.controllen < SP_UDP_CONTROL ? out.controllen : SP_UDP_CONTROL,
		.truncated = out.flags & MSG_TRUNC,
	};
	return true;
}

/* One completion. Returns whether it filled @packet. */
static bool complete(struct uring_source *s, const struct io_uring_cqe *cqe, uint64_t now_ns,
		     struct sp_packet *packet)
{
	struct sp_packet_buffers *buffers = &s->udp.buffers;
	uint32_t stream = (uint32_t)cqe->user_data;
	struct sp_udp_datagram datagram;
	uint32_t buffer = 0;

	if (!(cqe->flags & IORING_CQE_F_MORE))
		s->armed[stream] = false;
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		uint16_t place = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);

		buffer = s->place_buffer[place];
		s->free_places[s->free_places_n++] = place;
		if (cqe->res >= 0 && parse(s, buffer, cqe->res, &datagram))
			return sp_udp_accept(&s->udp, stream, &datagram, now_ns, packet);
		sp_packet_buffers_give(buffers, buffer);
	}
	if (cqe->res == -ENOBUFS) {
		if (sp_packet_buffers_starve(buffers))
			sp_count(&s->udp.source.counters.no_buffer, 1);
	} else if (cqe->res < 0 && sp_udp_error_is_final(-cqe->res)) {
		s->broken = cqe->res;
	}
	return false;
}

/* Takes the completions that are there, without a system call. */
static unsigned int reap(struct uring_source *s, struct sp_packet *packets, unsigned int max)
{
	unsigned int head, seen = 0, n = 0;
	uint64_t now_ns = sp_clock_now();
	struct io_uring_cqe *cqe;

	io_uring_for_each_cqe(&s->ring, head, cqe) {
		if (n == max)
			break;
		n += complete(s, cqe, now_ns, &packets[n]);
		seen++;
	}
	io_uring_cq_advance(&s->ring, seen);
	return n;
}

static int uring_receive(struct sp_packet_source *source, struct sp_packet *packets,
			 unsigned int max, uint64_t timeout_ns)
{
	struct uring_source *s = (struct uring_source *)source;
	uint64_t now = sp_clock_now(), deadline = now + timeout_ns;

	if (!s->enabled) {
		/* Debian 12's liburing declares io_uring_enable_rings and does not export it. */
		int error = io_uring_register((unsigned)s->ring.ring_fd,
					      IORING_REGISTER_ENABLE_RINGS, NULL, 0);

		if (error)
			return error;
		s->enabled = true;
	}
	for (;;) {
		uint64_t left = deadline > now ? deadline - now : 0;
		struct __kernel_timespec wait;
		struct io_uring_cqe *cqe;
		unsigned int n;
		int error;

		provide(s);
		arm(s);
		n = reap(s, packets, max);
		if (n)
			return (int)n;
		if (s->broken)
			return s->broken;
		/* Nothing can come while no buffer is free, and only the caller can free one. */
		if (s->free_places_n == s->places && left > SP_UDP_STARVED_NAP_NS) {
			left = SP_UDP_STARVED_NAP_NS;
			deadline = now + left;
		}
		wait.tv_sec = (long long)(left / SP_NS_PER_S);
		wait.tv_nsec = (long long)(left % SP_NS_PER_S);
		error = io_uring_submit_and_wait_timeout(&s->ring, &cqe, 1, &wait, NULL);
		if (error < 0 && error != -ETIME && error != -EINTR && error != -EAGAIN &&
		    error != -EBUSY)
			return error;
		now = sp_clock_now();
		if (now < deadline)
			continue;
		n = reap(s, packets, max);
		if (!n && !s->broken)
			sp_udp_count_drops(&s->udp);
		return n || !s->broken ? (int)n : s->broken;
	}
}

/* Room for every place's completion beside the ends of all multishots. */
static int init_ring(struct uring_source *s)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED |
			 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		.cq_entries = s->places + 2 * SP_UDP_STREAMS_MAX,
	};

	return io_uring_queue_init_params(SP_UDP_STREAMS_MAX, &s->ring, &params);
}

static int init_shelf(struct uring_source *s)
{
	struct io_uring_buf_reg reg = { .ring_entries = s->places, .bgid = BUFFER_GROUP };
	size_t size = s->places * sizeof(struct io_uring_buf);
	void *shelf;
	int error;

	s->free_places = malloc(s->places * sizeof(*s->free_places));
	s->place_buffer = calloc(s->places, sizeof(*s->place_buffer));
	if (!s->free_places || !s->place_buffer)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->places; i++)
		s->free_places[i] = (uint16_t)(s->places - 1 - i);
	s->free_places_n = s->places;
	shelf = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (shelf == MAP_FAILED)
		return -errno;
	io_uring_buf_ring_init(shelf);
	reg.ring_addr = (uintptr_t)shelf;
	error = io_uring_register_buf_ring(&s->ring, &reg, 0);
	if (error) {
		munmap(shelf, size);
		return error;
	}
	s->shelf = shelf;
	return 0;
}

static void uninit_shelf(struct uring_source *s)
{
	if (s->shelf)
		munmap(s->shelf, s->places * sizeof(struct io_uring_buf));
	free(s->free_places);
	free(s->place_buffer);
}

static void uring_close(struct sp_packet_source *source)
{
	struct uring_source *s = (struct uring_source *)source;

	/*
	 * The kernel cancels what is armed in the background: the sockets' ports stay taken for
	 * some milliseconds. Only the thread that waits ever fills buffers, and it is gone.
	 */
	io_uring_queue_exit(&s->ring);
	uninit_shelf(s);
	sp_udp_uninit(&s->udp);
	free(s);
}

static const struct sp_packet_source_ops uring_ops = {
	.name = "io_uring",
	.close = uring_close,
	.add_stream = sp_udp_add_stream,
	.receive = uring_receive,
	.release = sp_udp_release,
	.now = sp_udp_now,
};

int sp_udp_open_uring(const struct sp_udp_config *config, struct sp_packet_source **ret_source,
		      struct sp_err *err)
{
	struct uring_source *s = calloc(1, sizeof(*s));
	int error;

	if (!s)
		return sp_err_set(err, -ENOMEM, "udp: no memory; close other programs");
	error = sp_udp_init(&s->udp, &uring_ops, config, err);
	if (error)
		goto err_free;
	for (s->places = 1; s->places < config->buffers && s->places < PLACES_MAX; s->places <<= 1)
		;
	s->shape.msg_namelen = sizeof(struct sockaddr_in);
	s->shape.msg_controllen = SP_UDP_CONTROL;
	error = init_ring(s);
	if (error) {
		sp_err_set(err, error, "udp: io_uring is refused (%s)", strerror(-error));
		goto err_uninit;
	}
	error = init_shelf(s);
	if (error) {
		sp_err_set(err, error, "udp: io_uring has no buffer rings (%s)", strerror(-error));
		goto err_exit;
	}
	*ret_source = &s->udp.source;
	return 0;

err_exit:
	io_uring_queue_exit(&s->ring);
	uninit_shelf(s);
err_uninit:
	sp_udp_uninit(&s->udp);
err_free:
	free(s);
	return error;
}
