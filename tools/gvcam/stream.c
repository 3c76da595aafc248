/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/gvsp.h>

#include "base/clock.h"
#include "base/random.h"
#include "gvsp_wire.h"

enum { RETRY_NS = 1000000, TOKENS_MIN = 256 };

uint64_t gvcam_next_block_id(uint64_t id, bool extended)
{
	if (!extended)
		return id >= UINT16_MAX ? 1 : id + 1;
	return id == UINT64_MAX ? 1 : id + 1;
}

int gvcam_stream_init(struct gvcam_stream *stream, const struct gvcam_stream_config *config)
{
	uint32_t depth = config->faults.reorder;
	int res;

	*stream = (struct gvcam_stream){ .config = *config, .next_id = config->start_block };
	/* A step and the flush behind it. */
	stream->refs = calloc(2 * GVCAM_COPIES_MAX * (depth + 1), sizeof(*stream->refs));
	if (!stream->refs)
		return -ENOMEM;
	res = gvcam_reorder_init(&stream->reorder, depth);
	if (res)
		gvcam_stream_uninit(stream);
	return res;
}

void gvcam_stream_uninit(struct gvcam_stream *stream)
{
	gvcam_reorder_uninit(&stream->reorder);
	free(stream->refs);
	*stream = (struct gvcam_stream){ 0 };
}

bool gvcam_stream_spent(const struct gvcam_stream *stream)
{
	return stream->config.frames && stream->stats.frames >= stream->config.frames;
}

/* Drops what is left of the current block. */
static void abandon_block(struct gvcam_stream *stream)
{
	gvcam_reorder_flush(&stream->reorder, stream->refs);
	stream->refs_n = stream->refs_at = 0;
	stream->spoofs = 0;
	stream->in_block = false;
}

/* Does the next block show a picture, not the test pattern? */
static bool shows_pictures(const struct gvcam_stream *stream)
{
	return stream->config.player && !stream->shape.pattern;
}

/* Pictures are loaded for one geometry: only the test pattern varies. */
static void cut_block(const struct gvcam_stream *stream, struct gvcam_block *block)
{
	static const struct gvcam_variety none;
	struct gvcam_shape shape =
		gvcam_variety_shape(shows_pictures(stream) ? &none : &stream->config.variety,
				    stream->config.camera, block->id, &stream->shape);

	gvcam_block_cut(block, &stream->shape, &shape);
}

static void begin_acquisition(struct gvcam_stream *stream, uint64_t now_ns)
{
	struct gvcam_channel *shape = &stream->shape;
	struct gvcam_block first = { 0 };

	*shape = stream->channel;
	if (!shape->extended_ids && stream->next_id > UINT16_MAX)
		stream->next_id = 1;
	first.id = stream->next_id;
	cut_block(stream, &first);
	stream->packets = first.packets;
	stream->interval_ns = (uint64_t)((double)SP_NS_PER_S / shape->fps);
	stream->count = 0;
	stream->due_ns = now_ns;
	stream->requests_at = stream->requests_n;
	stream->tokens = 2.0 * stream->packets + TOKENS_MIN;
	stream->tokens_ns = now_ns;
	stream->active = true;
	if (shows_pictures(stream))
		gvcam_player_configure(stream->config.player, shape->width, shape->height,
				       shape->pixel_format);
}

void gvcam_stream_set_channel(struct gvcam_stream *stream, const struct gvcam_channel *channel,
			      uint64_t now_ns)
{
	bool anew = channel->starts != stream->channel.starts;
	bool was_active = stream->active;

	stream->channel = *channel;
	/* The packet delay and the rate may change while it runs; the rest cannot. */
	stream->shape.delay_ns = channel->delay_ns;
	stream->shape.fps = channel->fps;
	stream->shape.time_base_ns = channel->time_base_ns;
	if (channel->fps > 0)
		stream->interval_ns = (uint64_t)((double)SP_NS_PER_S / channel->fps);
	if (was_active && !anew && !channel->acquiring && channel->ip && channel->port &&
	    stream->in_block) {
		/* A stop takes effect at the end of the frame, a closed channel at once. */
		stream->ending = true;
		return;
	}
	if (was_active && (anew || !channel->acquiring)) {
		abandon_block(stream);
		stream->active = stream->ending = false;
	}
	if (!channel->acquiring || stream->active || stream->finished == channel->starts)
		return;
	if (gvcam_stream_spent(stream))
		stream->finished = channel->starts;
	else
		begin_acquisition(stream, now_ns);
}

/* ---- packets --------------------------------------------------------------------------------- */

static void make_packet(struct gvcam_stream *stream, const struct gvcam_block *block,
			uint32_t number, bool resent, struct gvcam_packet *out)
{
	gvcam_block_packet(block, number, resent, out);
	stream->stats.bytes += out->head_bytes + out->data_bytes;
}

/* "I have it no more": a header with the asked ids and no data. */
static void make_refusal(struct gvcam_stream *stream, uint64_t block, uint32_t number,
			 struct gvcam_packet *out)
{
	struct sp_gvsp_packet packet = {
		.block_id = block,
		.packet_id = number,
		.status = GVSP_STATUS_UNAVAILABLE,
		.format = GVSP_FORMAT_PAYLOAD,
		.extended = stream->shape.extended_ids,
	};

	out->data = NULL;
	out->data_bytes = 0;
	out->way = GVCAM_WAY_OWN;
	out->head_bytes = (uint32_t)sp_gvsp_build(&packet, out->head, sizeof(out->head));
	stream->stats.bytes += out->head_bytes;
}

/* ---- resends --------------------------------------------------------------------------------- */

void gvcam_stream_resend(struct gvcam_stream *stream, const struct sp_gvcp_resend *resend)
{
	stream->stats.requests++;
	if (stream->requests_n - stream->requests_at == GVCAM_RESEND_QUEUE) {
		stream->stats.refused++;
		return;
	}
	stream->requests[stream->requests_n++ % GVCAM_RESEND_QUEUE] = *resend;
}

static bool can_be_had(const struct gvcam_stream *stream, const struct gvcam_block *block)
{
	return !block->pictures || gvcam_player_has(stream->config.player, &block->shot);
}

/* The block of this acquisition with the id, if its pixels can still be had. */
static const struct gvcam_block *find_block(const struct gvcam_stream *stream, uint64_t id)
{
	uint64_t end = stream->count + stream->in_block;
	uint64_t begin = end > GVCAM_RING_BLOCKS ? end - GVCAM_RING_BLOCKS : 0;

	for (uint64_t i = end; i-- > begin;) {
		const struct gvcam_block *block = &stream->ring[i % GVCAM_RING_BLOCKS];

		if (block->id == id)
			return can_be_had(stream, block) ? block : NULL;
	}
	return NULL;
}

/*
 * At most as many packets are sent again as for the first time, with two frames to begin with: a
 * request of 20 bytes must not buy an endless stream.
 */
static void count_tokens(struct gvcam_stream *stream, uint64_t now_ns)
{
	double limit = 2.0 * stream->packets + TOKENS_MIN;
	double rate = stream->packets * stream->shape.fps / (double)SP_NS_PER_S;

	stream->tokens += (double)(now_ns - stream->tokens_ns) * rate;
	if (stream->tokens > limit)
		stream->tokens = limit;
	stream->tokens_ns = now_ns;
}

/* One packet of the oldest request; false if nothing came of it. */
static bool serve_resend(struct gvcam_stream *stream, struct gvcam_packet *out)
{
	struct sp_gvcp_resend *request =
		&stream->requests[stream->requests_at % GVCAM_RESEND_QUEUE];
	const struct gvcam_block *block = find_block(stream, request->block);
	/* Packets that have not had their turn will come by themselves. */
	uint32_t end = block ? block->made : stream->packets;
	uint32_t number = request->first;

	if (request->last >= end)
		request->last = end ? end - 1 : 0;
	if (number >= end || number > request->last || !stream->channel.port) {
		stream->requests_at++;
		return false;
	}
	if (stream->tokens < 1) {
		stream->stats.refused += request->last - number + 1;
		stream->requests_at++;
		return false;
	}
	stream->tokens--;
	if (request->first++ == request->last)
		stream->requests_at++;
	if (!block)
		stream->stats.refused++;
	if (gvcam_faults_resend_lost(&stream->config.faults, stream->config.camera,
				     stream->resends++)) {
		stream->stats.resend_dropped++;
		return false;
	}
	if (!block) {
		make_refusal(stream, request->block, number, out);
		return true;
	}
	stream->stats.resent++;
	make_packet(stream, block, number, true, out);
	return true;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static uint64_t packet_gap(const struct gvcam_stream *stream)
{
	uint64_t spread =
		(uint64_t)((double)stream->interval_ns * stream->config.pacing / stream->packets);

	return spread > stream->shape.delay_ns ? spread : stream->shape.delay_ns;
}

/* False if the picture is not there yet. */
static bool begin_block(struct gvcam_stream *stream, uint64_t now_ns)
{
	struct gvcam_block *block = &stream->ring[stream->count % GVCAM_RING_BLOCKS];
	struct gvcam_shot shot = { 0 };
	uint64_t base = stream->shape.time_base_ns;

	if (shows_pictures(stream) &&
	    !gvcam_player_frame(stream->config.player, stream->count, &shot))
		return false;
	if (now_ns > stream->due_ns + stream->interval_ns) {
		/* The first frame waits for its picture: that is no lost rate. */
		stream->stats.late += stream->count > 0;
		stream->due_ns = now_ns;
	}
	*block = (struct gvcam_block){
		.id = stream->next_id,
		/* A reset may have been stamped a moment after @now_ns. */
		.ticks = now_ns > base ? now_ns - base : 0,
		.pictures = shows_pictures(stream),
		.shot = shot,
	};
	cut_block(stream, block);
	stream->packets = block->packets;
	stream->next_id = gvcam_next_block_id(stream->next_id, stream->shape.extended_ids);
	stream->gap_ns = packet_gap(stream);
	stream->highest = 0;
	stream->leader_left = false;
	stream->in_block = true;
	return true;
}

static void end_block(struct gvcam_stream *stream)
{
	uint64_t length = stream->gap_ns * stream->packets;

	stream->in_block = false;
	stream->count++;
	stream->stats.frames++;
	stream->due_ns += length > stream->interval_ns ? length : stream->interval_ns;
	if (stream->ending)
		stream->active = stream->ending = false;
	if ((stream->shape.frame_limit && stream->count >= stream->shape.frame_limit) ||
	    gvcam_stream_spent(stream)) {
		stream->active = false;
		stream->finished = stream->channel.starts;
	}
}

/* The next packet of the block has its turn: the faults decide, and refs come out. */
static void step_packet(struct gvcam_stream *stream, struct gvcam_block *block)
{
	struct gvcam_fate fate;

	gvcam_faults_fate(&stream->config.faults, stream->config.camera, block->id, block->made,
			  block->packets, &fate);
	stream->stats.dropped += fate.copies == 0;
	stream->refs_at = 0;
	stream->refs_n = gvcam_reorder_step(&stream->reorder, block->made, &fate, stream->refs);
	block->made++;
	if (block->made == stream->packets)
		stream->refs_n += gvcam_reorder_flush(&stream->reorder,
						      stream->refs + stream->refs_n);
}

static void send_ref(struct gvcam_stream *stream, struct gvcam_packet *out)
{
	const struct gvcam_block *block = &stream->ring[stream->count % GVCAM_RING_BLOCKS];
	struct gvcam_ref ref = stream->refs[stream->refs_at++];

	stream->leader_left |= ref.packet == 0;
	if (!ref.copy) {
		stream->spoofed_packet = ref.packet;
		stream->spoofs = gvcam_spoofs_after(&stream->config.spoofs, stream->config.camera,
						    block->id, ref.packet);
	}
	if (ref.copy)
		stream->stats.duplicated++;
	else
		stream->stats.sent++;
	if (ref.packet + 1 > stream->highest)
		stream->highest = ref.packet + 1;
	else if (!ref.copy)
		stream->stats.reordered++;
	make_packet(stream, block, ref.packet, false, out);
}

/* A block before the current one, any that can still be had. */
static const struct gvcam_block *old_block(const struct gvcam_stream *stream, uint64_t random)
{
	uint64_t n = stream->count < GVCAM_RING_BLOCKS ? stream->count : GVCAM_RING_BLOCKS - 1;
	const struct gvcam_block *block;

	if (!n)
		return NULL;
	block = &stream->ring[(stream->count - 1 - random % n) % GVCAM_RING_BLOCKS];
	return can_be_had(stream, block) ? block : NULL;
}

/* One of the packets that follow the last good one; false if there is none of its kind. */
static bool send_spoof(struct gvcam_stream *stream, struct gvcam_packet *out)
{
	enum gvcam_spoof_kind kind = (enum gvcam_spoof_kind)__builtin_ctz(stream->spoofs);
	uint64_t random =
		sp_random_mix(sp_random_mix(stream->config.spoofs.seed + stream->config.camera) ^
			      stream->spoofs_n++);
	struct gvcam_spoof_scene scene = {
		.block = &stream->ring[stream->count % GVCAM_RING_BLOCKS],
		.packet = stream->spoofed_packet,
		.leader_left = stream->leader_left,
		.old = old_block(stream, sp_random_mix(random)),
		.random = random,
	};

	stream->spoofs &= stream->spoofs - 1;
	if (!gvcam_spoof_make(kind, &scene, out))
		return false;
	stream->stats.spoofed[kind]++;
	return true;
}

/*
 * Brings the stream to where its next packet is: true with a packet in @out, false with the time to
 * come again.
 */
static bool next_packet(struct gvcam_stream *stream, uint64_t now_ns, struct gvcam_packet *out,
			uint64_t *ret_next_ns)
{
	for (;;) {
		struct gvcam_block *block = &stream->ring[stream->count % GVCAM_RING_BLOCKS];
		uint64_t due = stream->due_ns;

		*ret_next_ns = UINT64_MAX;
		if (!stream->active)
			return false;
		if (stream->spoofs) {
			if (send_spoof(stream, out))
				return true;
			continue;
		}
		if (stream->refs_at < stream->refs_n) {
			send_ref(stream, out);
			return true;
		}
		if (stream->in_block && block->made == stream->packets) {
			end_block(stream);
			continue;
		}
		if (stream->in_block)
			due += block->made * stream->gap_ns;
		if (now_ns < due) {
			*ret_next_ns = due;
			return false;
		}
		if (stream->in_block) {
			step_packet(stream, block);
		} else if (!begin_block(stream, now_ns)) {
			*ret_next_ns = now_ns + RETRY_NS;
			return false;
		}
	}
}

uint32_t gvcam_stream_fill(struct gvcam_stream *stream, uint64_t now_ns,
			   struct gvcam_packet *packets, uint32_t max, uint64_t *ret_next_ns)
{
	uint64_t next_ns = now_ns;
	uint32_t n = 0;

	/* Before the first acquisition there is nothing to ask for. */
	if (!stream->packets)
		stream->requests_at = stream->requests_n;
	else
		count_tokens(stream, now_ns);
	while (n < max && stream->requests_at != stream->requests_n)
		n += serve_resend(stream, &packets[n]);
	while (n < max && next_packet(stream, now_ns, &packets[n], &next_ns))
		n++;
	*ret_next_ns = n == max ? now_ns : next_ns;
	return n;
}
