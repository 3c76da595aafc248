/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random traffic against an oracle that knows what the camera sent and what the network did to it.
 * SP_SEED=N repeats a run. Times are virtual:
 *
 *	block k begins at k × 100 µs; a packet is less than 400 µs on its way, so blocks overlap,
 *	but all that comes in time does so before its block can be closed: 400 µs after its last
 *	packet at the earliest, after 1 ms at the latest; a late copy takes 2 ms, which is after
 *	that, and within reach: 20 blocks of at most 4 ids each.
 */
#include "frame/assembler.h"

#include "gvsp_block.h"
#include "gvsp_traffic.h"
#include "seeded.h"

#define US 1000ull

enum {
	PAYLOAD = 100,
	WIDTH = 40,
	HEIGHT = 20, /* at most 8 payload packets */
	PACKETS = WIDTH * HEIGHT / PAYLOAD,
	BLOCKS_LIVE = 1024,
	EVENTS = 1 << 16,
	HOLD = 16,
};

/* ---- the oracle ---- */

enum fate { NOTHING, HELD, BAD, LATE };

struct oracle_block {
	struct traffic_block b;
	bool whole_id_lost; /* an id that the camera counted but nothing was ever sent of */
	bool unusable; /* its leader describes what cannot be a frame */
	bool open, leader, trailer, discarded;
	bool gone[PACKETS + 2];
	uint8_t fate[PACKETS];
	uint32_t length[PACKETS];
};

static struct {
	struct traffic t;
	const struct sp_stream_counters *c;
	struct oracle_block blocks[BLOCKS_LIVE];
	uint64_t first, next; /* live blocks, counted from 0 */
	uint64_t frames, notices;
	/* What the counters must be. */
	struct sp_stream_counters want;
	/* Frames at the consumer. */
	struct sp_frame *hold[HOLD];
} w;

static struct oracle_block *live(uint64_t k)
{
	return &w.blocks[k % BLOCKS_LIVE];
}

static uint32_t packets_of(const struct oracle_block *o)
{
	return o->leader ? traffic_packets(&o->b) : PACKETS;
}

/* Bytes that packet @i (from 0) must have, as the block's leader or the configuration tells. */
static uint32_t right_length(const struct oracle_block *o, uint32_t i)
{
	return o->leader ? traffic_payload_bytes(&o->b, i + 1) : PAYLOAD;
}

/* What was held before the leader came is judged by it. */
static void oracle_leader(struct oracle_block *o)
{
	if (o->leader || o->discarded) {
		w.want.duplicate++;
		return;
	}
	if (o->unusable) {
		o->discarded = true;
		return;
	}
	o->leader = true;
	for (uint32_t i = 0; i < PACKETS; i++)
		if (o->fate[i] == HELD && o->length[i] != right_length(o, i))
			o->fate[i] = BAD;
}

static void oracle_payload(struct oracle_block *o, uint32_t i, uint32_t length, bool error)
{
	if (o->discarded)
		return;
	if (o->fate[i] == HELD) {
		w.want.duplicate++;
	} else if (!error &&
		   (o->leader ? length == right_length(o, i) : length && length <= PAYLOAD)) {
		o->fate[i] = HELD;
		o->length[i] = length;
	} else {
		w.want.duplicate += o->fate[i] == BAD;
		o->fate[i] = BAD;
	}
}

static void oracle_notice(struct oracle_block *o, uint32_t id)
{
	bool there;

	if (o->discarded)
		return;
	if (id == 0)
		there = o->leader;
	else if (id > packets_of(o))
		there = o->trailer;
	else
		there = o->fate[id - 1] == HELD;
	if (there || o->gone[id])
		w.want.duplicate++;
	else
		w.want.unavailable++;
	o->gone[id] |= !there;
}

/* The block was judged for good: into the sums. */
static void oracle_close(struct oracle_block *o)
{
	uint32_t n = packets_of(o), held = 0, late = 0;

	w.want.expected += n;
	if (o->discarded) {
		w.want.block_discarded += n;
		w.want.blocks_discarded++;
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		/* Without a leader the configured lengths hold. */
		if (o->fate[i] == HELD && o->length[i] != right_length(o, i))
			o->fate[i] = BAD;
		held += o->fate[i] == HELD;
		late += o->fate[i] == LATE;
		w.want.bytes += o->fate[i] == HELD ? o->length[i] : 0;
		w.want.bad_packet += o->fate[i] == BAD;
		w.want.missing += o->fate[i] == NOTHING;
	}
	w.want.late += late;
	w.want.delivered += held;
	w.want.frames_complete += held == n;
	w.want.frames_incomplete += held && held < n;
	w.want.blocks_skipped += !held;
}

/* ---- events: datagrams on their way, by time ---- */

struct event {
	uint64_t when, block;
	uint32_t id;
	int grow;
	uint16_t status;
	bool late, notice;
};

static struct event heap[EVENTS];
static uint32_t heap_n;

static void add_event(struct event e)
{
	uint32_t i = heap_n++;

	if (heap_n == EVENTS)
		FAIL("too many events");
	while (i && heap[(i - 1) / 2].when > e.when) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = e;
}

static struct event pop_event(void)
{
	struct event top = heap[0], last = heap[--heap_n];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < heap_n) {
		if (child + 1 < heap_n && heap[child + 1].when < heap[child].when)
			child++;
		if (last.when <= heap[child].when)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return top;
}

/* ---- the camera and the network, open loop ---- */

struct faults {
	uint32_t slow, lost_block, lost_id, unusable, lost, duplicate, bad, error, late, notice;
};

static void send_block(uint64_t k, uint64_t id, const struct faults *f)
{
	struct oracle_block *o = live(k);
	uint64_t when = k * 100 * US;
	uint32_t packets;

	*o = (struct oracle_block){ .b = {
					    .id = id,
					    .pixel_format = SP_PFNC_MONO8,
					    .width = WIDTH,
					    .height = 1 + rnd(HEIGHT),
					    .payload = PAYLOAD,
					    .timestamp = 1 + k,
				    } };
	packets = traffic_packets(&o->b);
	if (k && per_mille(f->unusable)) {
		/* Both say so in the leader alone: a wild size, or no image. */
		o->unusable = true;
		o->b.payload_type = rnd(2) ? GVSP_PAYLOAD_JPEG : GVSP_PAYLOAD_MULTI_PART;
	}
	if (k && per_mille(f->lost_block)) {
		if (rnd(2)) /* nothing but a late packet */
			add_event((struct event){ when + 2000 * US, k, 1 + rnd(packets), 0, 0, true,
						  false });
		return;
	}
	for (uint32_t p = 0; p <= packets + 1; p++) {
		/* The very first packet comes first: the ledger begins with it. */
		uint64_t delay = k || p ? p * US + rnd(30) * US + 1 : 0;
		struct event e = { .when = when + delay, .block = k, .id = p };
		bool payload = p && p <= packets;

		if ((k || p) && per_mille(f->slow))
			e.when += rnd(300) * US;
		if (payload && per_mille(f->bad)) {
			struct event bad = e;

			bad.grow = rnd(2) ? 1 + (int)rnd(50)
					  : -(int)(1 + rnd(traffic_payload_bytes(&o->b, p)));
			bad.when += rnd(50) * US;
			add_event(bad);
			if (rnd(2))
				continue;
		}
		if (payload && per_mille(f->error)) {
			struct event bad = e;

			bad.status = GVSP_STATUS_DATA_OVERRUN;
			add_event(bad);
			if (rnd(2))
				continue;
		}
		while ((k || p) && per_mille(f->duplicate)) {
			struct event copy = e;

			copy.when += rnd(60) * US;
			copy.status = rnd(2) ? GVSP_STATUS_RESENT : 0;
			add_event(copy);
		}
		if (payload && per_mille(f->late)) {
			struct event late = e;

			late.when += 2000 * US;
			late.late = true;
			add_event(late);
			if (rnd(2))
				continue;
		}
		if ((k || p) && per_mille(f->lost))
			continue;
		add_event(e);
		/* Only for a block that is surely known by then. */
		if (p == 0 && per_mille(f->notice))
			add_event((struct event){ .when = e.when + 50 * US,
						  .block = k,
						  .id = rnd(packets + 2),
						  .status = GVSP_STATUS_UNAVAILABLE,
						  .notice = true });
	}
}

/* What the assembler is to make of the datagram. */
static void oracle_event(const struct event *e)
{
	struct oracle_block *o = live(e->block);
	uint32_t packets = traffic_packets(&o->b);

	w.want.packets++;
	if (e->late) {
		if (o->discarded)
			return;
		/* Without a leader a held packet may turn out bad; both are there already. */
		if (o->fate[e->id - 1] == NOTHING)
			o->fate[e->id - 1] = LATE;
		else
			w.want.duplicate++;
		return;
	}
	o->open = true;
	if (e->id == 0) {
		oracle_leader(o);
	} else if (e->id > packets) {
		w.want.duplicate += o->trailer;
		o->trailer = true;
	} else {
		oracle_payload(o, e->id - 1,
			       traffic_payload_bytes(&o->b, e->id) + (uint32_t)e->grow,
			       e->status == GVSP_STATUS_DATA_OVERRUN);
	}
}

static struct oracle_block *find_block(uint64_t id)
{
	for (uint64_t k = w.next; k-- > w.first;)
		if (live(k)->b.id == id)
			return live(k);
	FAIL("block %llu was never sent", (unsigned long long)id);
}

/* A frame must have the packets that came, and their bytes. */
static void check_frame(const struct sp_frame *frame)
{
	struct oracle_block *o = find_block(frame->block_id);

	CHECK_EQ(frame->packets, packets_of(o));
	CHECK_EQ(!(frame->flags & SP_FRAME_NO_LEADER), o->leader);
	CHECK_EQ(frame->height, o->leader ? o->b.height : HEIGHT);
	CHECK_EQ(frame->device_ticks, o->leader ? o->b.timestamp : 0);
	for (uint32_t i = 0; i < frame->packets; i++) {
		bool held = o->fate[i] == HELD && o->length[i] == right_length(o, i);

		CHECK_EQ(sp_frame_packet_missing(frame, i), !held);
	}
	traffic_check_pixels(frame);
}

static void check_resends(void)
{
	for (uint32_t r = 0; r < w.t.resends_n; r++) {
		const struct sp_resend_request *q = &w.t.resends[r];
		struct oracle_block *o = find_block(q->block_id);

		CHECK(o->open && !o->discarded && q->first <= q->last);
		CHECK(q->last <= packets_of(o) + 1);
		for (uint32_t id = q->first; id <= q->last; id++) {
			CHECK(!o->gone[id]);
			if (id == 0)
				CHECK(!o->leader);
			else if (id <= packets_of(o))
				CHECK(o->fate[id - 1] != HELD);
			else
				CHECK(!o->trailer);
		}
	}
	w.t.resends_n = 0;
}

/* The consumer keeps frames for a while and gives them back in any order. */
static void consume(void (*check)(const struct sp_frame *frame))
{
	struct sp_frame *frame;

	while ((frame = traffic_frame(&w.t))) {
		uint32_t place = rnd(HOLD);

		if (check)
			check(frame);
		w.frames++;
		if (w.hold[place])
			traffic_put(&w.t, w.hold[place]);
		w.hold[place] = frame;
	}
}

static void consume_end(void)
{
	for (int i = 0; i < HOLD; i++) {
		if (w.hold[i])
			traffic_put(&w.t, w.hold[i]);
		w.hold[i] = NULL;
	}
}

static void begin(const struct sp_stream_config *config, uint32_t buffers, uint32_t credit)
{
	struct sp_err err;

	memset(&w, 0, sizeof(w));
	heap_n = 0;
	traffic_init(&w.t, buffers, 192, 1);
	if (sp_assembler_add_stream(w.t.assembler, config, credit, &err))
		FAIL("%s", err.text);
	w.c = sp_assembler_counters(w.t.assembler, 0);
}

/* Time goes on to @now with nothing coming. */
static void pass_time(uint64_t now)
{
	uint64_t due;

	while ((due = sp_assembler_next_deadline(w.t.assembler)) <= now) {
		traffic_tick(&w.t, due);
		CHECK(sp_assembler_next_deadline(w.t.assembler) > due);
		consume(check_frame);
		check_resends();
		CHECK(sp_ledger_adds_up(w.c));
	}
}

/*
 * A notice does not open its block: where ids were lost before it and too little came since to
 * believe it, it is stray. That is rare, and the only thing that the oracle leaves to the
 * assembler.
 */
static void push_notice(void)
{
	struct event e = pop_event();
	struct oracle_block *o = live(e.block);
	struct sp_packet notice = traffic_notice(&w.t, &o->b, e.id, e.status, e.when);
	uint64_t stray = w.c->stray;

	w.want.packets++;
	w.notices++;
	traffic_push(&w.t, &notice, 1);
	if (w.c->stray == stray)
		oracle_notice(o, e.id);
	else
		w.want.stray++;
}

/* A burst of what has arrived by the same time or soon after. */
static void push_burst(void)
{
	struct sp_packet burst[32];
	uint64_t begun = heap[0].when;
	uint32_t n = 0, max = 1 + rnd(32);

	pass_time(begun);
	if (heap[0].notice) {
		push_notice();
		return;
	}
	while (n < max && heap_n && !heap[0].notice && heap[0].when <= begun + 10 * US &&
	       heap[0].when < sp_assembler_next_deadline(w.t.assembler)) {
		struct event e = pop_event();
		struct oracle_block *o = live(e.block);

		oracle_event(&e);
		burst[n++] = traffic_packet(&w.t, &o->b, e.id, e.status, e.grow, e.when);
	}
	traffic_push(&w.t, burst, n);
	CHECK(sp_ledger_adds_up(w.c));
	consume(check_frame);
}

#define CHECK_COUNTER(name) CHECK_EQ(w.c->name, w.want.name)

static void check_counters(void)
{
	CHECK(sp_ledger_adds_up(w.c));
	CHECK_COUNTER(packets);
	CHECK_COUNTER(expected);
	CHECK_COUNTER(delivered);
	CHECK_COUNTER(bad_packet);
	CHECK_COUNTER(late);
	CHECK_COUNTER(block_discarded);
	CHECK_COUNTER(missing);
	CHECK_COUNTER(policy);
	CHECK_COUNTER(bytes);
	CHECK_COUNTER(duplicate);
	CHECK_COUNTER(unavailable);
	CHECK_COUNTER(frames_complete);
	CHECK_COUNTER(frames_incomplete);
	CHECK_COUNTER(blocks_skipped);
	CHECK_COUNTER(blocks_discarded);
	CHECK_COUNTER(blocks_policy);
	CHECK_COUNTER(restarts);
	CHECK_COUNTER(stray);
	CHECK_COUNTER(surplus);
	CHECK_COUNTER(malformed);
	CHECK(w.want.stray * 20 <= w.notices);
	CHECK_EQ(w.frames, w.want.frames_complete + w.want.frames_incomplete);
}

static const struct sp_stream_config open_config = {
	.packet_payload = PAYLOAD,
	.pixel_format = SP_PFNC_MONO8,
	.width = WIDTH,
	.height = HEIGHT,
	.frames = 64,
	.packet_timeout_ns = 400 * US,
	.gap_ns = 100 * US,
	.retention_ns = 1000 * US,
	.resend_tries = 2,
};

static void run_open(uint64_t blocks, bool extended, const struct faults *faults)
{
	static const struct faults none;
	struct sp_stream_config config = open_config;
	uint64_t id = 65500;

	config.packet_payload += extended ? 12 : 0;
	begin(&config, 2048, 0);
	for (uint64_t k = 0; k < blocks; k++) {
		bool quiet = k == 0 || k + 1 == blocks; /* the ends are sure to be seen */

		while (w.first + BLOCKS_LIVE / 2 < k)
			oracle_close(live(w.first++));
		w.next = k + 1;
		for (uint32_t skip = 0; !quiet && per_mille(faults->lost_id) && skip < 3; skip++) {
			w.want.expected += PACKETS;
			w.want.missing += PACKETS;
			w.want.blocks_skipped++;
			id = sp_gvsp_block_next(id, extended);
		}
		send_block(k, id, quiet ? &none : faults);
		live(k)->b.extended = extended;
		id = sp_gvsp_block_next(id, extended);
		while (heap_n && heap[0].when < (k + 1) * 100 * US)
			push_burst();
	}
	while (heap_n)
		push_burst();
	sp_assembler_flush(w.t.assembler, UINT64_MAX / 2);
	traffic_take(&w.t);
	consume(check_frame);
	consume_end();
	while (w.first < w.next)
		oracle_close(live(w.first++));
	check_counters();
	CHECK(w.want.expected > 0 && sp_assembler_next_deadline(w.t.assembler) > 0);
	traffic_uninit(&w.t);
}

TEST(assembler_ledger_is_exact)
{
	static const struct faults faults = {
		.slow = 50,
		.lost_block = 20,
		.lost_id = 10,
		.unusable = 10,
		.lost = 30,
		.duplicate = 30,
		.bad = 20,
		.error = 10,
		.late = 15,
		.notice = 50,
	};

	seed_with(1);
	run_open(60000, false, &faults);
	CHECK(w.want.late && w.want.bad_packet && w.want.block_discarded && w.want.missing);
}

TEST(assembler_ledger_is_exact_extended_and_stormy)
{
	static const struct faults faults = {
		.slow = 200,
		.lost_block = 100,
		.lost_id = 50,
		.unusable = 50,
		.lost = 200,
		.duplicate = 200,
		.bad = 100,
		.error = 100,
		.late = 100,
		.notice = 200,
	};

	seed_with(2);
	run_open(40000, true, &faults);
}

TEST(assembler_clean_traffic_is_complete)
{
	static const struct faults none;

	seed_with(3);
	run_open(3000, false, &none);
	CHECK_EQ(w.want.frames_complete, 3000);
	CHECK_EQ(w.want.missing + w.want.duplicate, 0);
}

/* ---- closed loop: a camera that answers requests over the same lossy way ---- */

TEST(assembler_resends_recover_everything)
{
	struct sp_stream_config config = open_config;
	uint64_t id = 65000, blocks = 5000;

	seed_with(4);
	config.resend_tries = 10;
	config.retention_ns = 8000 * US;
	config.frames = 160;
	begin(&config, 4096, 0);
	for (uint64_t k = 0; k < blocks + 200; k++) { /* some time for the last requests */
		if (k < blocks) {
			w.next = k + 1;
			w.first = k >= BLOCKS_LIVE ? k + 1 - BLOCKS_LIVE : 0;
			*live(k) = (struct oracle_block){ .b = {
								  .id = id,
								  .pixel_format = SP_PFNC_MONO8,
								  .width = WIDTH,
								  .height = HEIGHT,
								  .payload = PAYLOAD,
								  .timestamp = 1 + k,
							  } };
			for (uint32_t p = 0; p <= PACKETS + 1; p++)
				if (!per_mille(50) || (!k && !p))
					add_event(
						(struct event){ .when = k * 100 * US + p * US +
									(k || p ? rnd(20) * US : 0),
								.block = k,
								.id = p });
			id = sp_gvsp_block_next(id, false);
		}
		while (heap_n && heap[0].when < (k + 1) * 100 * US) {
			uint64_t now = heap[0].when;
			struct event e = pop_event();
			struct sp_packet packet = traffic_packet(&w.t, &live(e.block)->b, e.id,
								 e.status, 0, now);

			traffic_push(&w.t, &packet, 1);
			traffic_tick(&w.t, now);
			consume(traffic_check_pixels);
		}
		traffic_tick(&w.t, (k + 1) * 100 * US - 1);
		consume(traffic_check_pixels);
		for (uint32_t r = 0; r < w.t.resends_n; r++) {
			const struct sp_resend_request *q = &w.t.resends[r];

			for (uint64_t b = w.first; b < w.next; b++)
				for (uint32_t p = q->first;
				     live(b)->b.id == q->block_id && p <= q->last; p++)
					if (!per_mille(50))
						add_event((struct event){
							(k + 1) * 100 * US + rnd(150) * US, b, p, 0,
							GVSP_STATUS_RESENT, false, false });
		}
		w.t.resends_n = 0;
	}
	consume_end();
	CHECK(sp_ledger_adds_up(w.c));
	CHECK_EQ(w.c->expected, blocks * PACKETS);
	CHECK_EQ(w.c->delivered, blocks * PACKETS);
	CHECK_EQ(w.c->frames_complete, blocks);
	CHECK(w.c->resent > blocks / 4);
	traffic_uninit(&w.t);
}

/* ---- want of credit, restarts, rubbish: only what must hold whatever happens ---- */

static uint64_t seen_packets;

static void check_any_frame(const struct sp_frame *frame)
{
	traffic_check_pixels(frame);
	seen_packets += frame->packets - frame->missing_n;
}

static void random_packet(struct sp_packet *packet, struct traffic_block *b, uint64_t now)
{
	uint32_t choice = rnd(1000), packets = traffic_packets(b);

	if (choice < 10) {
		uint8_t *data;

		*packet = traffic_lend(&w.t, rnd(2) * rnd(3), now, &data);
		packet->length = rnd(60);
		for (uint32_t i = 0; i < packet->length; i++)
			data[i] = (uint8_t)rnd(256);
	} else if (choice < 20) {
		*packet = traffic_notice(&w.t, b, rnd(PACKETS + 4), rnd(2) ? 0x800C : 0x8011, now);
	} else {
		*packet = traffic_packet(&w.t, b, rnd(packets + 2), 0, 0, now);
	}
}

TEST(assembler_holds_under_pressure)
{
	struct sp_stream_config config = open_config;
	uint64_t base = 1, now = 0;

	seed_with(5);
	config.frames = 6;
	begin(&config, 256, 3 * PACKETS);
	seen_packets = 0;
	for (uint64_t step = 0; step < 40000; step++) {
		struct sp_packet burst[32];
		uint32_t n = 1 + rnd(32);

		if (rnd(20000) == 0)
			base = 1 + rnd(65000);
		for (uint32_t i = 0; i < n; i++) {
			struct traffic_block b = {
				.id = base + rnd(4),
				.pixel_format = SP_PFNC_MONO8,
				.width = WIDTH,
				.height = rnd(50) ? HEIGHT : 5,
				.payload = PAYLOAD,
				.timestamp = 0,
				.extended = base % 97 == 0,
			};

			b.payload -= b.extended ? 12 : 0;
			random_packet(&burst[i], &b, now);
		}
		if (rnd(4) == 0)
			base = base > 65530 ? 1 : base + 1;
		traffic_push(&w.t, burst, n);
		now += rnd(60) * US;
		traffic_tick(&w.t, now);
		w.t.resends_n = 0;
		CHECK(sp_ledger_adds_up(w.c));
		CHECK(w.t.buffers - w.t.free_n <= 3 * PACKETS);
		consume(check_any_frame);
		if (rnd(3) == 0)
			consume_end();
	}
	sp_assembler_flush(w.t.assembler, now);
	traffic_take(&w.t);
	consume(check_any_frame);
	consume_end();
	CHECK_EQ(w.c->delivered, seen_packets);
	CHECK_EQ(w.frames, w.c->frames_complete + w.c->frames_incomplete);
	CHECK(w.c->blocks_policy && w.c->frames_complete && w.c->restarts);
	CHECK(sp_ledger_adds_up(w.c));
	traffic_uninit(&w.t);
}

TEST_MAIN()
