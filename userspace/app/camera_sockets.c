/* SPDX-License-Identifier: Apache-2.0 */
#include "app/camera_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/backends.h"
#include "app/config.h"
#include "app/stages.h"
#include "base/diag.h"
#include "capture/packet_source.h"
#include "control/camera.h"
#include "wire/gvcp.h"

enum { DISCOVER_MAX = 256 };

/* The cameras that answer, asked once however many are named by id: it takes a second. */
struct discovery {
	struct sp_camera_info found[DISCOVER_MAX];
	int n; /* -1: not asked yet */
};

static int discover(struct discovery *discovery, struct sp_err *err)
{
	const struct sp_camera_ops *ops = sp_backend_cameras();
	int n;

	if (discovery->n >= 0)
		return 0;
	n = ops ? ops->discover(discovery->found, DISCOVER_MAX, err) : 0;
	if (n < 0)
		return n;
	discovery->n = n;
	return 0;
}

static int resolve(struct sp_pipeline *p, struct sp_pipeline_camera *camera,
		   struct discovery *discovery, struct sp_err *err)
{
	const char *address = camera->config->address;
	struct in_addr ip;
	int status;

	if (inet_pton(AF_INET, address, &ip) == 1) {
		camera->ip = ntohl(ip.s_addr);
		return 0;
	}
	if (p->replay)
		return sp_err_set(err, -EINVAL,
				  "camera %s: a replay needs its IP address, not '%s'",
				  camera->config->name, address);
	status = discover(discovery, err);
	if (status)
		return status;
	for (int i = 0; i < discovery->n; i++) {
		const struct sp_camera_info *found = &discovery->found[i];

		if (!strcmp(found->id, address) || !strcmp(found->serial, address) ||
		    !strcmp(found->user_name, address)) {
			camera->ip = found->ip;
			return 0;
		}
	}
	return sp_err_set(err, -ENODEV,
			  "camera %s: none of the %d cameras that answer is '%s'; `sallyport "
			  "cameras list` lists them",
			  camera->config->name, discovery->n, address);
}

/*
 * Packets that a card gave us already would only wait in the socket, and cost the kernel their
 * copy.
 */
static int take_nothing(int fd, struct sp_err *err)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog filter = { 1, &nothing };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)))
		return sp_err_set(err, -errno, "socket filter: %s; use capture.source udp",
				  strerror(errno));
	return 0;
}

/* Our address that reaches the camera: a UDP socket's connect only looks at the routes. */
static int find_host_ip(struct sp_pipeline_camera *camera, struct sp_err *err)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(GVCP_PORT),
		.sin_addr.s_addr = htonl(camera->ip),
	};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), status = 0;

	if (fd < 0)
		return sp_err_set(err, -errno, "socket: %s; raise the limit of open files",
				  strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		status = sp_err_set(err, -errno,
				    "no route to %s: %s; give the interface an address, or "
				    "set capture.host_address",
				    camera->config->address, strerror(errno));
	else
		camera->host_ip = ntohl(address.sin_addr.s_addr);
	close(fd);
	return status;
}

static int open_socket(struct sp_pipeline *p, struct sp_pipeline_camera *camera, struct sp_err *err)
{
	bool kernel = p->config->capture.source == SP_SOURCE_UDP;
	int status;

	camera->fd = sp_udp_socket(camera->host_ip, 0, kernel ? SP_CAMERA_SOCKET_BUFFER : 0, &camera->port,
				   err);
	if (camera->fd < 0)
		return camera->fd;
	if (kernel)
		return 0;
	status = take_nothing(camera->fd, err);
	/* A source that sees IP headers looks at the address, too. */
	if (!status && !camera->host_ip)
		status = find_host_ip(camera, err);
	return status;
}

int sp_camera_sockets_open(struct sp_pipeline *p, struct sp_err *err)
{
	const struct sp_config_capture *capture = &p->config->capture;
	struct discovery discovery = { .n = -1 };
	struct in_addr host = { 0 };

	if (capture->host_address && inet_pton(AF_INET, capture->host_address, &host) != 1)
		return sp_err_set(err, -EINVAL, "capture.host_address: '%s' is not an IPv4 address",
				  capture->host_address);
	for (unsigned int i = 0; i < p->cameras_n; i++) {
		struct sp_pipeline_camera *camera = &p->cameras[i];
		int status = resolve(p, camera, &discovery, err);

		if (status)
			return status;
		if (p->replay && capture->replay_port + i > UINT16_MAX)
			return sp_err_set(err, -EINVAL,
					  "capture.replay_port: %u cameras from port %u on do not "
					  "fit; begin lower",
					  p->cameras_n, capture->replay_port);
		if (p->replay) {
			camera->port = (uint16_t)(capture->replay_port + i);
			continue;
		}
		camera->host_ip = ntohl(host.s_addr);
		status = open_socket(p, camera, err);
		if (status)
			return sp_err_prefix(err, status, "camera %s", camera->config->name);
	}
	return 0;
}

void sp_camera_sockets_close(struct sp_pipeline *p)
{
	for (unsigned int i = 0; p->cameras && i < p->cameras_n; i++)
		if (p->cameras[i].fd >= 0)
			close(p->cameras[i].fd);
}
