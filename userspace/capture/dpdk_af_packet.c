/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel dropped before net_af_packet: DPDK 22.11 does not ask. The driver's socket is
 * among our own files: an AF_PACKET socket with the driver's ring format, bound to its interface.
 * The kernel sets the count back when it is read, so with a driver that asks too nothing counts
 * twice.
 */
#include "capture/dpdk.h"

#include <dirent.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool is_of(int fd, unsigned int interface)
{
	struct sockaddr_ll address = { 0 };
	socklen_t size = sizeof(int);
	int domain = 0, version = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) || domain != AF_PACKET)
		return false;
	size = sizeof(version);
	if (getsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, &size) || version != TPACKET_V2)
		return false;
	size = sizeof(address);
	return !getsockname(fd, (struct sockaddr *)&address, &size) &&
	       (unsigned int)address.sll_ifindex == interface;
}

int sp_dpdk_af_packet_socket(const char *interface)
{
	unsigned int index = if_nametoindex(interface);
	DIR *files = index ? opendir("/proc/self/fd") : NULL;
	struct dirent *entry;
	int found = -1;

	if (!files)
		return -1;
	while (found < 0 && (entry = readdir(files))) {
		int fd = atoi(entry->d_name);

		if (fd > 0 && is_of(fd, index))
			found = fd;
	}
	closedir(files);
	return found;
}

uint64_t sp_dpdk_af_packet_drops(int fd)
{
	struct tpacket_stats stats = { 0 };
	socklen_t size = sizeof(stats);

	if (fd < 0 || getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		return 0;
	return stats.tp_drops;
}
