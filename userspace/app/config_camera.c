/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_camera.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "app/config_detect.h"
#include "base/diag.h"
#include "capture/packet_source.h"
#include "frame/assembler.h"
#include "frame/frame_source.h"
#include "wire/pfnc.h"

enum {
	SIDE_MAX = 16384,
	PACKET_SIZE_MIN = 220,
	PACKET_SIZE_MAX = 16404,
	/* IPv4 (20), UDP (8) and GVSP (8) headers count in the packet size: docs/provenance.md. */
	PACKET_HEADERS = 36,
	EXTENDED_EXTRA = 12, /* by so much is an extended GVSP header longer */
	EXTRA_BYTES_MAX = 64 << 20,
	VLAN_MIN = 1,
	VLAN_MAX = 4094,
};

/* Six pairs of hexadecimal digits with ':' or '-' between. */
static bool read_mac(const char *text, uint8_t mac[6])
{
	for (int i = 0; i < 6; i++, text += 2) {
		const char pair[3] = { text[0], text[0] ? text[1] : '\0', '\0' };

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
			return false;
		mac[i] = (uint8_t)strtoul(pair, NULL, 16);
		if (i < 5 && text[2] != ':' && text[2] != '-')
			return false;
		text += i < 5;
	}
	return !*text;
}

static int resolve_mac(struct sp_config_camera *camera, struct sp_err *err)
{
	static const uint8_t none[6];

	if (!camera->mac)
		return 0;
	if (!read_mac(camera->mac, camera->mac_bytes))
		return sp_err_set(err, -EINVAL,
				  "mac '%.40s' is not as 00:11:22:33:44:55; `sallyport "
				  "cameras list` prints it",
				  camera->mac);
	/* Bit 0 of the first byte: a group of stations. */
	if (camera->mac_bytes[0] & 1 || !memcmp(camera->mac_bytes, none, sizeof(none)))
		return sp_err_set(err, -EINVAL,
				  "mac '%.40s' is no single station's; `sallyport cameras "
				  "list` prints the camera's",
				  camera->mac);
	return 0;
}

static int resolve_vlan(struct sp_config_camera *camera, struct sp_err *err)
{
	char *end;
	unsigned long id;

	if (!camera->vlan)
		return 0;
	if (!strcmp(camera->vlan, "untagged")) {
		camera->vlan_id = SP_VLAN_UNTAGGED;
		return 0;
	}
	id = strtoul(camera->vlan, &end, 10);
	if (!isdigit((unsigned char)*camera->vlan) || *end || id < VLAN_MIN || id > VLAN_MAX)
		return sp_err_set(err, -EINVAL,
				  "vlan '%.20s' is not within %d to %d and not untagged",
				  camera->vlan, VLAN_MIN, VLAN_MAX);
	camera->vlan_id = (uint16_t)id;
	return 0;
}

static int check_sides(struct sp_config_camera *camera, struct sp_err *err)
{
	if (!camera->width || camera->width > SIDE_MAX || !camera->height ||
	    camera->height > SIDE_MAX)
		return sp_err_set(err, -EINVAL, "width × height %u × %u is not within 1 to %d",
				  camera->width, camera->height, SIDE_MAX);
	return 0;
}

static int resolve_format(struct sp_config_camera *camera, struct sp_err *err)
{
	const struct sp_pfnc *format = sp_pfnc_by_name(camera->pixel_format);

	if (!format)
		return sp_err_set(err, -EINVAL,
				  "pixel_format '%s' is unknown; Mono8, BayerRG8 and RGB8 are "
				  "common ones",
				  camera->pixel_format);
	camera->pixel_format_code = format->code;
	camera->frame_bytes = sp_pfnc_image_bytes(format->code, camera->width, camera->height);
	return 0;
}

static int check_packet_size(struct sp_config_camera *camera, struct sp_err *err)
{
	if (camera->packet_size < PACKET_SIZE_MIN || camera->packet_size > PACKET_SIZE_MAX ||
	    camera->packet_size % 4)
		return sp_err_set(err, -EINVAL,
				  "packet_size %u is not a multiple of 4 within %d to %d",
				  camera->packet_size, PACKET_SIZE_MIN, PACKET_SIZE_MAX);
	return 0;
}

static int check_fps(struct sp_config_camera *camera, struct sp_err *err)
{
	if (!(camera->fps >= 0 && camera->fps <= 10000))
		return sp_err_set(err, -EINVAL,
				  "fps %g is not within 0 to 10000 (0: as the camera is set)",
				  camera->fps);
	return 0;
}

static int check_source_port(struct sp_config_camera *camera, struct sp_err *err)
{
	if (camera->source_port > UINT16_MAX)
		return sp_err_set(err, -EINVAL, "source_port %u is not within 1 to 65535 (0: any)",
				  camera->source_port);
	return 0;
}

static int check_extra(struct sp_config_camera *camera, struct sp_err *err)
{
	if (*camera->extra_bytes > EXTRA_BYTES_MAX)
		return sp_err_set(err, -EINVAL, "extra_bytes %u is not within 0 to %d",
				  *camera->extra_bytes, EXTRA_BYTES_MAX);
	return 0;
}

/* A camera obeys one controller only, so the second of the same address would never stream. */
static int check_address(const struct sp_config *c, uint32_t lane, uint32_t camera,
			 struct sp_err *err)
{
	const char *address = c->lanes[lane].cameras[camera].address;

	/* In a capture file ports tell streams apart. */
	if (c->capture.replay)
		return 0;
	for (uint32_t i = 0; i <= lane; i++)
		for (uint32_t k = 0; k < (i < lane ? c->lanes[i].cameras_count : camera); k++)
			if (!strcmp(address, c->lanes[i].cameras[k].address))
				return sp_err_set(err, -EINVAL,
						  "the address %s is taken by "
						  "lanes[%u].cameras[%u]; give each camera its own",
						  address, i, k);
	return 0;
}

static void resolve_packets(struct sp_config_camera *camera)
{
	uint32_t payload = camera->packet_size - PACKET_HEADERS;
	uint32_t usual = camera->extended_ids ? payload - EXTENDED_EXTRA : payload;
	const struct sp_stream_config stream = {
		.packet_payload = payload,
		.pixel_format = camera->pixel_format_code,
		.width = camera->width,
		.height = camera->height,
		.extra_bytes = *camera->extra_bytes,
	};

	camera->packet_payload = payload;
	camera->packets_per_frame = (uint32_t)((camera->frame_bytes + usual - 1) / usual);
	camera->packets_most = sp_assembler_block_packets(&stream);
}

static const struct {
	const char *field;
	int (*resolve)(struct sp_config_camera *camera, struct sp_err *err);
} fields[] = {
	{ "width", check_sides },
	{ "pixel_format", resolve_format },
	{ "packet_size", check_packet_size },
	{ "fps", check_fps },
	{ "mac", resolve_mac },
	{ "vlan", resolve_vlan },
	{ "source_port", check_source_port },
	{ "extra_bytes", check_extra },
};

/* What is asked for must be looked at: a socket shows no Ethernet header. */
static const char *find_unseen(const struct sp_config *config,
			       const struct sp_config_camera *camera)
{
	if (config->capture.source != SP_SOURCE_UDP)
		return NULL;
	return camera->mac ? "mac" : camera->vlan ? "vlan" : NULL;
}

int sp_config_camera_resolve(const struct sp_config *config, uint32_t lane, uint32_t index,
			     char field[SP_CONFIG_CAMERA_FIELD_MAX], struct sp_err *err)
{
	struct sp_config_camera *camera = &config->lanes[lane].cameras[index];
	const char *unseen = find_unseen(config, camera);
	int status = 0;

	for (size_t i = 0; !status && i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(field, SP_CONFIG_CAMERA_FIELD_MAX, "%s", fields[i].field);
		status = fields[i].resolve(camera, err);
	}
	if (status)
		return status;
	if (unseen) {
		snprintf(field, SP_CONFIG_CAMERA_FIELD_MAX, "%s", unseen);
		return sp_err_set(err, -EINVAL,
				  "%s is not seen by capture.source udp; use dpdk, or leave "
				  "the field out",
				  unseen);
	}
	snprintf(field, SP_CONFIG_CAMERA_FIELD_MAX, "address");
	status = check_address(config, lane, index, err);
	if (status)
		return status;
	resolve_packets(camera);
	return sp_config_detect_resolve(&config->compute, camera, field, err);
}
