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

/* The socket is connected, so it hears the camera's address only. */
static bool hear(int fd, struct sp_gvcp_discovery *ret_discovery)
{
	uint8_t bytes[GVCP_MESSAGE_MAX];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	struct sp_gvcp_ack ack;

	if (n <= 0 || sp_gvcp_parse_ack(bytes, (size_t)n, &ack) || ack.id != PROBE_ID ||
	    ack.code != GVCP_DISCOVERY_ACK)
		return false;
	if (ack.status & GVCP_STATUS_ERROR_BIT)
		*ret_discovery = (struct sp_gvcp_discovery){ 0 };
	else
		*ret_discovery = ack.discovery;
	return true;
}

/* True if the answer came in time. An answer to an earlier try is as good. */
static bool await_answer(int fd, struct sp_gvcp_discovery *ret_discovery)
{
	uint64_t until = sp_clock_now() + SP_PROBE_WAIT_MS * SP_NS_PER_MS, now;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	/* Where the port is closed poll returns at once, with an error that recv eats. */
	while ((now = sp_clock_now()) < until) {
		poll(&pfd, 1, (int)((until - now) / SP_NS_PER_MS) + 1);
		if (hear(fd, ret_discovery))
			return true;
	}
	return false;
}

int sp_gvcp_probe(uint32_t ip, unsigned int tries, struct sp_gvcp_discovery *ret_discovery)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(GVCP_PORT),
		.sin_addr.s_addr = htonl(ip),
	};
	uint8_t question[GVCP_MESSAGE_MAX];
	int size = sp_gvcp_build_discovery(question, sizeof(question), PROBE_ID);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = -ETIMEDOUT;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		ret = -errno;
	for (unsigned int i = 0; i < tries && ret == -ETIMEDOUT; i++) {
		/* ECONNREFUSED is news of the try before: the port was closed then. */
		if (send(fd, question, (size_t)size, 0) < 0 && errno != ECONNREFUSED)
			ret = -errno;
		else if (await_answer(fd, ret_discovery))
			ret = 0;
	}
	close(fd);
	return ret;
}
