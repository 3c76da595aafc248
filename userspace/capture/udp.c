/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"

int sp_udp_open(const struct sp_udp_config *config, struct sp_packet_source **ret_source,
		struct sp_err *err)
{
	struct sp_err why;

	if (!config->no_uring) {
		if (!sp_udp_open_uring(config, ret_source, &why))
			return 0;
		sp_log(SP_LOG_INFO, "%s; receiving with recvmmsg", why.text);
	}
	return sp_udp_open_recvmmsg(config, ret_source, err);
}

int sp_udp_init(struct sp_udp *udp, const struct sp_packet_source_ops *ops,
		const struct sp_udp_config *config, struct sp_err *err)
{
	int error;

	error = sp_packet_buffers_init(&udp->buffers, config->buffers, config->buffer_size, err);
	if (error)
		return sp_err_prefix(err, error, "udp");
	udp->source.ops = ops;
	udp->source.region = &udp->buffers.region;
	udp->source.buffers = config->buffers;
	return 0;
}

void sp_udp_uninit(struct sp_udp *udp)
{
	sp_packet_buffers_uninit(&udp->buffers);
}

/* The socket's running count of drops; 0 where the system does not say. */
static uint32_t socket_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) ||
	    size <= SK_MEMINFO_DROPS * sizeof(info[0]))
		return 0;
	return info[SK_MEMINFO_DROPS];
}

int sp_udp_add_stream(struct sp_packet_source *source, const struct sp_packet_stream *stream,
		      struct sp_err *err)
{
	struct sp_udp *udp = (struct sp_udp *)source;
	const int on = 1;

	if (udp->streams_n == SP_UDP_STREAMS_MAX)
		return sp_err_set(err, -ENOSPC,
				  "udp: more than %d streams on one source; open another source",
				  SP_UDP_STREAMS_MAX);
	if (setsockopt(stream->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)))
		return sp_err_set(err, -errno, "udp: port %u: %s; give an open UDP socket",
				  stream->host_port, strerror(errno));
	udp->streams[udp->streams_n++] = (struct sp_udp_stream){
		.fd = stream->fd,
		.camera_ip = stream->camera_ip,
		.camera_port = stream->camera_port,
		/* What was dropped before is another's loss. */
		.drops = socket_drops(stream->fd),
	};
	return 0;
}

void sp_udp_release(struct sp_packet_source *source, const uint64_t *tokens, unsigned int n)
{
	struct sp_udp *udp = (struct sp_udp *)source;

	for (unsigned int i = 0; i < n; i++)
		sp_packet_buffers_give(&udp->buffers, (uint32_t)tokens[i]);
}

uint64_t sp_udp_now(struct sp_packet_source *source)
{
	(void)source;
	return sp_clock_now();
}

static void count_drops(struct sp_udp *udp, struct sp_udp_stream *stream, uint32_t drops)
{
	uint32_t more = drops - stream->drops;

	/* A datagram queued before we last asked the socket reports an older, lower count. */
	if (!more || more > INT32_MAX)
		return;
	stream->drops = drops;
	sp_count(&udp->source.counters.socket_overflow, more);
}

void sp_udp_count_drops(struct sp_udp *udp)
{
	for (unsigned int i = 0; i < udp->streams_n; i++)
		count_drops(udp, &udp->streams[i], socket_drops(udp->streams[i].fd));
}

static void read_control(struct sp_udp *udp, struct sp_udp_stream *stream, const void *control,
			 uint32_t length)
{
	/* CMSG_NXTHDR reads no further than msg_control + msg_controllen. */
	struct msghdr msg = { .msg_control = (void *)control, .msg_controllen = length };
	uint32_t drops;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL ||
		    c->cmsg_len < CMSG_LEN(sizeof(drops)))
			continue;
		memcpy(&drops, CMSG_DATA(c), sizeof(drops));
		count_drops(udp, stream, drops);
	}
}

bool sp_udp_accept(struct sp_udp *udp, uint32_t stream, const struct sp_udp_datagram *datagram,
		   uint64_t now_ns, struct sp_packet *packet)
{
	struct sp_packet_counters *counters = &udp->source.counters;
	struct sp_udp_stream *from = &udp->streams[stream];
	uint64_t *reason = &counters->received;
	struct sockaddr_in address = { 0 };

	read_control(udp, from, datagram->control, datagram->control_length);
	if (datagram->name_length >= sizeof(address))
		memcpy(&address, datagram->name, sizeof(address));
	if (from->camera_ip && ntohl(address.sin_addr.s_addr) != from->camera_ip)
		reason = &counters->foreign;
	else if (from->camera_port && ntohs(address.sin_port) != from->camera_port)
		reason = &counters->foreign_port;
	else if (datagram->truncated || datagram->length > udp->buffers.payload)
		reason = &counters->truncated;
	sp_count(reason, 1);
	if (reason != &counters->received) {
		sp_packet_buffers_give(&udp->buffers, datagram->buffer);
		return false;
	}
	*packet = (struct sp_packet){
		.head = sp_packet_buffers_at(&udp->buffers, datagram->buffer) + SP_PACKET_HEADROOM,
		.offset = sp_packet_buffers_offset(&udp->buffers, datagram->buffer) +
			  SP_PACKET_HEADROOM,
		.token = datagram->buffer,
		.rx_ns = now_ns,
		.length = datagram->length,
		.stream = (uint16_t)stream,
		.source_ip = ntohl(address.sin_addr.s_addr),
	};
	return true;
}

bool sp_udp_error_is_final(int error)
{
	return error == EBADF || error == ENOTSOCK || error == EFAULT || error == EINVAL ||
	       error == EOPNOTSUPP;
}

/* Binds and says in words what is wrong if it cannot. */
static int bind_to(int fd, uint32_t host_ip, uint16_t port, struct sp_err *err)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(host_ip),
	};
	const char *remedy = "check the address";
	char text[INET_ADDRSTRLEN];

	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return 0;
	if (errno == EADDRINUSE)
		remedy = "choose another port, or stop the program that has it";
	else if (errno == EADDRNOTAVAIL)
		remedy = "give an address of one of this machine's interfaces";
	else if (errno == EACCES)
		remedy = "choose a port from 1024 on";
	inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text));
	return sp_err_set(err, -errno, "udp: %s:%u: %s; %s", text, port, strerror(errno), remedy);
}

int sp_udp_socket(uint32_t host_ip, uint16_t port, uint32_t rcvbuf, uint16_t *ret_port,
		  struct sp_err *err)
{
	int fd, error, size = rcvbuf > INT32_MAX / 2 ? INT32_MAX / 2 : (int)rcvbuf;
	struct sockaddr_in bound;
	socklen_t length = sizeof(bound);

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return sp_err_set(err, -errno, "udp: socket: %s; raise the limit of open files",
				  strerror(errno));
	/* FORCE goes past net.core.rmem_max, for those with CAP_NET_ADMIN. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	error = bind_to(fd, host_ip, port, err);
	if (error)
		goto err_close;
	if (getsockname(fd, (struct sockaddr *)&bound, &length)) {
		error = sp_err_set(err, -errno, "udp: getsockname: %s; restart", strerror(errno));
		goto err_close;
	}
	*ret_port = ntohs(bound.sin_port);
	return fd;

err_close:
	close(fd);
	return error;
}
