/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/camera_sockets.h"
#include "app/config.h"
#include "app/doctor.h"
#include "wire/gvcp.h"

enum { INTERFACES_MAX = 16 }; /* that are looked at */

/* The interface that leads to @address, if it is an IP address and there is a route. */
static bool interface_to(const char *address, char name[IFNAMSIZ])
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(GVCP_PORT) }, from;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(from);
	struct ifaddrs *all = NULL;
	bool found = false;

	if (fd >= 0 && inet_pton(AF_INET, address, &to.sin_addr) == 1 &&
	    !connect(fd, (struct sockaddr *)&to, sizeof(to)) &&
	    !getsockname(fd, (struct sockaddr *)&from, &size) && !getifaddrs(&all)) {
		for (struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
			struct sockaddr_in *own = (struct sockaddr_in *)i->ifa_addr;

			found = own && own->sin_family == AF_INET &&
				(own->sin_addr.s_addr == from.sin_addr.s_addr ||
				 (i->ifa_flags & IFF_LOOPBACK &&
				  ntohl(from.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET));
			if (found)
				snprintf(name, IFNAMSIZ, "%s", i->ifa_name);
		}
		freeifaddrs(all);
	}
	if (fd >= 0)
		close(fd);
	return found;
}

static int mtu_of(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu = -1;
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd >= 0 && !ioctl(fd, SIOCGIFMTU, &request))
		mtu = request.ifr_mtu;
	if (fd >= 0)
		close(fd);
	return mtu;
}

/* False where the interface has no such ring. */
static bool ring_of(const char *name, struct ethtool_ringparam *ring)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_data = (void *)ring };
	bool known;

	memset(ring, 0, sizeof(*ring));
	ring->cmd = ETHTOOL_GRINGPARAM;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	known = fd >= 0 && !ioctl(fd, SIOCETHTOOL, &request) && ring->rx_max_pending;
	if (fd >= 0)
		close(fd);
	return known;
}

static void look_interface(struct sp_doctor *d, const char *name)
{
	struct ethtool_ringparam ring;
	char subject[64];

	snprintf(subject, sizeof(subject), "interface %s", name);
	if (!ring_of(name, &ring))
		return;
	if (ring.rx_pending < ring.rx_max_pending)
		sp_doctor_find(d, SP_DOCTOR_ADVICE, subject,
			       "its receive ring holds %u of %u packets; "
			       "ethtool -G %s rx %u",
			       ring.rx_pending, ring.rx_max_pending, name, ring.rx_max_pending);
	else
		sp_doctor_find(d, SP_DOCTOR_GOOD, subject,
			       "its receive ring holds %u packets, as many as "
			       "it can",
			       ring.rx_pending);
}

static void look_mtu(struct sp_doctor *d, const struct sp_config_camera *camera, const char *name)
{
	int mtu = mtu_of(name);
	char subject[64];

	snprintf(subject, sizeof(subject), "camera %.40s", camera->name);
	if (mtu < 0)
		return;
	if ((int)camera->packet_size > mtu)
		sp_doctor_find(d, SP_DOCTOR_FAULT, subject,
			       "sends packets of %u bytes and the MTU of %s is %d; ip link set %s "
			       "mtu %u, and every switch on the way, or lower packet_size",
			       camera->packet_size, name, mtu, name, camera->packet_size);
	else if (mtu >= 9000 && camera->packet_size <= 1500 && !strncmp(name, "lo", 3))
		sp_doctor_find(d, SP_DOCTOR_GOOD, subject, "reached over loopback");
	else if (mtu >= 9000 && camera->packet_size <= 1500)
		sp_doctor_find(d, SP_DOCTOR_ADVICE, subject,
			       "sends packets of %u bytes where %s takes %d; a "
			       "larger packet_size costs less of the CPU",
			       camera->packet_size, name, mtu);
	else
		sp_doctor_find(d, SP_DOCTOR_GOOD, subject,
			       "packets of %u bytes fit the MTU of %s, %d", camera->packet_size,
			       name, mtu);
}

static void look_socket_memory(struct sp_doctor *d)
{
	uint64_t most = sp_doctor_read(d, "/proc/sys/net/core/rmem_max", UINT64_MAX);

	if (d->config->capture.source != SP_SOURCE_UDP)
		return;
	if (most >= SP_CAMERA_SOCKET_BUFFER || d->privileged)
		sp_doctor_find(d, SP_DOCTOR_GOOD, "socket buffers",
			       "may be as large as is asked for");
	else
		sp_doctor_find(d, SP_DOCTOR_ADVICE, "socket buffers",
			       "net.core.rmem_max allows %llu KiB of "
			       "%u KiB; sysctl net.core.rmem_max=%u",
			       (unsigned long long)most >> 10, SP_CAMERA_SOCKET_BUFFER >> 10,
			       SP_CAMERA_SOCKET_BUFFER);
}

/*
 * Rules of capture/ingress.c that outlived their instance: a socket would wait in vain for what
 * they drop. Who may not ask is told nothing.
 */
static void look_drop_rules(struct sp_doctor *d)
{
	FILE *tables = popen("nft list tables netdev 2>/dev/null", "re");
	char line[128], name[64];

	while (tables && fgets(line, sizeof(line), tables))
		if (sscanf(line, "table netdev %63s", name) == 1 &&
		    !strncmp(name, "sallyport_", 10))
			sp_doctor_find(d, SP_DOCTOR_ADVICE, "drop rule",
				       "the kernel drops streams by the table %s; if no instance "
				       "runs, one was killed: nft delete table netdev %s",
				       name, name);
	if (tables)
		pclose(tables);
}

void sp_doctor_look_network(struct sp_doctor *d)
{
	char seen[INTERFACES_MAX][IFNAMSIZ], name[IFNAMSIZ];
	unsigned int seen_n = 0;

	look_socket_memory(d);
	look_drop_rules(d);
	for (uint32_t i = 0; i < d->config->lanes_count; i++) {
		for (uint32_t k = 0; k < d->config->lanes[i].cameras_count; k++) {
			const struct sp_config_camera *camera = &d->config->lanes[i].cameras[k];
			bool known = false;

			if (d->config->capture.replay || !interface_to(camera->address, name))
				continue;
			look_mtu(d, camera, name);
			for (unsigned int s = 0; s < seen_n && !known; s++)
				known = !strcmp(seen[s], name);
			if (known || seen_n == INTERFACES_MAX)
				continue;
			memcpy(seen[seen_n++], name, sizeof(name));
			look_interface(d, name);
		}
	}
}
