/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/farm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "gvcam/genicam.h"

enum {
	DATAGRAM_BYTES = 1024, /* larger than any GVCP message: longer ones are refused by length */
	BURST = 32, /* datagrams from one socket before the others have a turn */
	SEND_BUFFER_BYTES = 4 << 20,
};

static const char *ip_text(uint32_t ip, char text[INET_ADDRSTRLEN])
{
	struct in_addr address = { htonl(ip) };

	return inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN);
}

static int open_socket(uint32_t ip, uint16_t port, bool shared, int *ret_fd)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(ip),
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | (port ? SOCK_NONBLOCK : 0), 0);
	int one = 1, res;

	if (fd < 0)
		return -errno;
	/* Several farms may hear one broadcast; nobody shares a camera's own address. */
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

static uint16_t port_of(int fd)
{
	struct sockaddr_in address = { 0 };
	socklen_t size = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &size);
	return ntohs(address.sin_port);
}

/* The netmask of the interface that has the address; 255.0.0.0 serves all of 127.0.0.0/8. */
static uint32_t mask_of(uint32_t ip)
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

/* Discovery may come by the limited broadcast, or by that of the camera's network. */
static void hear_broadcast(struct gvcam_farm *farm, uint32_t ip)
{
	for (uint32_t i = 0; i < farm->broadcasts; i++)
		if (farm->broadcast_ips[i] == ip)
			return;
	if (farm->broadcasts == GVCAM_BROADCASTS_MAX)
		return;
	if (open_socket(ip, GVCP_PORT, true, &farm->broadcast_fds[farm->broadcasts]))
		return; /* discovery by address still works */
	farm->broadcast_ips[farm->broadcasts++] = ip;
}

static int open_unit(struct gvcam_farm *farm, uint32_t i, struct sp_err *err)
{
	const struct gvcam_farm_config *config = &farm->config;
	struct gvcam_unit *unit = &farm->units[i];
	uint32_t ip = config->ips[i], mask = mask_of(ip);
	char text[INET_ADDRSTRLEN], serial[16], name[24];
	int size = SEND_BUFFER_BYTES, res;

	res = open_socket(ip, GVCP_PORT, false, &unit->control_fd);
	if (res == -EADDRNOTAVAIL)
		return sp_err_set(
			err, res,
			"%s: no interface of this machine has the address; use 127.0.0.1 and "
			"up, or add it with 'ip address add'",
			ip_text(ip, text));
	if (res == -EADDRINUSE)
		return sp_err_set(err, res,
				  "%s: port %d is taken; another camera simulator runs there",
				  ip_text(ip, text), GVCP_PORT);
	if (!res)
		res = open_socket(ip, 0, false, &unit->stream_fd);
	if (res)
		return sp_err_set(err, res, "%s: %s", ip_text(ip, text), strerror(-res));
	setsockopt(unit->stream_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* As outlets begin: fragments allowed until the controller sets DF. */
	setsockopt(unit->stream_fd, IPPROTO_IP, IP_MTU_DISCOVER, &(int){ IP_PMTUDISC_DONT },
		   sizeof(int));
	setsockopt(unit->stream_fd, SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int));
	hear_broadcast(farm, ip | ~mask);
	snprintf(serial, sizeof(serial), "SP%08X", ip);
	snprintf(name, sizeof(name), "gvcam-%u", i);
	gvcam_camera_init(&unit->camera,
			  &(struct gvcam_camera_config){
				  .ip = ip,
				  .mask = mask,
				  /* Locally administered, made of the address. */
				  .mac = { 0x02, 0x00, (uint8_t)(ip >> 24), (uint8_t)(ip >> 16),
					   (uint8_t)(ip >> 8), (uint8_t)ip },
				  .serial = serial,
				  .user_name = name,
				  .width = config->width,
				  .height = config->height,
				  .pixel_format = config->pixel_format,
				  .fps = config->fps,
				  .packet_size = config->packet_size,
				  .resend = config->resend,
				  .extended_ids = config->extended_ids,
				  .pictures = config->pictures && config->pictures->n,
				  .source_port = port_of(unit->stream_fd),
				  .xml = farm->xml,
				  .xml_bytes = farm->xml_bytes,
			  },
			  sp_clock_now());
	return 0;
}

static int open_stream(struct gvcam_farm *farm, uint32_t i)
{
	const struct gvcam_farm_config *config = &farm->config;
	struct gvcam_stream_config stream = {
		.camera = i,
		.faults = config->faults,
		.pacing = config->pacing,
		.start_block = config->start_block,
		.frames = config->frames,
	};
	int res;

	if (config->pictures && config->pictures->n) {
		struct gvcam_player_config player = {
			.pictures = config->pictures,
			.camera = i,
			.cameras = config->n,
			.hold = config->hold,
			.gap = config->gap,
			.width_max = config->width,
			.height_max = config->height,
		};

		res = gvcam_player_init(&farm->players[i], &farm->loader, &player);
		if (res)
			return res;
		stream.player = &farm->players[i];
	}
	farm->outlets[i].fd = farm->units[i].stream_fd;
	farm->outlets[i].gso = config->gso;
	farm->outlets[i].stamp = config->stamp;
	return gvcam_stream_init(&farm->outlets[i].stream, &stream);
}

static int start_threads(struct gvcam_farm *farm)
{
	const struct gvcam_farm_config *config = &farm->config;
	int res;

	if (config->pictures && config->pictures->n) {
		res = gvcam_loader_start(&farm->loader, farm->players, config->n);
		if (res)
			return res;
		farm->loading = true;
		/* The first pictures are there before the first start. */
		for (uint32_t i = 0; i < config->n; i++)
			gvcam_player_configure(&farm->players[i], config->width, config->height,
					       config->pixel_format);
	}
	res = gvcam_sender_start(&farm->sender, farm->outlets, config->n, &farm->done);
	farm->sending = !res;
	return res;
}

int gvcam_farm_create(const struct gvcam_farm_config *config, struct gvcam_farm **ret_farm,
		      struct sp_err *err)
{
	struct gvcam_genicam genicam = {
		.width_max = config->width,
		.height_max = config->height,
		.pictures = config->pictures && config->pictures->n,
	};
	struct gvcam_farm *farm = calloc(1, sizeof(*farm));
	int res;

	if (!farm)
		return sp_err_set(err, -ENOMEM, "gvcam: no memory");
	farm->config = *config;
	farm->done.fd = -1;
	for (uint32_t i = 0; i < config->n; i++)
		farm->units[i].control_fd = farm->units[i].stream_fd = -1;
	res = sp_event_init(&farm->done);
	if (!res)
		res = gvcam_genicam_create(&genicam, &farm->xml, &farm->xml_bytes);
	if (res) {
		sp_err_set(err, res, "gvcam: %s", strerror(-res));
		goto err_destroy_farm;
	}
	hear_broadcast(farm, INADDR_BROADCAST);
	for (uint32_t i = 0; i < config->n; i++) {
		res = open_unit(farm, i, err);
		if (res)
			goto err_destroy_farm;
		res = open_stream(farm, i);
		if (res) {
			sp_err_set(err, res,
				   "gvcam: %s for camera %u; use fewer cameras or a smaller image",
				   strerror(-res), i);
			goto err_destroy_farm;
		}
	}
	res = start_threads(farm);
	if (res) {
		sp_err_set(err, res, "gvcam: cannot start its threads: %s", strerror(-res));
		goto err_destroy_farm;
	}
	*ret_farm = farm;
	return 0;
err_destroy_farm:
	gvcam_farm_destroy(farm);
	return res;
}

void gvcam_farm_quiet(struct gvcam_farm *farm)
{
	if (farm->sending)
		gvcam_sender_stop(&farm->sender);
	farm->sending = false;
	if (farm->loading)
		gvcam_loader_stop(&farm->loader);
	farm->loading = false;
}

void gvcam_farm_destroy(struct gvcam_farm *farm)
{
	gvcam_farm_quiet(farm);
	for (uint32_t i = 0; i < farm->config.n; i++) {
		gvcam_stream_uninit(&farm->outlets[i].stream);
		gvcam_player_uninit(&farm->players[i]);
		if (farm->units[i].control_fd >= 0)
			close(farm->units[i].control_fd);
		if (farm->units[i].stream_fd >= 0)
			close(farm->units[i].stream_fd);
	}
	for (uint32_t i = 0; i < farm->broadcasts; i++)
		close(farm->broadcast_fds[i]);
	if (farm->done.fd >= 0)
		sp_event_uninit(&farm->done);
	free(farm->xml);
	free(farm);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void pass_channel(struct gvcam_farm *farm, uint32_t i)
{
	struct gvcam_channel channel;

	gvcam_camera_channel(&farm->units[i].camera, &channel);
	gvcam_sender_set_channel(&farm->sender, i, &channel);
}

static void handle(struct gvcam_farm *farm, uint32_t i, const struct sockaddr_in *from,
		   bool broadcast, const uint8_t *bytes, size_t size)
{
	struct gvcam_unit *unit = &farm->units[i];
	struct gvcam_peer peer = { ntohl(from->sin_addr.s_addr), ntohs(from->sin_port) };
	uint8_t reply[GVCP_MESSAGE_MAX];
	struct gvcam_effects effects;
	uint64_t now_ns = sp_clock_now();
	size_t n;

	/* A command that comes after the time-out comes too late. */
	if (gvcam_camera_tick(&unit->camera, now_ns))
		pass_channel(farm, i);
	n = gvcam_camera_request(&unit->camera, now_ns, &peer, broadcast, bytes, size, reply,
				 &effects);
	if (effects.what & GVCAM_CHANNEL_CHANGED)
		pass_channel(farm, i);
	if (effects.what & GVCAM_FIRE_TEST)
		gvcam_sender_fire_test(&farm->sender, i);
	if (effects.what & GVCAM_RESEND)
		gvcam_sender_resend(&farm->sender, i, &effects.resend);
	/* A host that asks again is answered again: a lost answer needs no care. */
	if (n)
		(void)sendto(unit->control_fd, reply, n, 0, (const struct sockaddr *)from,
			     sizeof(*from));
}

/* @only: the camera whose socket it is; UINT32_MAX: a broadcast, for all. */
static void hear(struct gvcam_farm *farm, int fd, uint32_t only)
{
	for (unsigned int burst = 0; burst < BURST; burst++) {
		uint8_t bytes[DATAGRAM_BYTES];
		struct sockaddr_in from = { 0 };
		socklen_t length = sizeof(from);
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from,
				     &length);

		if (n < 0)
			return;
		if (only != UINT32_MAX)
			handle(farm, only, &from, false, bytes, (size_t)n);
		for (uint32_t i = 0; only == UINT32_MAX && i < farm->config.n; i++)
			handle(farm, i, &from, true, bytes, (size_t)n);
	}
}

/* Heartbeats, and what the streams did by themselves; returns when to look again at the latest. */
static uint64_t tick(struct gvcam_farm *farm, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	for (uint32_t i = 0; i < farm->config.n; i++) {
		struct gvcam_unit *unit = &farm->units[i];
		uint32_t finished = atomic_load_explicit(&farm->outlets[i].finished,
							 memory_order_acquire);
		uint64_t deadline;

		if (finished != unit->finished) {
			unit->finished = finished;
			gvcam_camera_finished(&unit->camera, finished);
		}
		if (gvcam_camera_tick(&unit->camera, now_ns))
			pass_channel(farm, i);
		deadline = gvcam_camera_deadline(&unit->camera);
		if (deadline < next_ns)
			next_ns = deadline;
	}
	return next_ns;
}

/*
 * With --frames: every camera has sent its share, and either its controller has left or nothing has
 * been sent for a while, so that the last packets can still be asked for again.
 */
static bool all_sent(struct gvcam_farm *farm, uint64_t now_ns, uint64_t *next_ns)
{
	for (uint32_t i = 0; i < farm->config.n; i++) {
		uint64_t quiet_ns = atomic_load_explicit(&farm->outlets[i].last_ns,
							 memory_order_relaxed) +
				    GVCAM_LINGER_MS * SP_NS_PER_MS;

		if (!atomic_load_explicit(&farm->outlets[i].spent, memory_order_acquire) ||
		    farm->units[i].camera.acquiring)
			return false;
		if (gvcam_camera_controlled(&farm->units[i].camera) && now_ns < quiet_ns) {
			if (quiet_ns < *next_ns)
				*next_ns = quiet_ns;
			return false;
		}
	}
	return true;
}

static int timeout_ms(uint64_t now_ns, uint64_t next_ns)
{
	uint64_t ms;

	if (next_ns == UINT64_MAX)
		return -1;
	if (next_ns <= now_ns)
		return 0;
	ms = (next_ns - now_ns + SP_NS_PER_MS - 1) / SP_NS_PER_MS;
	return ms > 60000 ? 60000 : (int)ms;
}

int gvcam_farm_run(struct gvcam_farm *farm, int stop_fd, struct sp_err *err)
{
	struct pollfd fds[2 + GVCAM_CAMERAS_MAX + GVCAM_BROADCASTS_MAX];
	uint32_t n = farm->config.n, total = 2 + n + farm->broadcasts;
	uint64_t end_ns = farm->config.duration_ns ? sp_clock_now() + farm->config.duration_ns
						   : UINT64_MAX;

	fds[0] = (struct pollfd){ .fd = stop_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = farm->done.fd, .events = POLLIN };
	for (uint32_t i = 0; i < n; i++)
		fds[2 + i] = (struct pollfd){ .fd = farm->units[i].control_fd, .events = POLLIN };
	for (uint32_t i = 0; i < farm->broadcasts; i++)
		fds[2 + n + i] = (struct pollfd){ .fd = farm->broadcast_fds[i], .events = POLLIN };
	sp_event_arm(&farm->done); /* for good: it is polled with the rest */
	for (;;) {
		uint64_t now_ns = sp_clock_now(), next_ns = tick(farm, now_ns), count;

		if (now_ns >= end_ns || all_sent(farm, now_ns, &next_ns))
			return 0;
		if (end_ns < next_ns)
			next_ns = end_ns;
		if (poll(fds, total, timeout_ms(now_ns, next_ns)) < 0 && errno != EINTR)
			return sp_err_set(err, -errno, "gvcam: poll: %s", strerror(errno));
		if (fds[0].revents)
			return 0;
		if (fds[1].revents)
			(void)!read(farm->done.fd, &count, sizeof(count));
		for (uint32_t i = 0; i < n; i++)
			if (fds[2 + i].revents)
				hear(farm, fds[2 + i].fd, i);
		for (uint32_t i = 0; i < farm->broadcasts; i++)
			if (fds[2 + n + i].revents)
				hear(farm, fds[2 + n + i].fd, UINT32_MAX);
	}
}
