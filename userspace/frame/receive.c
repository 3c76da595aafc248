/* SPDX-License-Identifier: Apache-2.0 */
/* Packets: which block each belongs to, and what it is there. */
#include <sallyport/gvsp.h>

#include "base/clock.h"
#include "frame/assembler_state.h"

/* No network holds a packet for so long after its block was closed: the camera began anew. */
#define STALE_NS SP_NS_PER_S

/* ---- which block ---- */

/* The camera began anew: nothing of before is of use. */
static void restart(struct sp_stream *stream, uint64_t now_ns)
{
	sp_stream_close_pending(stream, now_ns);
	for (uint32_t i = 0; i < SP_BLOCK_SLOTS; i++)
		stream->slots[i].state = SP_SLOT_EMPTY;
	stream->begun = false;
	sp_count(&stream->counters.restarts, 1);
}

/* A newer block begins: what older ones still lack at their end will not come by itself. */
static void supersede(struct sp_stream *stream, uint64_t now_ns)
{
	for (uint32_t i = 0; i < stream->pending_n; i++) {
		struct sp_slot *slot = &stream->slots[stream->pending[i]];
		struct sp_block *block = slot->block;

		if (slot->state != SP_SLOT_OPEN)
			continue;
		/* Only its leader came: until now that was no reason to give up waiting. */
		if (block->next_id == 1)
			block->idle_ns = now_ns;
		if (slot->packets.missing_n)
			sp_gap_tail(stream, slot, now_ns + stream->config.gap_ns);
		sp_assembler_sooner(stream->assembler, now_ns + stream->config.gap_ns);
	}
}

static struct sp_slot *slot_of(struct sp_stream *stream, uint64_t block_id)
{
	return &stream->slots[block_id % SP_BLOCK_SLOTS];
}

/* The window moves on by @distance blocks to @block_id. */
static struct sp_slot *advance(struct sp_stream *stream, uint64_t block_id, int64_t distance,
			       uint64_t now_ns)
{
	while (stream->pending_n) {
		struct sp_slot *oldest = &stream->slots[stream->pending[0]];

		if (sp_gvsp_block_distance(block_id, oldest->block_id, stream->extended) <
		    SP_BLOCK_REACH)
			break;
		sp_slot_close(stream, oldest, now_ns);
	}
	supersede(stream, now_ns);
	for (; distance > 1; distance--) {
		stream->newest = sp_gvsp_block_next(stream->newest, stream->extended);
		sp_slot_await(stream, slot_of(stream, stream->newest), stream->newest, now_ns);
	}
	stream->newest = block_id;
	sp_slot_await(stream, slot_of(stream, block_id), block_id, now_ns);
	return slot_of(stream, block_id);
}

/* The slot of a block within reach that was seen or passed over; NULL if there is none. */
static struct sp_slot *find_slot(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp)
{
	struct sp_slot *slot = slot_of(stream, gvsp->block_id);
	__s64 distance;

	if (!stream->begun || gvsp->extended != stream->extended || slot->state == SP_SLOT_EMPTY ||
	    slot->block_id != gvsp->block_id ||
	    sp_gvsp_block_place(gvsp->block_id, stream->newest, stream->extended, SP_BLOCK_REACH,
				&distance) != SP_GVSP_KNOWN)
		return NULL;
	return slot;
}

static bool is_stale(const struct sp_stream *stream, uint64_t since_ns, uint64_t now_ns)
{
	return now_ns > since_ns && now_ns - since_ns > stream->config.retention_ns + STALE_NS;
}

/*
 * The slot of the packet's block; the window moves on to it, or begins anew. @timestamp: of a
 * leader, else 0. NULL: a stray packet, counted.
 */
static struct sp_slot *admit(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			     uint64_t timestamp, uint64_t now_ns)
{
	struct sp_slot *slot = slot_of(stream, gvsp->block_id);
	enum sp_gvsp_place place;
	__s64 distance;

	/* Nearly every packet. */
	if (slot->state == SP_SLOT_OPEN && slot->block_id == gvsp->block_id && !timestamp &&
	    gvsp->extended == stream->extended)
		return slot;
	if (stream->begun && gvsp->extended == stream->extended) {
		place = sp_gvsp_block_place(gvsp->block_id, stream->newest, stream->extended,
					    SP_BLOCK_REACH, &distance);
		if (place == SP_GVSP_AHEAD)
			return advance(stream, gvsp->block_id, distance, now_ns);
		if (place == SP_GVSP_KNOWN) {
			bool known = slot->state != SP_SLOT_EMPTY &&
				     slot->block_id == gvsp->block_id;
			bool other = known && timestamp && slot->timestamp &&
				     timestamp != slot->timestamp;
			bool closed = known && slot->state >= SP_SLOT_CLOSED;

			if (known && !other &&
			    !(closed && is_stale(stream, slot->since_ns, now_ns)))
				return slot;
			if (!known && !is_stale(stream, stream->begun_ns, now_ns)) {
				sp_count(&stream->counters.stray, 1);
				return NULL;
			}
		}
	}
	if (stream->begun)
		restart(stream, now_ns);
	stream->begun = true;
	stream->begun_ns = now_ns;
	sp_stream_use_headers(stream, gvsp->extended);
	return advance(stream, gvsp->block_id, 1, now_ns);
}

/* ---- packets ---- */

/* A packet brought its open block on. */
static void progress(struct sp_stream *stream, struct sp_slot *slot,
		     const struct sp_gvsp_packet *gvsp, uint64_t now_ns)
{
	struct sp_block *block = slot->block;
	uint32_t id = gvsp->packet_id;

	block->idle_ns = block->frame.last_ns = now_ns;
	if (sp_gvsp_is_resent(gvsp) || (block->any_asked && id && id <= slot->packets.packets &&
					sp_gvsp_bit(block->asked, id - 1))) {
		sp_count(&stream->counters.resent, 1);
		block->frame.flags |= SP_FRAME_HAD_RESEND;
	}
	if (slot->packets.missing_n)
		return;
	if (block->leader && block->trailer)
		sp_slot_close(stream, slot, now_ns);
	else
		sp_assembler_sooner(stream->assembler, now_ns + stream->config.packet_timeout_ns);
}

static void take_leader(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			const struct sp_gvsp_leader *leader, uint64_t now_ns)
{
	/* H.264 has something else in its place. */
	bool timed = (leader->payload_type & GVSP_PAYLOAD_TYPE_MASK) != GVSP_PAYLOAD_H264;
	struct sp_slot *slot = admit(stream, gvsp, timed ? leader->timestamp : 0, now_ns);
	struct sp_block_geometry geometry;

	if (!slot)
		return;
	if (timed)
		slot->timestamp = leader->timestamp;
	if (slot->state >= SP_SLOT_CLOSED || (slot->state == SP_SLOT_OPEN && slot->block->leader)) {
		if (slot->state == SP_SLOT_OPEN || slot->leader)
			sp_count(&stream->counters.duplicate, 1);
		slot->leader = true;
		return;
	}
	if (gvsp->format == GVSP_FORMAT_ALL_IN || sp_block_measure(stream, leader, &geometry)) {
		slot->leader = true;
		sp_slot_give_up(stream, slot, SP_GIVE_UP_DISCARD, now_ns);
		return;
	}
	if (slot->state == SP_SLOT_GAP && !sp_slot_open(stream, slot, now_ns))
		return;
	stream->chunks = geometry.chunks;
	sp_block_settle(stream, slot, &geometry);
	slot->block->frame.device_ticks = timed ? leader->timestamp : 0;
	sp_gap_see(stream, slot, 0, now_ns);
	progress(stream, slot, gvsp, now_ns);
}

static void take_trailer(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			 uint64_t now_ns)
{
	struct sp_slot *slot = admit(stream, gvsp, 0, now_ns);
	struct sp_block *block;

	if (!slot)
		return;
	if (slot->state >= SP_SLOT_CLOSED ||
	    (slot->state == SP_SLOT_OPEN && slot->block->trailer)) {
		if (slot->state == SP_SLOT_OPEN || slot->trailer)
			sp_count(&stream->counters.duplicate, 1);
		slot->trailer = true;
		return;
	}
	if (slot->state == SP_SLOT_GAP && !sp_slot_open(stream, slot, now_ns))
		return;
	block = slot->block;
	block->trailer = true;
	sp_gap_see(stream, slot, gvsp->packet_id, now_ns);
	/* Nothing comes after it, even where more was assumed for want of a leader. */
	if (block->next_id < slot->packets.packets + 2)
		block->next_id = slot->packets.packets + 2;
	sp_assembler_sooner(stream->assembler, now_ns + stream->config.packet_timeout_ns);
	progress(stream, slot, gvsp, now_ns);
}

/* Room in the stream's credit; the oldest open block pays, if need be the packet's own. */
static bool have_buffer(struct sp_stream *stream, const struct sp_slot *slot, uint64_t now_ns)
{
	while (stream->held >= stream->buffers) {
		struct sp_slot *oldest = sp_stream_oldest_open(stream);

		sp_slot_give_up(stream, oldest, SP_GIVE_UP_POLICY, now_ns);
		if (oldest == slot)
			return false;
	}
	return true;
}

/* A payload packet, of whatever length and status, of a block that is counted already. */
static void count_late(struct sp_stream *stream, struct sp_slot *slot, uint32_t i)
{
	struct sp_stream_counters *c = &stream->counters;

	if (slot->state == SP_SLOT_GIVEN_UP)
		return;
	if (i >= slot->packets.packets) {
		sp_count(&c->surplus, 1);
	} else if (sp_gvsp_block_receive(&slot->packets, i)) {
		sp_count(&c->missing, (uint64_t)-1);
		sp_count(&c->late, 1);
	} else {
		sp_count(&c->duplicate, 1);
	}
}

/* True if the packet's buffer is kept. @usable: neither an error status nor another format. */
static bool take_payload(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			 const struct sp_packet *packet, bool usable)
{
	struct sp_slot *slot = admit(stream, gvsp, 0, packet->rx_ns);
	uint32_t i = gvsp->packet_id - 1, length = packet->length - gvsp->header_bytes;
	struct sp_block *block;

	if (!slot)
		return false;
	if (slot->state >= SP_SLOT_CLOSED) {
		count_late(stream, slot, i);
		return false;
	}
	if (slot->state == SP_SLOT_GAP && !sp_slot_open(stream, slot, packet->rx_ns))
		return false;
	block = slot->block;
	sp_gap_see(stream, slot, gvsp->packet_id, packet->rx_ns);
	if (i >= slot->packets.packets) {
		sp_count(&stream->counters.surplus, 1);
		return false;
	}
	if (!sp_gvsp_bit(slot->packets.missing, i)) {
		sp_count(&stream->counters.duplicate, 1);
		return false;
	}
	if (!usable || !sp_block_length_fits(stream, block, i, length)) {
		if (sp_gvsp_bit(block->bad, i))
			sp_count(&stream->counters.duplicate, 1);
		sp_gvsp_bit_set(block->bad, i);
		block->idle_ns = packet->rx_ns;
		return false;
	}
	if (!have_buffer(stream, slot, packet->rx_ns))
		return false;
	sp_gvsp_block_receive(&slot->packets, i);
	block->offset[i] = packet->offset + gvsp->header_bytes;
	block->token[i] = packet->token;
	if (!block->leader)
		block->length[i] = (uint16_t)length;
	stream->held++;
	progress(stream, slot, gvsp, packet->rx_ns);
	return true;
}

/* The camera says that it has packet @id no more. Returns whether that is news. */
static bool note_gone(struct sp_slot *slot, uint32_t id)
{
	struct sp_block *block = slot->block;
	bool *flag = id ? &block->trailer_gone : &block->leader_gone;

	if (id && id <= slot->packets.packets) {
		if (!sp_gvsp_bit(slot->packets.missing, id - 1) || sp_gvsp_bit(block->gone, id - 1))
			return false;
		sp_gvsp_bit_set(block->gone, id - 1);
		return true;
	}
	if (*flag || (id ? block->trailer : block->leader))
		return false;
	return *flag = true;
}

/* Whether packet @id came, of a block that is not open. */
static bool came(const struct sp_slot *slot, uint32_t id)
{
	if (id == 0)
		return slot->leader;
	if (id > slot->packets.packets)
		return slot->trailer;
	return !sp_gvsp_bit(slot->packets.missing, id - 1);
}

/* An answer to a resend request without the packet: a header alone. */
static void take_notice(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp)
{
	struct sp_slot *slot = find_slot(stream, gvsp);
	uint32_t last = gvsp->packet_id;

	if (!slot) {
		sp_count(&stream->counters.stray, 1);
		return;
	}
	if (!sp_gvsp_status_is_gone(gvsp->status))
		return; /* not yet: the next try will tell */
	if (slot->state == SP_SLOT_GIVEN_UP)
		return;
	if (slot->state != SP_SLOT_OPEN) {
		sp_count(came(slot, last) ? &stream->counters.duplicate
					  : &stream->counters.unavailable,
			 1);
		return;
	}
	if (!note_gone(slot, last))
		sp_count(&stream->counters.duplicate, 1);
	else
		sp_count(&stream->counters.unavailable, 1);
	if (gvsp->status != GVSP_STATUS_PREVIOUS_REMOVED)
		return;
	for (uint32_t id = 0; id < last && id <= slot->packets.packets; id++)
		if (note_gone(slot, id))
			sp_count(&stream->counters.unavailable, 1);
}

bool sp_stream_receive(struct sp_stream *stream, const struct sp_packet *packet)
{
	const uint8_t *data = packet->head;
	struct sp_stream_counters *c = &stream->counters;
	bool error, payload;
	struct sp_gvsp_trailer trailer;
	struct sp_gvsp_leader leader;
	struct sp_gvsp_packet gvsp;
	uint32_t length;

	sp_count(&c->packets, 1);
	if (stream->config.camera_ip && packet->source_ip != stream->config.camera_ip) {
		sp_count(&c->foreign, 1);
		return false;
	}
	if (sp_gvsp_parse(data, packet->length, &gvsp)) {
		sp_count(&c->malformed, 1);
		return false;
	}
	error = sp_gvsp_status_is_error(gvsp.status);
	payload = gvsp.format != GVSP_FORMAT_LEADER && gvsp.format != GVSP_FORMAT_TRAILER &&
		  gvsp.format != GVSP_FORMAT_ALL_IN;
	if (payload && gvsp.packet_id && !error)
		return take_payload(stream, &gvsp, packet, gvsp.format == GVSP_FORMAT_PAYLOAD);
	if (sp_gvsp_status_is_gone(gvsp.status) || sp_gvsp_status_is_not_yet(gvsp.status)) {
		take_notice(stream, &gvsp);
		return false;
	}
	if (payload && gvsp.packet_id)
		return take_payload(stream, &gvsp, packet, false);
	data += gvsp.header_bytes;
	length = packet->length - gvsp.header_bytes;
	if (!error && !payload && gvsp.format != GVSP_FORMAT_TRAILER && !gvsp.packet_id &&
	    !sp_gvsp_parse_leader(data, length, &leader))
		take_leader(stream, &gvsp, &leader, packet->rx_ns);
	else if (!error && gvsp.format == GVSP_FORMAT_TRAILER && gvsp.packet_id &&
		 !sp_gvsp_parse_trailer(data, length, &trailer))
		take_trailer(stream, &gvsp, packet->rx_ns);
	else
		sp_count(&c->malformed, 1);
	return false;
}
