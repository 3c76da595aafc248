/* SPDX-License-Identifier: Apache-2.0 */
#include "control/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/gvcp.h"

enum { PROBE_ID = 1 };

/* A connected socket hears this address only; other datagrams are answers to nobody's question. */
static bool is_answer(int fd)
{
	uint8_t bytes[GVCP_MESSAGE_MAX];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	struct sp_gvcp_ack ack;

	return n > 0 && !sp_gvcp_parse_ack(bytes, (size_t)n, &ack) && ack.id == PROBE_ID;
}

/* True if the answer came in time. */
static bool await_answer(int fd)
{
	uint64_t until = sp_clock_now() + SP_PROBE_WAIT_MS * SP_NS_PER_MS, now;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	/* Keeps the pace: where the port is closed poll returns at once, with an error that recv eats. */
	while ((now = sp_clock_now()) < until) {
		poll(&pfd, 1, (int)((until - now) / SP_NS_PER_MS) + 1);
		if (is_answer(fd))
			return true;
	}
	return false;
}

int sp_gvcp_probe(uint32_t ip)
{
	static const uint32_t version = GVCP_REG_VERSION;
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(GVCP_PORT),
		.sin_addr.s_addr = htonl(ip),
	};
	uint8_t question[GVCP_MESSAGE_MAX];
	int size = sp_gvcp_build_read_registers(question, sizeof(question), PROBE_ID, &version, 1);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = -ETIMEDOUT;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		ret = -errno;
	for (int i = 0; i < SP_PROBE_TRIES && ret == -ETIMEDOUT; i++) {
		/* ECONNREFUSED is news of the try before: the port was closed then. */
		if (send(fd, question, (size_t)size, 0) < 0 && errno != ECONNREFUSED)
			ret = -errno;
		else if (await_answer(fd))
			ret = 0;
	}
	close(fd);
	return ret;
}
