/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/farm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "gvcam/address.h"
#include "gvcam/genicam.h"

enum {
	DATAGRAM_BYTES = 1024, /* larger than any GVCP message: longer ones are refused by length */
	BURST = 32, /* datagrams from one socket before the others have a turn */
	EVENTS = 64, /* sockets a wake-up */
};

/* What an epoll event is about: a camera's number, a broadcast's behind GVCAM_CAMERAS_MAX, or: */
enum { ABOUT_STOP = UINT32_MAX, ABOUT_DONE = UINT32_MAX - 1 };

/* Discovery may come by the limited broadcast, or by that of the camera's network. */
static void hear_broadcast(struct gvcam_farm *farm, uint32_t ip)
{
	for (uint32_t i = 0; i < farm->broadcasts; i++)
		if (farm->broadcast_ips[i] == ip)
			return;
	if (farm->broadcasts == GVCAM_BROADCASTS_MAX)
		return;
	/* Several farms may hear one broadcast; nobody shares a camera's own address. */
	if (gvcam_address_open(ip, GVCP_PORT, true, &farm->broadcast_fds[farm->broadcasts]))
		return; /* discovery by address still works */
	farm->broadcast_ips[farm->broadcasts++] = ip;
}

static int address_error(uint32_t ip, int res, struct sp_err *err)
{
	char text[INET_ADDRSTRLEN];

	gvcam_address_text(ip, text);
	if (res == -EADDRNOTAVAIL)
		return sp_err_set(
			err, res,
			"%s: no interface of this machine has the address; use 127.0.0.1 and "
			"up, or add it with 'ip address add'",
			text);
	if (res == -EADDRINUSE)
		return sp_err_set(err, res,
				  "%s: port %d is taken; another camera simulator runs there", text,
				  GVCP_PORT);
	if (res == -EMFILE)
		return sp_err_set(err, res,
				  "%s: too many open files; raise the limit with 'ulimit -n'",
				  text);
	return sp_err_set(err, res, "%s: %s", text, strerror(-res));
}

/* The sockets of what does not come from the camera. */
static int open_spoofers(struct gvcam_farm *farm, uint32_t i, struct sp_err *err)
{
	const struct gvcam_farm_config *config = &farm->config;
	struct gvcam_unit *unit = &farm->units[i];
	int *port_fd = &unit->spoof_fds[GVCAM_WAY_OTHER_PORT - 1];
	int *address_fd = &unit->spoof_fds[GVCAM_WAY_OTHER_ADDRESS - 1];
	int res;

	if (config->spoofs.rate[GVCAM_SPOOF_PORT] > 0) {
		res = gvcam_address_open(config->ips[i], 0, false, port_fd);
		if (res)
			return address_error(config->ips[i], res, err);
		gvcam_address_use_to_stream(*port_fd);
	}
	if (config->spoofs.rate[GVCAM_SPOOF_ADDRESS] > 0) {
		/* The camera's own port, so that nothing but the address is wrong. */
		res = gvcam_address_open(config->spoof_ip, gvcam_address_port(unit->stream_fd),
					 true, address_fd);
		if (res)
			return address_error(config->spoof_ip, res, err);
		gvcam_address_use_to_stream(*address_fd);
	}
	return 0;
}

static int watch(struct gvcam_farm *farm, int fd, uint32_t about)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = about };

	return epoll_ctl(farm->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_unit(struct gvcam_farm *farm, uint32_t i, struct sp_err *err)
{
	const struct gvcam_farm_config *config = &farm->config;
	struct gvcam_unit *unit = &farm->units[i];
	uint32_t ip = config->ips[i], mask = gvcam_address_mask(ip);
	char serial[16], name[24];
	int res;

	res = gvcam_address_open(ip, GVCP_PORT, false, &unit->control_fd);
	if (!res)
		res = watch(farm, unit->control_fd, i);
	if (!res)
		res = gvcam_address_open(ip, 0, false, &unit->stream_fd);
	if (res)
		return address_error(ip, res, err);
	gvcam_address_use_to_stream(unit->stream_fd);
	res = open_spoofers(farm, i, err);
	if (res)
		return res;
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
				  .chunks = config->chunks,
				  .multi_part = config->multi_part,
				  .all_in = config->all_in,
				  .second = config->second,
				  .pictures = config->pictures && config->pictures->n,
				  .source_port = gvcam_address_port(unit->stream_fd),
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
		.spoofs = config->spoofs,
		.variety = config->variety,
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
	memcpy(farm->outlets[i].spoof_fds, farm->units[i].spoof_fds,
	       sizeof(farm->outlets[i].spoof_fds));
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

/* Hundreds of cameras with two to four sockets each exceed the usual soft limit. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* without it, opening says what is wrong */
}

static int open_events(struct gvcam_farm *farm)
{
	int res;

	farm->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (farm->epoll_fd < 0)
		return -errno;
	res = sp_event_init(&farm->done);
	return res ? res : watch(farm, farm->done.fd, ABOUT_DONE);
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
	farm->epoll_fd = farm->done.fd = -1;
	for (uint32_t i = 0; i < config->n; i++) {
		farm->units[i].control_fd = farm->units[i].stream_fd = -1;
		farm->units[i].spoof_fds[0] = farm->units[i].spoof_fds[1] = -1;
	}
	raise_file_limit();
	res = open_events(farm);
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
		for (unsigned int way = 0; way < GVCAM_WAYS - 1; way++)
			if (farm->units[i].spoof_fds[way] >= 0)
				close(farm->units[i].spoof_fds[way]);
	}
	for (uint32_t i = 0; i < farm->broadcasts; i++)
		close(farm->broadcast_fds[i]);
	if (farm->done.fd >= 0)
		sp_event_uninit(&farm->done);
	if (farm->epoll_fd >= 0)
		close(farm->epoll_fd);
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
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &length);

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

static void dispatch(struct gvcam_farm *farm, uint32_t about)
{
	uint64_t count;

	if (about == ABOUT_DONE)
		(void)!read(farm->done.fd, &count, sizeof(count));
	else if (about < GVCAM_CAMERAS_MAX)
		hear(farm, farm->units[about].control_fd, about);
	else
		hear(farm, farm->broadcast_fds[about - GVCAM_CAMERAS_MAX], UINT32_MAX);
}

int gvcam_farm_run(struct gvcam_farm *farm, int stop_fd, struct sp_err *err)
{
	struct epoll_event events[EVENTS];
	uint64_t end_ns = farm->config.duration_ns ? sp_clock_now() + farm->config.duration_ns
						   : UINT64_MAX;
	int res = watch(farm, stop_fd, ABOUT_STOP);

	for (uint32_t i = 0; i < farm->broadcasts && !res; i++)
		res = watch(farm, farm->broadcast_fds[i], GVCAM_CAMERAS_MAX + i);
	if (res)
		return sp_err_set(err, res, "gvcam: epoll: %s", strerror(-res));
	sp_event_arm(&farm->done); /* for good: it is waited for with the rest */
	for (;;) {
		uint64_t now_ns = sp_clock_now(), next_ns = tick(farm, now_ns);
		int n;

		if (now_ns >= end_ns || all_sent(farm, now_ns, &next_ns))
			return 0;
		if (end_ns < next_ns)
			next_ns = end_ns;
		n = epoll_wait(farm->epoll_fd, events, EVENTS, timeout_ms(now_ns, next_ns));
		if (n < 0 && errno != EINTR)
			return sp_err_set(err, -errno, "gvcam: epoll: %s", strerror(errno));
		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == ABOUT_STOP)
				return 0;
			dispatch(farm, events[i].data.u32);
		}
	}
}
