/* SPDX-License-Identifier: Apache-2.0 */
#include "farm/farm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/region.h"
#include "capture/packet_source.h"
#include "control/resend.h"
#include "control/supervisor.h"
#include "frame/assembler.h"
#include "frame/frame_source.h"
#include "wire/pfnc.h"

/* Asks the camera which port its stream comes from. */
static int find_source_port(struct farm_camera *camera, struct sp_err *err)
{
	struct in_addr ip = { htonl(camera->ip) };
	char address[INET_ADDRSTRLEN], text[16];
	struct sp_camera *control;
	int error;

	inet_ntop(AF_INET, &ip, address, sizeof(address));
	error = sp_camera_aravis.open(address, &control, err);
	if (error)
		return error;
	error = sp_camera_aravis.get(control, "GevSCSP", text, sizeof(text), err);
	sp_camera_aravis.close(control);
	camera->source_port = error ? 0 : (uint16_t)strtoul(text, NULL, 10);
	return error;
}

static int parse_ip(const char *text, uint32_t *ret, struct sp_err *err)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return sp_err_set(err, -EINVAL, "'%s' is no IPv4 address", text);
	*ret = ntohl(address.s_addr);
	return 0;
}

static void stream_config(const struct farm *farm, const struct farm_camera *camera,
			  uint32_t host_ip, struct sp_stream_config *ret)
{
	const struct farm_options *options = &farm->options;

	*ret = (struct sp_stream_config){
		.camera_ip = camera->ip,
		.camera_port = camera->source_port,
		.vlan = (uint16_t)options->vlan,
		.host_ip = host_ip,
		.host_port = camera->port,
		.fd = camera->fd,
		.packet_payload = options->packet_size - 36,
		.pixel_format = SP_PFNC_MONO8,
		.width = camera->width,
		.height = options->height,
		.frames = options->credit,
		.gap_ns = options->gap_us * SP_NS_PER_US,
		.packet_timeout_ns = 20 * SP_NS_PER_MS,
		.retention_ns = options->retention_ms * SP_NS_PER_MS,
		.resend_tries = options->tries,
	};
	if (options->mac)
		ether_aton_r(options->mac, (struct ether_addr *)ret->camera_mac);
}

/* Packets that all frames of all cameras can hold, and some on their way. */
static unsigned int buffers(const struct farm *farm)
{
	unsigned int sum = 1024;

	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		struct sp_stream_config config;

		stream_config(farm, &farm->cameras[i], 0, &config);
		sum += config.frames * sp_assembler_block_packets(&config);
	}
	return sum;
}

static int open_packets(struct farm *farm, struct sp_err *err)
{
	const struct farm_options *options = &farm->options;
	const struct sp_udp_config udp = {
		.buffers = buffers(farm),
		.buffer_size = options->packet_size - 28,
		.no_uring = options->no_uring,
	};
	const struct sp_dpdk_config dpdk = {
		.eal = options->eal.items,
		.eal_n = options->eal.n,
		.port = options->port,
		.exception = options->exception,
		.drop_interface = options->drop,
		.queues = 1,
		.buffers = buffers(farm),
		.buffer_size = options->packet_size - 28,
		.nap_max_ns = 200 * SP_NS_PER_US,
	};

	if (!strcmp(options->source, "udp"))
		return sp_udp_open(&udp, &farm->packets, err);
	if (!strcmp(options->source, "dpdk"))
		return sp_dpdk_open(&dpdk, &farm->packets, err);
	return sp_err_set(err, -EINVAL, "--source: '%s' is neither udp nor dpdk", options->source);
}

static int add_streams(struct farm *farm, uint32_t host_ip, struct sp_err *err)
{
	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		struct farm_camera *camera = &farm->cameras[i];
		uint32_t wanted = farm->options.first_port ? farm->options.first_port + i : 0;
		struct sp_stream_config config;
		int index;

		camera->fd = sp_udp_socket(host_ip, (uint16_t)wanted, farm->options.rcvbuf,
					   &camera->port, err);
		if (camera->fd < 0)
			return camera->fd;
		stream_config(farm, camera, host_ip, &config);
		index = farm->source->ops->add_stream(farm->source, &config, err);
		if (index < 0)
			return index;
	}
	return 0;
}

static int start_resends(struct farm *farm, struct sp_err *err)
{
	const struct sp_resend_config config = {
		.source = farm->source,
		.wake = &farm->resends,
		.budget = { .rate = 100000, .burst = 10000 },
		.cpu = -1,
	};
	struct sp_resend_stream streams[FARM_CAMERAS_MAX];
	int error;

	for (uint32_t i = 0; i < farm->options.cameras; i++)
		streams[i] = (struct sp_resend_stream){
			.fd = farm->cameras[i].fd,
			.camera_ip = farm->cameras[i].ip,
			.budget = { .rate = 100000, .burst = 10000 },
		};
	error = sp_resend_create(&config, streams, farm->options.cameras, &farm->resend, err);
	return error ? error : sp_resend_start(farm->resend, err);
}

int farm_open(struct farm *farm, struct sp_err *err)
{
	struct sp_gvsp_source_config config = { .cpu = -1,
						.frames = &farm->frames,
						.resends = &farm->resends };
	uint32_t host_ip = 0, first = 0;
	struct ether_addr mac;
	int error = parse_ip(farm->options.address, &first, err);

	if (farm->options.mac && !ether_aton_r(farm->options.mac, &mac))
		return sp_err_set(err, -EINVAL, "--mac: '%s' is none", farm->options.mac);
	if (!error && farm->options.host_address)
		error = parse_ip(farm->options.host_address, &host_ip, err);
	if (error)
		return error;
	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		farm->cameras[i].ip = first + i;
		farm->cameras[i].width = farm->options.width - FARM_WIDTH_STEP * i;
		farm->cameras[i].fd = -1;
		if (!error && farm->options.source_ports)
			error = find_source_port(&farm->cameras[i], err);
	}
	if (error)
		return error;
	if (sp_event_init(&farm->frames) || sp_event_init(&farm->resends))
		return sp_err_set(err, -EMFILE, "eventfd: %s", strerror(errno));
	error = open_packets(farm, err);
	if (error)
		return error;
	config.packets = farm->packets;
	error = sp_gvsp_source_open(&config, &farm->source, err);
	if (!error)
		error = add_streams(farm, host_ip, err);
	if (!error)
		error = farm->source->ops->start(farm->source, err);
	if (!error && farm->options.tries)
		error = start_resends(farm, err);
	return error;
}

int farm_start_cameras(struct farm *farm, struct sp_err *err)
{
	const struct sp_supervisor_config config = {
		.ops = &sp_camera_aravis,
		.link = sp_link_default,
		.seed = 1,
	};
	struct sp_supervised_camera cameras[FARM_CAMERAS_MAX] = { 0 };
	int error;

	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		struct in_addr ip = { htonl(farm->cameras[i].ip) };

		inet_ntop(AF_INET, &ip, cameras[i].address, sizeof(cameras[i].address));
		cameras[i].stream = (struct sp_camera_stream){
			.host_port = farm->cameras[i].port,
			.packet_size = farm->options.packet_size,
			.width = farm->cameras[i].width,
			.height = farm->options.height,
			.pixel_format = SP_PFNC_MONO8,
			.fps = farm->options.fps,
		};
	}
	error = sp_supervisor_create(&config, cameras, farm->options.cameras, &farm->supervisor,
				     err);
	return error ? error : sp_supervisor_start(farm->supervisor, err);
}

void farm_close(struct farm *farm)
{
	sp_resend_destroy(farm->resend);
	if (farm->options.protect && farm->packets)
		mprotect(farm->packets->region->base, farm->packets->region->size,
			 PROT_READ | PROT_WRITE);
	if (farm->source)
		farm->source->ops->close(farm->source);
	else if (farm->packets)
		farm->packets->ops->close(farm->packets);
	for (uint32_t i = 0; i < farm->options.cameras; i++)
		if (farm->cameras[i].fd > 0)
			close(farm->cameras[i].fd);
}
