/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated camera under any sequence of datagrams, from two peers, over time: records of {who
 * and when, length, bytes}. What it promises its stream must hold after each.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gvcam/block.h"
#include "gvcam/camera.h"
#include "gvcam/genicam.h"
#include "wire/pfnc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

/* A block as the channel stands now: its packets fit, and its bytes are what was announced. */
static void check_block(const struct gvcam_camera *camera, const struct gvcam_channel *c)
{
	static uint8_t scratch[GVCAM_PACKET_MAX];
	struct gvcam_shape shape = { c->pixel_format, c->width, c->height, c->height };
	struct gvcam_packet packet = { .scratch = scratch };
	struct gvcam_block block = { .id = 1 };
	uint32_t numbers[4];

	gvcam_block_cut(&block, c, &shape);
	demand(block.bytes == gvcam_registers_get(&camera->registers, GVCAM_PAYLOAD_SIZE));
	demand(block.packets >= 1);
	numbers[0] = 0;
	numbers[1] = block.packets / 2;
	numbers[2] = block.packets > 1 ? block.packets - 2 : 0;
	numbers[3] = block.packets - 1;
	for (unsigned int i = 0; i < 4; i++) {
		gvcam_block_packet(&block, numbers[i], false, &packet);
		demand(packet.head_bytes >= 8 && packet.head_bytes <= GVCAM_HEAD_BYTES);
		demand(packet.head_bytes + packet.data_bytes + 28 <= c->packet_size);
	}
}

static void check(const struct gvcam_camera *camera, const struct gvcam_effects *effects)
{
	struct gvcam_channel c;

	gvcam_camera_channel(camera, &c);
	demand(c.width >= GVCAM_SIDE_MIN && c.width <= 640 && c.height >= GVCAM_SIDE_MIN &&
	       c.height <= 480);
	demand(c.packet_size >= GVCAM_PACKET_MIN && c.packet_size <= GVCAM_PACKET_MAX);
	demand(sp_pfnc_by_code(c.pixel_format) != NULL);
	demand(c.fps >= GVCAM_RATE_MIN * 0.999 && c.fps <= GVCAM_RATE_MAX);
	demand(!c.acquiring || (c.ip && c.port));
	/* Nobody in control, nothing flows. */
	demand(gvcam_camera_controlled(camera) || (!c.acquiring && !c.port));
	if (effects->what & GVCAM_CHANNEL_CHANGED)
		check_block(camera, &c);
	if (effects->what & GVCAM_RESEND)
		demand(effects->resend.first <= effects->resend.last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct gvcam_peer peers[2] = { { 0x0A000001, 1000 }, { 0x0A000002, 2000 } };
	static struct gvcam_camera camera;
	static char *xml;
	static size_t xml_bytes;
	uint64_t now_ns = SP_NS_PER_S;

	if (!xml)
		demand(!gvcam_genicam_create(&(struct gvcam_genicam){ 640, 480, false }, &xml,
					     &xml_bytes));
	gvcam_camera_init(&camera,
			  &(struct gvcam_camera_config){ .ip = 0x0A000064,
							 .serial = "S",
							 .user_name = "U",
							 .width = 640,
							 .height = 480,
							 .pixel_format = SP_PFNC_MONO8,
							 .fps = 25,
							 .packet_size = 1500,
							 .resend = true,
							 .extended_ids = true,
							 .chunks = true,
							 .multi_part = true,
							 .all_in = true,
							 .xml = xml,
							 .xml_bytes = xml_bytes },
			  now_ns);
	while (size >= 2) {
		uint8_t how = data[0];
		size_t n = data[1] < size - 2 ? data[1] : size - 2;
		/* Memory of its own, so that reads beyond it are seen. */
		uint8_t *bytes = malloc(n ? n : 1);
		uint8_t reply[GVCP_MESSAGE_MAX];
		struct gvcam_effects effects;
		size_t answered;

		demand(bytes != NULL);
		memcpy(bytes, data + 2, n);
		now_ns += (uint64_t)(how >> 2) * 100 * SP_NS_PER_MS;
		gvcam_camera_tick(&camera, now_ns);
		answered = gvcam_camera_request(&camera, now_ns, &peers[how & 1], how & 2, bytes, n,
						reply, &effects);
		demand(answered <= sizeof(reply));
		check(&camera, &effects);
		free(bytes);
		data += 2 + n;
		size -= 2 + n;
	}
	return 0;
}
