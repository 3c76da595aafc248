/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/assembler.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/gvsp.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/region.h"
#include "frame/assembler_state.h"
#include "wire/pfnc.h"

enum {
	FRAMES_MAX = 4096,	  /* a stream */
	PACKETS_MAX = 1 << 22,	  /* a block */
	PAYLOAD_MAX = 65507 - SP_GVSP_HEADER_BYTES, /* UDP over IPv4 */
	PREFETCH = 4,		  /* packets ahead */
};

/* No network holds a packet for so long after its block was closed: the camera began anew. */
#define STALE_NS SP_NS_PER_S

/* ---- memory ---- */

static void *take_memory(size_t bytes)
{
	void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);

	/* Touched now: a page fault in the capture thread costs packets. */
	if (memory)
		memset(memory, 0, (bytes + 63) / 64 * 64);
	return memory;
}

int sp_assembler_create(const struct sp_assembler_config *config, struct sp_assembler **ret_assembler,
			struct sp_err *err)
{
	struct sp_assembler *a;

	if (!config->buffers || !config->streams)
		return sp_err_set(err, -EINVAL, "assembler: %u buffers for %u streams; both must be 1 or more",
				  config->buffers, config->streams);
	a = calloc(1, sizeof(*a));
	if (!a)
		goto err_memory;
	a->region = config->region;
	a->deadline = UINT64_MAX;
	a->streams_max = config->streams;
	a->tokens_max = config->buffers;
	a->streams = calloc(a->streams_max, sizeof(a->streams[0]));
	a->tokens = take_memory((size_t)a->tokens_max * sizeof(a->tokens[0]));
	a->resends = take_memory(SP_ASSEMBLER_RESENDS * sizeof(a->resends[0]));
	if (!a->streams || !a->tokens || !a->resends)
		goto err_destroy;
	a->out.tokens = a->tokens;
	a->out.resends = a->resends;
	*ret_assembler = a;
	return 0;

err_destroy:
	sp_assembler_destroy(a);
err_memory:
	return sp_err_set(err, -ENOMEM, "assembler: no memory for %u packet buffers", config->buffers);
}

static void stream_destroy(struct sp_stream *stream)
{
	if (!stream)
		return;
	free(stream->memory);
	free(stream->blocks);
	free(stream);
}

void sp_assembler_destroy(struct sp_assembler *assembler)
{
	if (!assembler)
		return;
	for (uint32_t i = 0; i < assembler->streams_n; i++)
		stream_destroy(assembler->streams[i]);
	free(assembler->streams);
	free(assembler->tokens);
	free(assembler->resends);
	free(assembler->out.frames);
	free(assembler);
}

static uint64_t block_packets(const struct sp_stream_config *config)
{
	uint64_t bytes = sp_pfnc_image_bytes(config->pixel_format, config->width, config->height);

	return (bytes + config->packet_payload - 1) / config->packet_payload;
}

uint32_t sp_assembler_block_packets(const struct sp_stream_config *config)
{
	return config->packet_payload ? (uint32_t)block_packets(config) : 0;
}

static int check_config(const struct sp_stream_config *config, unsigned int buffers, struct sp_err *err)
{
	if (!config->packet_payload || config->packet_payload > PAYLOAD_MAX)
		return sp_err_set(err, -EINVAL, "stream: a packet payload of %u bytes; use 1 to %d",
				  config->packet_payload, PAYLOAD_MAX);
	if (!sp_pfnc_by_code(config->pixel_format))
		return sp_err_set(err, -EINVAL, "stream: pixel format 0x%08x is not known; choose another",
				  config->pixel_format);
	if (!config->width || !config->height || config->width > SP_FRAME_SIDE_MAX ||
	    config->height > SP_FRAME_SIDE_MAX || block_packets(config) > PACKETS_MAX)
		return sp_err_set(err, -EINVAL,
				  "stream: an image of %u × %u in packets of %u bytes is out of range; "
				  "use at most %d packets a block",
				  config->width, config->height, config->packet_payload, PACKETS_MAX);
	if (!config->frames || config->frames > FRAMES_MAX)
		return sp_err_set(err, -EINVAL, "stream: %u frames; use 1 to %d", config->frames,
				  FRAMES_MAX);
	if (!config->gap_ns || config->gap_ns > config->packet_timeout_ns ||
	    config->packet_timeout_ns > config->retention_ns)
		return sp_err_set(err, -EINVAL,
				  "stream: times out of order; use gap ≤ packet timeout ≤ retention");
	if (buffers && buffers < block_packets(config))
		return sp_err_set(err, -EINVAL,
				  "stream: %u packet buffers do not hold a block of %u; give it more",
				  buffers, (unsigned int)block_packets(config));
	return 0;
}

/* Deals out @bytes of the arena at *at; counts only, where @base is NULL. */
static void *deal(uint8_t *base, size_t *at, size_t bytes)
{
	void *memory = base ? base + *at : NULL;

	*at += (bytes + 63) / 64 * 64;
	return memory;
}

/* Every array of the stream out of one arena; with base NULL only the size is counted. */
static size_t lay_out(struct sp_stream *stream, uint8_t *base)
{
	size_t packets = stream->geometry.packets, at = 0;
	size_t bitmap = sp_gvsp_words((uint32_t)packets) * sizeof(__u64);

	for (uint32_t i = 0; i < SP_BLOCK_SLOTS; i++)
		stream->slots[i].bits = deal(base, &at, bitmap);
	for (uint32_t i = 0; i < stream->config.frames; i++) {
		struct sp_block *block = &stream->blocks[i];

		block->offset = deal(base, &at, packets * sizeof(block->offset[0]));
		block->token = deal(base, &at, packets * sizeof(block->token[0]));
		block->length = deal(base, &at, packets * sizeof(block->length[0]));
		block->missing = deal(base, &at, bitmap);
		block->bad = deal(base, &at, bitmap);
		block->gone = deal(base, &at, bitmap);
		block->asked = deal(base, &at, bitmap);
		block->frame.offset = block->offset;
		block->frame.token = block->token;
		block->frame.missing = (const uint64_t *)block->missing;
	}
	return at;
}

static struct sp_stream *stream_create(struct sp_assembler *assembler,
				       const struct sp_stream_config *config, unsigned int buffers)
{
	struct sp_stream *stream = take_memory(sizeof(*stream));
	uint64_t bytes = sp_pfnc_image_bytes(config->pixel_format, config->width, config->height);
	uint32_t packets = (uint32_t)block_packets(config);

	if (!stream)
		return NULL;
	stream->config = *config;
	stream->assembler = assembler;
	stream->index = assembler->streams_n;
	stream->buffers = buffers ? buffers : packets * config->frames;
	stream->geometry = (struct sp_block_geometry){
		.bytes = bytes,
		.packets = packets,
		.last_bytes = (uint32_t)(bytes - (uint64_t)(packets - 1) * config->packet_payload),
		.pixel_format = config->pixel_format,
		.width = config->width,
		.height = config->height,
	};
	stream->blocks = take_memory(config->frames * sizeof(stream->blocks[0]));
	if (!stream->blocks)
		goto err_free;
	stream->memory = take_memory(lay_out(stream, NULL));
	if (!stream->memory)
		goto err_free;
	lay_out(stream, stream->memory);
	for (uint32_t i = config->frames; i-- > 0;) {
		stream->blocks[i].stream = stream;
		stream->blocks[i].frame.owner = &stream->blocks[i];
		stream->blocks[i].next_free = stream->free;
		stream->free = &stream->blocks[i];
	}
	return stream;

err_free:
	stream_destroy(stream);
	return NULL;
}

int sp_assembler_add_stream(struct sp_assembler *assembler, const struct sp_stream_config *config,
			    unsigned int buffers, struct sp_err *err)
{
	struct sp_frame **frames;
	struct sp_stream *stream;
	int ret;

	if (assembler->streams_n == assembler->streams_max)
		return sp_err_set(err, -ENOSPC, "stream: more than the %u that were announced",
				  assembler->streams_max);
	ret = check_config(config, buffers, err);
	if (ret)
		return ret;
	frames = realloc(assembler->out.frames,
			 (assembler->frames_max + config->frames) * sizeof(frames[0]));
	if (frames)
		assembler->out.frames = frames;
	stream = frames ? stream_create(assembler, config, buffers) : NULL;
	if (!stream)
		return sp_err_set(err, -ENOMEM, "stream: no memory for %u frames of %u packets; use fewer",
				  config->frames, (unsigned int)block_packets(config));
	assembler->frames_max += config->frames;
	assembler->streams[assembler->streams_n] = stream;
	return (int)assembler->streams_n++;
}

/* ---- lists out ---- */

static void begin_lists(struct sp_assembler *assembler)
{
	if (!assembler->taken)
		return;
	assembler->taken = false;
	assembler->out.frames_n = assembler->out.tokens_n = assembler->out.resends_n = 0;
}

void sp_assembler_release(struct sp_assembler *assembler, uint64_t token)
{
	/* Each token is out once, so all of them fit. */
	assert(assembler->out.tokens_n < assembler->tokens_max);
	assembler->tokens[assembler->out.tokens_n++] = token;
}

void sp_assembler_take(struct sp_assembler *assembler, struct sp_assembler_out *ret_out)
{
	begin_lists(assembler);
	*ret_out = assembler->out;
	assembler->taken = true;
}

void sp_assembler_drop_resend(struct sp_assembler *assembler,
			      const struct sp_resend_request *request)
{
	sp_count(&assembler->streams[request->stream]->counters.resends_dropped, 1);
}

const struct sp_stream_counters *sp_assembler_counters(const struct sp_assembler *assembler,
						       unsigned int stream)
{
	return stream < assembler->streams_n ? &assembler->streams[stream]->counters : NULL;
}

/* ---- which block ---- */

static void close_pending(struct sp_stream *stream, uint64_t now_ns)
{
	while (stream->pending_n)
		sp_slot_close(stream, &stream->slots[stream->pending[0]], now_ns);
}

/* The camera began anew: nothing of before is of use. */
static void restart(struct sp_stream *stream, uint64_t now_ns)
{
	close_pending(stream, now_ns);
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

		if (sp_gvsp_block_distance(block_id, oldest->block_id, stream->extended) < SP_BLOCK_REACH)
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
	int64_t distance;

	if (!stream->begun || gvsp->extended != stream->extended || slot->state == SP_SLOT_EMPTY ||
	    slot->block_id != gvsp->block_id ||
	    sp_gvsp_block_place(gvsp->block_id, stream->newest, stream->extended, SP_BLOCK_REACH,
				(__s64 *)&distance) != SP_GVSP_KNOWN)
		return NULL;
	return slot;
}

static bool is_stale(const struct sp_stream *stream, uint64_t since_ns, uint64_t now_ns)
{
	return now_ns > since_ns && now_ns - since_ns > stream->config.retention_ns + STALE_NS;
}

/*
 * The slot of the packet's block; the window moves on to it, or begins anew. @timestamp: of a leader,
 * else 0. NULL: a stray packet, counted.
 */
static struct sp_slot *admit(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp,
			     uint64_t timestamp, uint64_t now_ns)
{
	struct sp_slot *slot = slot_of(stream, gvsp->block_id);
	enum sp_gvsp_place place;
	int64_t distance;

	/* Nearly every packet. */
	if (slot->state == SP_SLOT_OPEN && slot->block_id == gvsp->block_id && !timestamp &&
	    gvsp->extended == stream->extended)
		return slot;
	if (stream->begun && gvsp->extended == stream->extended) {
		place = sp_gvsp_block_place(gvsp->block_id, stream->newest, stream->extended,
					    SP_BLOCK_REACH, (__s64 *)&distance);
		if (place == SP_GVSP_AHEAD)
			return advance(stream, gvsp->block_id, distance, now_ns);
		if (place == SP_GVSP_KNOWN) {
			bool known = slot->state != SP_SLOT_EMPTY && slot->block_id == gvsp->block_id;
			bool other = known && timestamp && slot->timestamp && timestamp != slot->timestamp;
			bool closed = known && slot->state >= SP_SLOT_CLOSED;

			if (known && !other && !(closed && is_stale(stream, slot->since_ns, now_ns)))
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
	stream->extended = gvsp->extended;
	return advance(stream, gvsp->block_id, 1, now_ns);
}

/* ---- packets ---- */

/* A packet brought its open block on. */
static void progress(struct sp_stream *stream, struct sp_slot *slot, const struct sp_gvsp_packet *gvsp,
		     uint64_t now_ns)
{
	struct sp_block *block = slot->block;
	uint32_t id = gvsp->packet_id;

	block->idle_ns = block->frame.last_ns = now_ns;
	if (sp_gvsp_is_resent(gvsp) ||
	    (block->any_asked && id && id <= slot->packets.packets && sp_gvsp_bit(block->asked, id - 1))) {
		sp_count(&stream->counters.resent, 1);
		block->frame.flags |= SP_FRAME_HAD_RESEND;
	}
	if (block->leader && block->trailer && !slot->packets.missing_n)
		sp_slot_close(stream, slot, now_ns);
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

static void take_trailer(struct sp_stream *stream, const struct sp_gvsp_packet *gvsp, uint64_t now_ns)
{
	struct sp_slot *slot = admit(stream, gvsp, 0, now_ns);
	struct sp_block *block;

	if (!slot)
		return;
	if (slot->state >= SP_SLOT_CLOSED || (slot->state == SP_SLOT_OPEN && slot->block->trailer)) {
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
		sp_count(came(slot, last) ? &stream->counters.duplicate :
					    &stream->counters.unavailable, 1);
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

/* True if the packet's buffer is kept. */
static bool take_packet(struct sp_stream *stream, const struct sp_packet *packet, const uint8_t *data)
{
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

void sp_assembler_push(struct sp_assembler *assembler, const struct sp_packet *packets, unsigned int n)
{
	const uint8_t *base = assembler->region->base;

	begin_lists(assembler);
	for (unsigned int i = 0; i < n; i++) {
		const struct sp_packet *packet = &packets[i];

		if (i + PREFETCH < n)
			__builtin_prefetch(base + packets[i + PREFETCH].offset);
		if (packet->stream >= assembler->streams_n ||
		    !take_packet(assembler->streams[packet->stream], packet, base + packet->offset))
			sp_assembler_release(assembler, packet->token);
	}
}

void sp_assembler_put(struct sp_assembler *assembler, struct sp_frame *frame)
{
	begin_lists(assembler);
	sp_block_put(frame->owner);
}

/* ---- time ---- */

/* Closes or asks; returns when the open block is due next. */
static uint64_t tick_open(struct sp_stream *stream, struct sp_slot *slot, uint64_t now_ns)
{
	const struct sp_stream_config *config = &stream->config;
	struct sp_block *block = slot->block;
	uint64_t silent = block->idle_ns + config->packet_timeout_ns;
	uint64_t due = block->idle_ns + config->retention_ns, ask;
	bool whole = !slot->packets.missing_n;

	/* A leader may be sent long before the exposure. */
	if (block->next_id == 1 && slot->block_id == stream->newest)
		return UINT64_MAX;
	if (!block->trailer && !whole && now_ns >= silent && config->resend_tries)
		sp_gap_tail(stream, slot, now_ns);
	ask = sp_gap_ask(stream, slot, now_ns);
	/* Whole, and nothing is on its way that would add anything. */
	if (whole && ask == UINT64_MAX)
		due = silent;
	if (now_ns >= due) {
		sp_slot_close(stream, slot, now_ns);
		return UINT64_MAX;
	}
	if (silent > now_ns && silent < due)
		due = silent;
	return ask < due ? ask : due;
}

static void tick_stream(struct sp_stream *stream, uint64_t now_ns)
{
	uint32_t i = 0;

	while (i < stream->pending_n) {
		struct sp_slot *slot = &stream->slots[stream->pending[i]];
		uint64_t due;

		if (slot->state == SP_SLOT_OPEN) {
			due = tick_open(stream, slot, now_ns);
		} else {
			due = slot->since_ns + stream->config.retention_ns;
			if (now_ns >= due)
				sp_slot_close(stream, slot, now_ns);
		}
		/* A closed one has left the list. */
		if (slot->state >= SP_SLOT_CLOSED)
			continue;
		sp_assembler_sooner(stream->assembler, due);
		i++;
	}
}

void sp_assembler_tick(struct sp_assembler *assembler, uint64_t now_ns)
{
	if (now_ns < assembler->deadline)
		return;
	begin_lists(assembler);
	assembler->deadline = UINT64_MAX;
	for (uint32_t i = 0; i < assembler->streams_n; i++)
		tick_stream(assembler->streams[i], now_ns);
}

uint64_t sp_assembler_next_deadline(const struct sp_assembler *assembler)
{
	return assembler->deadline;
}

void sp_assembler_flush_stream(struct sp_assembler *assembler, unsigned int stream, uint64_t now_ns)
{
	begin_lists(assembler);
	if (stream < assembler->streams_n)
		close_pending(assembler->streams[stream], now_ns);
}

void sp_assembler_flush(struct sp_assembler *assembler, uint64_t now_ns)
{
	for (uint32_t i = 0; i < assembler->streams_n; i++)
		sp_assembler_flush_stream(assembler, i, now_ns);
}
