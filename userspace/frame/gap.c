/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to ask for again. Packet ids of a block are leader 0, payload 1 … N, trailer N + 1; a gap is
 * noticed when a higher id comes, when a newer block begins or when the block falls silent.
 */
#include "frame/assembler_state.h"

/* Whether packet @id of the block is worth asking for. */
static bool wanted(const struct sp_slot *slot, uint32_t id)
{
	const struct sp_block *block = slot->block;

	if (id == 0)
		return !block->leader && !block->leader_gone;
	if (id > slot->packets.packets)
		return !block->trailer && !block->trailer_gone;
	if (!sp_gvsp_bit(slot->packets.missing, id - 1))
		return false;
	/* Before the end is known the trailer's id is a payload packet's as well. */
	return !(block->trailer && id == block->trailer_id) && !sp_gvsp_bit(block->gone, id - 1);
}

/* Forgets gaps that were filled. */
static void drop_filled(struct sp_slot *slot)
{
	struct sp_block *block = slot->block;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < block->gaps_n; i++) {
		uint32_t id = block->gaps[i].first;

		while (id <= block->gaps[i].last && !wanted(slot, id))
			id++;
		if (id <= block->gaps[i].last)
			block->gaps[kept++] = block->gaps[i];
	}
	block->gaps_n = kept;
}

static void add_gap(struct sp_stream *stream, struct sp_slot *slot, uint32_t first, uint32_t last,
		    uint64_t due_ns)
{
	struct sp_block *block = slot->block;
	struct sp_gap *gap;

	if (!stream->config.resend_tries)
		return;
	if (block->gaps_n == SP_BLOCK_GAPS)
		drop_filled(slot);
	if (block->gaps_n < SP_BLOCK_GAPS) {
		block->gaps[block->gaps_n++] =
			(struct sp_gap){ .next_ns = due_ns, .first = first, .last = last };
		return;
	}
	/* So many gaps: the last one grows over what came between; that is not asked for. */
	gap = &block->gaps[SP_BLOCK_GAPS - 1];
	if (first < gap->first)
		gap->first = first;
	if (last > gap->last)
		gap->last = last;
	if (gap->next_ns > due_ns || gap->tries >= stream->config.resend_tries)
		gap->next_ns = due_ns;
	gap->tries = 0;
}

void sp_gap_see(struct sp_stream *stream, struct sp_slot *slot, uint32_t id, uint64_t now_ns)
{
	struct sp_block *block = slot->block;
	uint32_t trailer = slot->packets.packets + 1;

	/* After an early leader, whose block waits without an end, time counts again. */
	if (block->next_id == 1)
		sp_assembler_sooner(stream->assembler, now_ns + stream->config.packet_timeout_ns);
	/*
	 * What is beyond the block's end tells nothing of what came before it: it is forged, or of
	 * no use.
	 */
	if (id > trailer || id < block->next_id)
		return;
	if (id > block->next_id) {
		add_gap(stream, slot, block->next_id, id - 1, now_ns + stream->config.gap_ns);
		sp_assembler_sooner(stream->assembler, now_ns + stream->config.gap_ns);
	}
	block->next_id = id + 1;
}

void sp_gap_tail(struct sp_stream *stream, struct sp_slot *slot, uint64_t due_ns)
{
	struct sp_block *block = slot->block;
	uint32_t trailer = sp_block_likely_packets(stream, slot) + 1;

	if (block->next_id > trailer)
		return;
	add_gap(stream, slot, block->next_id, trailer, due_ns);
	block->next_id = trailer + 1;
}

static void ask(struct sp_stream *stream, struct sp_slot *slot, uint32_t first, uint32_t last)
{
	struct sp_assembler *assembler = stream->assembler;
	struct sp_block *block = slot->block;

	assembler->resends[assembler->out.resends_n++] = (struct sp_resend_request){
		.stream = stream->index,
		.block_id = slot->block_id,
		.first = first,
		.last = last,
		.extended = stream->extended,
	};
	sp_count(&stream->counters.resend_requests, 1);
	sp_count(&stream->counters.resend_packets, last - first + 1);
	block->any_asked = true;
	for (uint32_t id = first; id <= last; id++)
		if (id && id <= slot->packets.packets)
			sp_gvsp_bit_set(block->asked, id - 1);
}

/*
 * One request a run of wanted packets in the gap. Returns how many, or -1 if there is no room for
 * more: then the gap stays due.
 */
static int ask_gap(struct sp_stream *stream, struct sp_slot *slot, const struct sp_gap *gap)
{
	uint32_t trailer = slot->packets.packets + 1,
		 end = gap->last < trailer ? gap->last : trailer;
	int asked = 0;

	for (uint32_t id = gap->first; id <= end; id++) {
		uint32_t first = id;

		if (!wanted(slot, id))
			continue;
		while (id < end && wanted(slot, id + 1))
			id++;
		if (stream->assembler->out.resends_n == SP_ASSEMBLER_RESENDS)
			return -1;
		ask(stream, slot, first, id);
		asked++;
	}
	return asked;
}

uint64_t sp_gap_ask(struct sp_stream *stream, struct sp_slot *slot, uint64_t now_ns)
{
	struct sp_block *block = slot->block;
	uint64_t next_ns = UINT64_MAX;
	uint32_t kept = 0;

	/* A trailer alone is not worth a request. */
	if (block->leader && !slot->packets.missing_n)
		block->gaps_n = 0;
	for (uint32_t i = 0; i < block->gaps_n; i++) {
		struct sp_gap gap = block->gaps[i];

		if (gap.next_ns <= now_ns) {
			int asked = 0;

			/* After its last try a gap still gets the time for an answer. */
			if (gap.tries < stream->config.resend_tries)
				asked = ask_gap(stream, slot, &gap);
			if (asked == 0)
				continue;
			if (asked > 0) {
				gap.tries++;
				gap.next_ns = now_ns + stream->config.packet_timeout_ns;
			}
		}
		if (gap.next_ns < next_ns)
			next_ns = gap.next_ns;
		block->gaps[kept++] = gap;
	}
	block->gaps_n = kept;
	return next_ns;
}

/* The camera says that it has packet @id no more. Returns whether that is news. */
static bool note_gone(struct sp_slot *slot, uint32_t id)
{
	struct sp_block *block = slot->block;
	bool *flag = id ? &block->trailer_gone : &block->leader_gone;

	if (id && id <= slot->packets.packets && !(block->trailer && id == block->trailer_id)) {
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

void sp_gap_note_gone(struct sp_stream *stream, struct sp_slot *slot, uint32_t last,
		      bool all_before)
{
	struct sp_stream_counters *c = &stream->counters;

	if (slot->state != SP_SLOT_OPEN) {
		sp_count(came(slot, last) ? &c->duplicate : &c->unavailable, 1);
		return;
	}
	sp_count(note_gone(slot, last) ? &c->unavailable : &c->duplicate, 1);
	if (!all_before)
		return;
	for (uint32_t id = 0; id < last && id <= slot->packets.packets; id++)
		if (note_gone(slot, id))
			sp_count(&c->unavailable, 1);
}
