/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/assembler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/region.h"
#include "frame/assembler_state.h"
#include "wire/pfnc.h"

enum {
	FRAMES_MAX = 4096, /* a stream */
	PACKETS_MAX = 1 << 22, /* a block */
	PAYLOAD_MAX = 65507 - SP_GVSP_HEADER_BYTES, /* UDP over IPv4 */
};

/* ---- memory ---- */

static void *take_memory(size_t bytes)
{
	void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);

	/* Touched now: a page fault in the capture thread costs packets. */
	if (memory)
		memset(memory, 0, (bytes + 63) / 64 * 64);
	return memory;
}

int sp_assembler_create(const struct sp_assembler_config *config,
			struct sp_assembler **ret_assembler, struct sp_err *err)
{
	struct sp_assembler *a;

	if (!config->buffers || !config->streams)
		return sp_err_set(err, -EINVAL,
				  "assembler: %u buffers for %u streams; both must be 1 or more",
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
	return sp_err_set(err, -ENOMEM, "assembler: no memory for %u packet buffers; use fewer",
			  config->buffers);
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

/* A payload packet with extended headers and a multi-part prefix carries at least a byte. */
enum { PAYLOAD_MIN = SP_EXTENDED_EXTRA + SP_GVSP_PART_PREFIX_BYTES + 1 };

uint32_t sp_assembler_block_packets(const struct sp_stream_config *config)
{
	if (config->packet_payload < PAYLOAD_MIN)
		return 0;
	return (uint32_t)sp_geometry_packets_max(config);
}

static int check_config(const struct sp_stream_config *config, unsigned int buffers,
			struct sp_err *err)
{
	if (config->packet_payload < PAYLOAD_MIN || config->packet_payload > PAYLOAD_MAX)
		return sp_err_set(err, -EINVAL,
				  "stream: a packet payload of %u bytes; use %d to %d",
				  config->packet_payload, PAYLOAD_MIN, PAYLOAD_MAX);
	if (!sp_pfnc_by_code(config->pixel_format))
		return sp_err_set(err, -EINVAL,
				  "stream: pixel format 0x%08x is not known; choose another",
				  config->pixel_format);
	if (!config->width || !config->height || config->width > SP_FRAME_SIDE_MAX ||
	    config->height > SP_FRAME_SIDE_MAX || sp_geometry_packets_max(config) > PACKETS_MAX)
		return sp_err_set(
			err, -EINVAL,
			"stream: an image of %u × %u and %u extra bytes in packets of %u bytes are "
			"out of range; use at most %d packets a block",
			config->width, config->height, config->extra_bytes, config->packet_payload,
			PACKETS_MAX);
	if (!config->frames || config->frames > FRAMES_MAX)
		return sp_err_set(err, -EINVAL, "stream: %u frames; use 1 to %d", config->frames,
				  FRAMES_MAX);
	if (!config->gap_ns || config->gap_ns > config->packet_timeout_ns ||
	    config->packet_timeout_ns > config->retention_ns)
		return sp_err_set(
			err, -EINVAL,
			"stream: times out of order; use gap ≤ packet timeout ≤ retention");
	if (buffers && buffers < sp_geometry_packets_max(config))
		return sp_err_set(
			err, -EINVAL,
			"stream: %u packet buffers do not hold a block of %u; give it more",
			buffers, sp_assembler_block_packets(config));
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
	size_t packets = stream->packets_max, at = 0;
	size_t bitmap = sp_gvsp_words((uint32_t)packets) * sizeof(__u64);

	for (uint32_t i = 0; i < SP_BLOCK_SLOTS; i++)
		stream->slots[i].bits = deal(base, &at, bitmap);
	for (uint32_t i = 0; i < stream->config.frames; i++) {
		struct sp_block *block = &stream->blocks[i];

		block->offset = deal(base, &at, packets * sizeof(block->offset[0]));
		block->token = deal(base, &at, packets * sizeof(block->token[0]));
		block->length = deal(base, &at, packets * sizeof(block->length[0]));
		if (stream->config.extra_bytes)
			block->place = deal(base, &at, packets * sizeof(block->place[0]));
		block->missing = deal(base, &at, bitmap);
		block->bad = deal(base, &at, bitmap);
		block->shorts = deal(base, &at, bitmap);
		block->gone = deal(base, &at, bitmap);
		block->asked = deal(base, &at, bitmap);
		block->frame.offset = block->offset;
		block->frame.token = block->token;
		block->frame.missing = block->missing;
	}
	return at;
}

/* As many as the frames can hold: up to 2^34, and more than 32 bits count are never out. */
static uint32_t all_buffers(uint32_t packets, uint32_t frames)
{
	uint64_t all = (uint64_t)packets * frames;

	return all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
}

static struct sp_stream *stream_create(struct sp_assembler *assembler,
				       const struct sp_stream_config *config, unsigned int buffers)
{
	struct sp_stream *stream = take_memory(sizeof(*stream));

	if (!stream)
		return NULL;
	stream->config = *config;
	stream->assembler = assembler;
	stream->index = assembler->streams_n;
	sp_geometry_configure(config, config->packet_payload, &stream->geometry_of[false]);
	sp_geometry_configure(config, config->packet_payload - SP_EXTENDED_EXTRA,
			      &stream->geometry_of[true]);
	stream->packets_max = (uint32_t)sp_geometry_packets_max(config);
	sp_device_clock_init(&stream->clock);
	stream->buffers = buffers ? buffers : all_buffers(stream->packets_max, config->frames);
	sp_stream_use_headers(stream, false);
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
		return sp_err_set(err, -ENOSPC,
				  "stream: more than the %u that were announced; announce all",
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
		return sp_err_set(err, -ENOMEM,
				  "stream: no memory for %u frames of %u packets; use fewer",
				  config->frames, sp_assembler_block_packets(config));
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

/* ---- packets in, frames back ---- */

void sp_assembler_push(struct sp_assembler *assembler, const struct sp_packet *packets,
		       unsigned int n)
{
	begin_lists(assembler);
	for (unsigned int i = 0, run; i < n; i += run ? run : 1) {
		const struct sp_packet *packet = &packets[i];
		struct sp_stream *stream = packet->stream < assembler->streams_n
						   ? assembler->streams[packet->stream]
						   : NULL;

		if (i + SP_PREFETCH < n)
			__builtin_prefetch(packets[i + SP_PREFETCH].head);
		run = stream ? sp_stream_receive_run(stream, packet, n - i) : 0;
		if (!run && (!stream || !sp_stream_receive(stream, packet)))
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
	/* The camera has gone on: of itself it sends no more of this block. */
	bool ended = block->trailer || slot->block_id != stream->newest;

	/* A leader may be sent long before the exposure. */
	if (block->next_id == 1 && slot->block_id == stream->newest)
		return UINT64_MAX;
	if (!block->trailer && !whole && now_ns >= silent && config->resend_tries)
		sp_gap_tail(stream, slot, now_ns);
	ask = sp_gap_ask(stream, slot, now_ns);
	/* No answer is awaited, and nothing else will come that would add anything. */
	if ((whole || ended) && ask == UINT64_MAX)
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

	sp_assembler_sooner(stream->assembler, sp_window_expire(stream, now_ns));
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
	if (stream >= assembler->streams_n)
		return;
	sp_window_forget(assembler->streams[stream]);
	sp_stream_close_pending(assembler->streams[stream], now_ns);
}

void sp_assembler_flush(struct sp_assembler *assembler, uint64_t now_ns)
{
	for (uint32_t i = 0; i < assembler->streams_n; i++)
		sp_assembler_flush_stream(assembler, i, now_ns);
}
