/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/spoof.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sallyport/gvsp.h>

#include "base/diag.h"
#include "base/random.h"
#include "gvsp_wire.h"
#include "wire/pfnc.h"

#define RATE_DEFAULT 0.01

enum { PURPOSE = 201, KIND_TEXT = 16 };

const char *const gvcam_spoof_names[GVCAM_SPOOFS] = {
	[GVCAM_SPOOF_ADDRESS] = "address",     [GVCAM_SPOOF_PORT] = "port",
	[GVCAM_SPOOF_MALFORMED] = "malformed", [GVCAM_SPOOF_OVERSIZED] = "oversized",
	[GVCAM_SPOOF_REPLAY] = "replay",       [GVCAM_SPOOF_IDS] = "ids",
	[GVCAM_SPOOF_PAYLOAD] = "payload",
};

int gvcam_spoofs_parse(const char *text, struct gvcam_spoofs *spoofs, struct sp_err *err)
{
	double rate = RATE_DEFAULT;
	char kind[KIND_TEXT] = "";
	bool all, known = false;
	int end = 0;

	if (sscanf(text, "%15[a-z]%n,%lf%n", kind, &end, &rate, &end) < 1 || text[end])
		return sp_err_set(err, -EINVAL, "'%s' is no KIND or KIND,RATE such as replay,0.1",
				  text);
	if (!(rate >= 0 && rate <= 1))
		return sp_err_set(err, -EINVAL, "'%s': rates are from 0 to 1", text);
	all = !strcmp(kind, "all");
	for (unsigned int i = 0; i < GVCAM_SPOOFS; i++) {
		if (!all && strcmp(kind, gvcam_spoof_names[i]))
			continue;
		spoofs->rate[i] = rate;
		known = true;
	}
	if (!known)
		return sp_err_set(err, -EINVAL,
				  "'%s' is none of all, address, port, malformed, oversized, "
				  "replay, ids, payload",
				  kind);
	return 0;
}

unsigned int gvcam_spoofs_after(const struct gvcam_spoofs *spoofs, uint32_t camera, uint64_t block,
				uint32_t packet)
{
	unsigned int kinds = 0;

	for (unsigned int i = 0; i < GVCAM_SPOOFS; i++) {
		uint64_t x = sp_random_mix(spoofs->seed);

		if (!(spoofs->rate[i] > 0))
			continue;
		x = sp_random_mix(x ^ ((uint64_t)camera << 16 | (PURPOSE + i)));
		x = sp_random_mix(sp_random_mix(x ^ block) ^ packet);
		if ((double)(x >> 11) * 0x1p-53 < spoofs->rate[i])
			kinds |= 1u << i;
	}
	return kinds;
}

/* A packet with every bit of its data wrong. */
static void make_wrong(const struct gvcam_block *block, uint32_t number, struct gvcam_packet *out)
{
	gvcam_block_packet(block, number, false, out);
	for (uint32_t i = 0; i < out->data_bytes; i++)
		out->scratch[i] = (uint8_t)~out->data[i];
	out->data = out->scratch;
}

/* Where the source is not refused, the packet to come is taken for a duplicate of this. */
static void make_early(const struct gvcam_spoof_scene *scene, enum gvcam_way way,
		       struct gvcam_packet *out)
{
	uint32_t next = scene->packet + 1;

	make_wrong(scene->block, next < scene->block->packets ? next : scene->packet, out);
	out->way = way;
}

/* A block id that no receiver waits for. */
static uint64_t far_id(const struct gvcam_block *block, uint64_t random)
{
	uint64_t id;

	if (!block->extended)
		return 1 + (block->id - 1 + GVCAM_SPOOF_FAR +
			    random % (UINT16_MAX - 2 * GVCAM_SPOOF_FAR)) %
				   UINT16_MAX;
	id = block->id + GVCAM_SPOOF_FAR + random % (UINT64_MAX - 2 * GVCAM_SPOOF_FAR);
	return id ? id : 1;
}

static struct sp_gvsp_packet header_of(const struct gvcam_block *block, uint64_t id,
				       uint32_t number)
{
	return (struct sp_gvsp_packet){
		.block_id = id,
		.packet_id = number,
		.format = GVSP_FORMAT_PAYLOAD,
		.extended = block->extended,
	};
}

static void make_malformed(const struct gvcam_spoof_scene *scene, struct gvcam_packet *out)
{
	const struct gvcam_block *block = scene->block;
	struct sp_gvsp_packet packet = header_of(block, block->id, scene->packet + 1);

	switch (scene->random % 5) {
	case 0: /* ends within the standard header */
		(void)sp_gvsp_build(&packet, out->head, sizeof(out->head));
		out->head_bytes = 1 + (uint32_t)(scene->random >> 8) % 7;
		break;
	case 1: /* ends within the extended header */
		packet.extended = true;
		(void)sp_gvsp_build(&packet, out->head, sizeof(out->head));
		out->head_bytes = 8 + (uint32_t)(scene->random >> 8) % 12;
		break;
	case 2: /* a format that there is none of */
		packet.format = 0x0E;
		out->head_bytes = (uint32_t)sp_gvsp_build(&packet, out->head, sizeof(out->head));
		break;
	case 3: /* a leader of a few bytes */
		packet.packet_id = 0;
		packet.format = GVSP_FORMAT_LEADER;
		out->head_bytes = (uint32_t)sp_gvsp_build(&packet, out->head, sizeof(out->head));
		memset(out->head + out->head_bytes, 0, 4);
		out->head_bytes += 4;
		break;
	default: /* beyond the block */
		packet.packet_id = 0x00FF0000u + (uint32_t)(scene->random >> 8) % 0xFFFF;
		out->head_bytes = (uint32_t)sp_gvsp_build(&packet, out->head, sizeof(out->head));
		out->data_bytes = 64;
		memset(out->scratch, 0xA5, out->data_bytes);
		out->data = out->scratch;
	}
}

/*
 * Of the current block where its true leader has left, else of a far one: nothing tells a receiver
 * which of two leaders is true but which came first.
 */
static void make_oversized(const struct gvcam_spoof_scene *scene, struct gvcam_packet *out)
{
	const struct gvcam_block *block = scene->block;
	bool current = scene->leader_left && scene->random & 1;
	struct sp_gvsp_packet packet =
		header_of(block, current ? block->id : far_id(block, scene->random >> 1), 0);
	struct sp_gvsp_part parts[GVCAM_PARTS_MAX];
	struct sp_gvsp_leader leader = {
		.timestamp = block->ticks,
		.payload_type = GVSP_PAYLOAD_IMAGE,
		.has_image = true,
		.pixel_format = SP_PFNC_RGB8,
		.size_x = UINT32_MAX,
		.size_y = UINT32_MAX,
	};
	int n;

	if (block->extended && scene->random & 2) {
		for (unsigned int i = 0; i < GVCAM_PARTS_MAX; i++)
			parts[i] = (struct sp_gvsp_part){ .length = (1ull << 48) - 1,
							  .data_type = GVSP_PART_IMAGE_2D,
							  .has_image = true,
							  .pixel_format = SP_PFNC_RGB8,
							  .size_x = UINT32_MAX,
							  .size_y = UINT32_MAX };
		n = sp_gvsp_build_multi_part_leader(&packet, block->ticks, parts, GVCAM_PARTS_MAX,
						    out->head, sizeof(out->head));
	} else {
		n = sp_gvsp_build_leader(&packet, &leader, out->head, sizeof(out->head));
	}
	out->head_bytes = (uint32_t)n;
}

bool gvcam_spoof_make(enum gvcam_spoof_kind kind, const struct gvcam_spoof_scene *scene,
		      struct gvcam_packet *out)
{
	struct gvcam_block far = *scene->block;

	out->data = NULL;
	out->data_bytes = 0;
	out->way = GVCAM_WAY_OWN;
	switch (kind) {
	case GVCAM_SPOOF_ADDRESS:
		make_early(scene, GVCAM_WAY_OTHER_ADDRESS, out);
		return true;
	case GVCAM_SPOOF_PORT:
		make_early(scene, GVCAM_WAY_OTHER_PORT, out);
		return true;
	case GVCAM_SPOOF_MALFORMED:
		make_malformed(scene, out);
		return true;
	case GVCAM_SPOOF_OVERSIZED:
		make_oversized(scene, out);
		return true;
	case GVCAM_SPOOF_REPLAY:
		if (!scene->old)
			return false;
		gvcam_block_packet(scene->old, (uint32_t)(scene->random % scene->old->packets),
				   false, out);
		return true;
	case GVCAM_SPOOF_IDS:
		far.id = far_id(scene->block, scene->random);
		make_wrong(&far, (uint32_t)(scene->random >> 32) % far.packets, out);
		return true;
	default:
		/* Leaders and trailers carry no data. */
		make_wrong(scene->block, scene->packet, out);
		return out->data_bytes > 0;
	}
}
