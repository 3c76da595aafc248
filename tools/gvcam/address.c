/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SEND_BUFFER_BYTES = 4 << 20 };

const char *gvcam_address_text(uint32_t ip, char text[INET_ADDRSTRLEN])
{
	struct in_addr address = { htonl(ip) };

	return inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN);
}

uint32_t gvcam_address_mask(uint32_t ip)
{
	struct ifaddrs *list, *at;
	uint32_t mask = 0xFFFFFF00u;

	if (getifaddrs(&list))
		return mask;
	for (at = list; at; at = at->ifa_next) {
		const struct sockaddr_in *address = (const void *)at->ifa_addr;
		const struct sockaddr_in *netmask = (const void *)at->ifa_netmask;

		if (!address || !netmask || address->sin_family != AF_INET)
			continue;
		if ((ip & ntohl(netmask->sin_addr.s_addr)) ==
		    (ntohl(address->sin_addr.s_addr) & ntohl(netmask->sin_addr.s_addr)))
			mask = ntohl(netmask->sin_addr.s_addr);
	}
	freeifaddrs(list);
	return mask;
}

int gvcam_address_open(uint32_t ip, uint16_t port, bool shared, int *ret_fd)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(ip),
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int one = 1, res;

	if (fd < 0)
		return -errno;
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		res = -errno;
		close(fd);
		return res;
	}
	*ret_fd = fd;
	return 0;
}

uint16_t gvcam_address_port(int fd)
{
	struct sockaddr_in address = { 0 };
	socklen_t size = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &size);
	return ntohs(address.sin_port);
}

void gvcam_address_use_to_stream(int fd)
{
	int size = SEND_BUFFER_BYTES, one = 1, fragments = IP_PMTUDISC_DONT;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* As outlets begin: fragments allowed until the controller sets DF. */
	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &fragments, sizeof(fragments));
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
}
