/* SPDX-License-Identifier: Apache-2.0 */
/* Packets: what each is in its block. */
#include <string.h>

#include <sallyport/gvsp.h>

#include "base/be.h"
#include "base/region.h"
#include "frame/assembler_state.h"

enum {
	/* The longest leader that we take; an all-in packet's leader and trailer are shorter. */
	CONTROL_MAX = SP_GVSP_HEADER_EXT_BYTES + sizeof(struct gvsp_leader) +
		      SP_FRAME_PARTS_MAX * SP_GVSP_PART_BYTES,
	PREFIXED_MAX = SP_GVSP_HEADER_EXT_BYTES + SP_GVSP_PART_PREFIX_BYTES,
};

/* ---- split packets ---- */

/* Bytes of the packet that can be read at its head. */
static uint32_t head_bytes(const struct sp_packet *packet)
{
	return packet->split && packet->split < packet->length ? packet->split : packet->length;
}

/*
 * The packet's first bytes, up to @max, from both places. Returns how many: of a packet that is not
 * wholly in the region those at its head, whatever @max is.
 */
static uint32_t gather(const struct sp_stream *stream, const struct sp_packet *packet,
		       uint8_t *bytes, uint32_t max)
{
	const struct sp_region *region = stream->assembler->region;
	uint32_t n = packet->length < max ? packet->length : max, head = head_bytes(packet);

	if (head > n)
		head = n;
	memcpy(bytes, packet->head, head);
	if (n > head && !sp_region_holds(region, packet->offset, packet->length - head))
		return head;
	if (n > head)
		memcpy(bytes + head, region->base + packet->offset, n - head);
	return n;
}

/* Where byte @at of the packet lies, which must be in the region: @at is no less than its split. */
static uint64_t place_of(const struct sp_packet *packet, uint32_t at)
{
	return packet->offset + at - packet->split;
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

/*
 * Only a leader that came by itself and in its turn tells when the camera's clock showed its time.
 */
static void note_time(struct sp_stream *stream, struct sp_slot *slot,
		      const struct sp_gvsp_packet *gvsp, uint64_t ticks, uint64_t now_ns)
{
	struct sp_block *block = slot->block;

	block->frame.device_ticks = ticks;
	if (!ticks || slot->block_id != stream->newest)
		return;
	stream->ticks = ticks;
	if (!block->next_id && !block->any_asked && !sp_gvsp_is_resent(gvsp))
		sp_device_clock_see(&stream->clock, ticks, now_ns);
}

static void take_leader(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			const uint8_t *bytes, uint32_t length, const struct sp_packet *packet,
			bool *ret_kept)
{
	struct sp_block_geometry geometry;
	struct sp_gvsp_leader leader;
	struct sp_slot *slot;
	int error;

	if (sp_gvsp_parse_leader(bytes, length, &leader)) {
		sp_count(&stream->counters.malformed, 1);
		return;
	}
	slot = sp_window_admit(stream, gvsp, leader.timestamp, packet, ret_kept);
	if (!slot)
		return;
	if (leader.timestamp && (slot->state < SP_SLOT_CLOSED || !slot->timestamp))
		slot->timestamp = leader.timestamp;
	if (slot->state >= SP_SLOT_CLOSED || (slot->state == SP_SLOT_OPEN && slot->block->leader)) {
		if (slot->state == SP_SLOT_OPEN || slot->leader)
			sp_count(&stream->counters.duplicate, 1);
		slot->leader = true;
		return;
	}
	if ((leader.payload_type & GVSP_PAYLOAD_TYPE_MASK) == GVSP_PAYLOAD_MULTI_PART)
		error = sp_geometry_measure_parts(stream, gvsp->parts, bytes, length, &geometry);
	else
		error = sp_geometry_measure(stream, &leader, &geometry);
	if (error) {
		slot->leader = true;
		sp_slot_give_up(stream, slot, SP_GIVE_UP_DISCARD, packet->rx_ns);
		return;
	}
	if (slot->state == SP_SLOT_GAP && !sp_slot_open(stream, slot, packet->rx_ns))
		return;
	note_time(stream, slot, gvsp, leader.timestamp, packet->rx_ns);
	sp_stream_expect_alike(stream, &geometry);
	sp_block_settle(stream, slot, &geometry);
	sp_gap_see(stream, slot, 0, packet->rx_ns);
	progress(stream, slot, gvsp, packet->rx_ns);
}

static void take_trailer(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			 const uint8_t *bytes, uint32_t length, const struct sp_packet *packet,
			 bool *ret_kept)
{
	struct sp_gvsp_trailer trailer;
	struct sp_block *block;
	struct sp_slot *slot;
	uint32_t end;

	if (sp_gvsp_parse_trailer(bytes, length, &trailer)) {
		sp_count(&stream->counters.malformed, 1);
		return;
	}
	slot = sp_window_admit(stream, gvsp, 0, packet, ret_kept);
	if (!slot)
		return;
	if (slot->state >= SP_SLOT_CLOSED ||
	    (slot->state == SP_SLOT_OPEN && slot->block->trailer)) {
		if (slot->state == SP_SLOT_OPEN || slot->trailer)
			sp_count(&stream->counters.duplicate, 1);
		slot->trailer = true;
		return;
	}
	if (slot->state == SP_SLOT_GAP && !sp_slot_open(stream, slot, packet->rx_ns))
		return;
	block = slot->block;
	block->trailer = true;
	block->trailer_id = gvsp->packet_id;
	block->lines = trailer.has_size_y ? trailer.size_y : 0;
	/*
	 * Behind chunk data that are not kept its id is higher: all that is kept was sent before.
	 */
	end = slot->packets.packets + 1;
	sp_gap_see(stream, slot, gvsp->packet_id < end ? gvsp->packet_id : end, packet->rx_ns);
	if (block->leader)
		sp_block_end(stream, slot);
	/* Nothing comes after it, even where more was assumed for want of a leader. */
	if (block->next_id < slot->packets.packets + 2)
		block->next_id = slot->packets.packets + 2;
	sp_assembler_sooner(stream->assembler, packet->rx_ns + stream->config.packet_timeout_ns);
	progress(stream, slot, gvsp, packet->rx_ns);
}

/*
 * Room in the stream's credit. What is only suspected pays first, then the oldest open block, if
 * need be the packet's own.
 */
static bool have_buffer(struct sp_stream *stream, const struct sp_slot *slot, uint64_t now_ns)
{
	if (stream->held >= stream->buffers)
		sp_window_forget(stream);
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

/* A payload packet's own data, and their place in the block. */
struct data {
	uint32_t i; /* counted from 0 */
	uint32_t at, length; /* bytes from the packet's begin */
	uint64_t place; /* as a multi-part prefix says, else SP_NO_PLACE */
	bool usable; /* neither an error status nor a format that is not ours */
};

static void keep(struct sp_block *block, const struct data *data, const struct sp_packet *packet)
{
	block->offset[data->i] = place_of(packet, data->at);
	block->token[data->i] = packet->token;
	block->stream->held++;
	if (data->i < block->geometry.full)
		return;
	block->length[data->i] = (uint16_t)data->length;
	if (block->place)
		block->place[data->i] = data->place;
}

/*
 * A packet that cannot be what its leader says. True if its buffer is held all the same: it may
 * turn out to be the last one of an image that has fewer lines.
 */
static bool take_bad(struct sp_stream *stream, struct sp_block *block, const struct data *data,
		     const struct sp_packet *packet)
{
	uint32_t i = data->i;

	if (sp_gvsp_bit(block->bad, i))
		sp_count(&stream->counters.duplicate, 1);
	sp_gvsp_bit_set(block->bad, i);
	block->idle_ns = packet->rx_ns;
	if (!data->usable || packet->split > data->at || sp_gvsp_bit(block->shorts, i) ||
	    stream->held >= stream->buffers ||
	    !sp_block_may_be_last(block, i, data->length, data->place))
		return false;
	keep(block, data, packet);
	sp_block_hold_short(block, i, data->length);
	return true;
}

/* Of the open block's packet; nearly every one is full. */
static bool fits(const struct sp_stream *stream, const struct sp_block *block,
		 const struct data *data, const struct sp_packet *packet)
{
	const struct sp_block_geometry *g = &block->geometry;

	if (!data->usable || packet->split > data->at)
		return false;
	if (data->i < g->full && data->place == SP_NO_PLACE)
		return data->length == g->stride;
	return sp_block_fits(stream, block, data->i, data->length, data->place);
}

/* True if the packet's buffer is kept. */
static bool take_payload(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			 const struct data *data, const struct sp_packet *packet)
{
	uint32_t i = data->i;
	struct sp_block *block;
	struct sp_slot *slot;
	bool kept = false;

	slot = sp_window_open_slot(stream, gvsp);
	if (!slot) {
		slot = sp_window_admit(stream, gvsp, 0, packet, &kept);
		if (!slot)
			return kept;
		if (slot->state >= SP_SLOT_CLOSED) {
			count_late(stream, slot, i);
			return false;
		}
		if (slot->state == SP_SLOT_GAP && !sp_slot_open(stream, slot, packet->rx_ns))
			return false;
	}
	block = slot->block;
	/* In order, and not after an early leader: nothing is lost and nobody is to be woken. */
	if (gvsp->packet_id == block->next_id && i && i < slot->packets.packets) {
		block->next_id++;
		stream->turn = slot;
	} else {
		sp_gap_see(stream, slot, gvsp->packet_id, packet->rx_ns);
	}
	if (i >= slot->packets.packets) {
		block->cut |= !block->ended;
		sp_count(&stream->counters.surplus, 1);
		return false;
	}
	if (!sp_gvsp_bit(slot->packets.missing, i)) {
		sp_count(&stream->counters.duplicate, 1);
		return false;
	}
	if (!fits(stream, block, data, packet))
		return take_bad(stream, block, data, packet);
	if (!have_buffer(stream, slot, packet->rx_ns))
		return false;
	if (block->shorts_n)
		sp_block_release_short(block, i);
	sp_gvsp_block_receive(&slot->packets, i);
	keep(block, data, packet);
	progress(stream, slot, gvsp, packet->rx_ns);
	return true;
}

/* Of a multi-part packet: what stands before its data. */
static void read_prefix(const struct sp_stream *stream, const struct sp_packet *packet,
			struct data *data)
{
	struct sp_gvsp_part_prefix prefix;
	uint8_t bytes[PREFIXED_MAX];
	uint32_t n = gather(stream, packet, bytes, data->at + SP_GVSP_PART_PREFIX_BYTES);

	if (!stream->config.extra_bytes ||
	    sp_gvsp_parse_part_prefix(bytes + data->at, n - data->at, &prefix)) {
		data->usable = false;
		return;
	}
	data->at += SP_GVSP_PART_PREFIX_BYTES;
	data->length -= SP_GVSP_PART_PREFIX_BYTES;
	data->place = sp_geometry_place(prefix.part, prefix.offset);
}

static bool take_data(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
		      const struct sp_packet *packet)
{
	struct data data = {
		.i = gvsp->packet_id - 1,
		.at = gvsp->header_bytes,
		.length = packet->length - gvsp->header_bytes,
		.place = SP_NO_PLACE,
		.usable = gvsp->format == GVSP_FORMAT_PAYLOAD,
	};

	if (sp_gvsp_status_is_error(gvsp->status)) {
		data.usable = false;
	} else if (gvsp->format == GVSP_FORMAT_MULTI_PART) {
		data.usable = true;
		read_prefix(stream, packet, &data);
	}
	return take_payload(stream, gvsp, &data, packet);
}

/* The block that was just opened is this packet, with the data from byte @at on. */
static bool fill_whole(struct sp_stream *stream, struct sp_slot *slot,
		       struct sp_block_geometry *geometry, const struct sp_gvsp_packet *gvsp,
		       uint32_t at, const struct sp_packet *packet)
{
	const struct data data = {
		.at = at,
		.length = packet->length - at,
		.place = SP_NO_PLACE,
		.usable = packet->split <= at && packet->length - at >= geometry->bytes,
	};
	struct sp_block *block = slot->block;

	geometry->all_in = true;
	geometry->stride = data.length;
	geometry->packets = geometry->reach = 1;
	geometry->full = 0;
	geometry->last_bytes = (uint32_t)geometry->bytes;
	sp_block_settle(stream, slot, geometry);
	block->trailer = block->ended = true;
	if (data.usable) {
		sp_gvsp_block_receive(&slot->packets, 0);
		keep(block, &data, packet);
		progress(stream, slot, gvsp, packet->rx_ns);
	} else {
		sp_gvsp_bit_set(block->bad, 0);
		sp_slot_close(stream, slot, packet->rx_ns);
	}
	return data.usable;
}

/* The whole block in one packet: leader, trailer, data. True if its buffer is kept. */
static bool take_all_in(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			const uint8_t *bytes, uint32_t length, const struct sp_packet *packet)
{
	struct sp_block_geometry geometry;
	struct sp_gvsp_all_in all_in;
	struct sp_slot *slot;
	bool kept = false;

	if (sp_gvsp_parse_all_in(bytes, length, &all_in)) {
		sp_count(&stream->counters.malformed, 1);
		return false;
	}
	slot = sp_window_admit(stream, gvsp, all_in.leader.timestamp, packet, &kept);
	if (!slot)
		return kept;
	if (slot->state >= SP_SLOT_CLOSED) {
		count_late(stream, slot, 0);
		slot->leader = slot->trailer = true;
		return false;
	}
	if (slot->state == SP_SLOT_OPEN) { /* it comes in packets, or this is a forgery */
		sp_count(&stream->counters.duplicate, 1);
		return false;
	}
	slot->timestamp = all_in.leader.timestamp;
	if (sp_geometry_measure(stream, &all_in.leader, &geometry)) {
		slot->leader = slot->trailer = true;
		sp_slot_give_up(stream, slot, SP_GIVE_UP_DISCARD, packet->rx_ns);
		return false;
	}
	if (all_in.trailer.has_size_y)
		sp_geometry_shorten(&geometry, all_in.trailer.size_y);
	if (!sp_slot_open(stream, slot, packet->rx_ns) ||
	    !have_buffer(stream, slot, packet->rx_ns))
		return false;
	note_time(stream, slot, gvsp, all_in.leader.timestamp, packet->rx_ns);
	return fill_whole(stream, slot, &geometry, gvsp, gvsp->header_bytes + all_in.data, packet);
}

/* An answer to a resend request without the packet: a header alone. */
static void take_notice(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp)
{
	struct sp_slot *slot = sp_window_find(stream, gvsp);

	if (!slot) {
		stream->outside++;
		sp_count(&stream->counters.stray, 1);
		return;
	}
	if (sp_gvsp_status_is_gone(gvsp->status) && slot->state != SP_SLOT_GIVEN_UP)
		sp_gap_note_gone(stream, slot, gvsp->packet_id,
				 gvsp->status == GVSP_STATUS_PREVIOUS_REMOVED);
	/* Not yet: the next try will tell. */
}

/* Leaders, trailers, all-in packets, and what is none of these. True if the buffer is kept. */
__attribute__((noinline)) static bool
take_control(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
	     const struct sp_packet *packet)
{
	uint32_t length = packet->length - gvsp->header_bytes;
	const uint8_t *bytes = packet->head;
	uint8_t gathered[CONTROL_MAX];
	bool kept = false;

	if (head_bytes(packet) < packet->length) {
		length = gather(stream, packet, gathered, CONTROL_MAX) - gvsp->header_bytes;
		bytes = gathered;
	}
	bytes += gvsp->header_bytes;
	if (gvsp->format == GVSP_FORMAT_LEADER && !gvsp->packet_id)
		take_leader(stream, gvsp, bytes, length, packet, &kept);
	else if (gvsp->format == GVSP_FORMAT_TRAILER && gvsp->packet_id)
		take_trailer(stream, gvsp, bytes, length, packet, &kept);
	else if (gvsp->format == GVSP_FORMAT_ALL_IN && !gvsp->packet_id)
		kept = take_all_in(stream, gvsp, bytes, length, packet);
	else
		sp_count(&stream->counters.malformed, 1);
	return kept;
}

/* The header of a packet that was split within it. */
__attribute__((noinline)) static int parse_split(const struct sp_stream *stream,
						 const struct sp_packet *packet,
						 struct sp_gvsp_packet *ret)
{
	uint8_t bytes[SP_GVSP_HEADER_EXT_BYTES];

	return sp_gvsp_parse(bytes, gather(stream, packet, bytes, sizeof(bytes)), ret);
}

bool sp_stream_deliver(struct sp_stream *stream, const struct sp_packet *packet)
{
	uint32_t readable = head_bytes(packet);
	struct sp_gvsp_packet gvsp;
	bool payload;

	if (sp_gvsp_parse(packet->head, readable, &gvsp) &&
	    (readable == packet->length || parse_split(stream, packet, &gvsp))) {
		sp_count(&stream->counters.malformed, 1);
		return false;
	}
	payload = gvsp.packet_id && gvsp.format != GVSP_FORMAT_LEADER &&
		  gvsp.format != GVSP_FORMAT_TRAILER && gvsp.format != GVSP_FORMAT_ALL_IN;
	if (payload && !sp_gvsp_status_is_error(gvsp.status))
		return take_data(stream, &gvsp, packet);
	if (sp_gvsp_status_is_gone(gvsp.status) || sp_gvsp_status_is_not_yet(gvsp.status)) {
		take_notice(stream, &gvsp);
		return false;
	}
	if (payload)
		return take_data(stream, &gvsp, packet);
	if (!sp_gvsp_status_is_error(gvsp.status))
		return take_control(stream, &gvsp, packet);
	sp_count(&stream->counters.malformed, 1);
	return false;
}

/* Of a packet of the run: whole, full, behind a header with nothing else to say than @header. */
static bool is_next(const struct sp_stream *stream, const struct sp_packet *packet,
		    uint64_t header, uint32_t length)
{
	return packet->stream == stream->index && packet->length == length &&
	       (!packet->split || packet->split == SP_GVSP_HEADER_BYTES) &&
	       (!stream->config.camera_ip || packet->source_ip == stream->config.camera_ip) &&
	       sp_be64_get(packet->head) == header;
}

/* How many packets of @slot may come by the shortest way, from packet @i (from 0) on. */
static uint32_t run_limit(const struct sp_stream *stream, const struct sp_slot *slot, uint32_t i,
			  uint32_t n)
{
	const struct sp_block *block = slot->block;

	/* One that was asked for, or displaces another, is looked at; so is the end of the block. */
	if (block->any_asked || block->shorts_n || i >= block->geometry.full)
		return 0;
	if (n > block->geometry.full - i)
		n = block->geometry.full - i;
	if (n > slot->packets.missing_n - 1)
		n = slot->packets.missing_n - 1;
	return n < stream->buffers - stream->held ? n : stream->buffers - stream->held;
}

uint32_t sp_stream_receive_run(struct sp_stream *stream, const struct sp_packet *packets,
			       uint32_t n)
{
	struct sp_slot *slot = stream->turn;
	uint32_t i, length, run;
	struct sp_block *block;
	uint64_t header;

	if (!slot || slot->state != SP_SLOT_OPEN || stream->extended || !slot->packets.missing_n)
		return 0;
	block = slot->block;
	i = block->next_id - 1;
	n = run_limit(stream, slot, i, n);
	header = slot->block_id << 32 | GVSP_FORMAT_PAYLOAD << GVSP_FORMAT_SHIFT | block->next_id;
	length = block->geometry.stride + SP_GVSP_HEADER_BYTES;
	for (run = 0; run < n; run++) {
		const struct sp_packet *packet = &packets[run];

		if (run + SP_PREFETCH < n)
			__builtin_prefetch(packets[run + SP_PREFETCH].head);
		if (!is_next(stream, packet, header + run, length) ||
		    !sp_gvsp_bit(slot->packets.missing, i + run))
			break;
		sp_gvsp_bit_clear(slot->packets.missing, i + run);
		block->offset[i + run] = place_of(packet, SP_GVSP_HEADER_BYTES);
		block->token[i + run] = packet->token;
	}
	if (!run)
		return 0;
	block->next_id += run;
	slot->packets.missing_n -= run;
	stream->held += run;
	block->idle_ns = block->frame.last_ns = packets[run - 1].rx_ns;
	sp_count(&stream->counters.packets, run);
	return run;
}

bool sp_stream_receive(struct sp_stream *stream, const struct sp_packet *packet)
{
	sp_count(&stream->counters.packets, 1);
	if (stream->config.camera_ip && packet->source_ip != stream->config.camera_ip) {
		sp_count(&stream->counters.foreign, 1);
		return false;
	}
	return sp_stream_deliver(stream, packet);
}
