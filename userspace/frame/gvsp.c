/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame source of GVSP streams: a capture thread around a packet source and the assembler.
 *
 *	packet source ──▶ assembler ──▶ frames ring ──▶ get      (consumer thread)
 *	     ▲                ▲ ▲ └───▶ resends ring ──▶ take_resends (resend thread)
 *	     └─── tokens ─────┘ └────── returned ring ◀── put
 *
 * The rings of frames hold every frame that exists, so they never fill. The ring of resend requests
 * may: then a request is dropped and counted, and the assembler asks again later.
 */
#include "frame/frame_source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/ring.h"
#include "base/thread.h"
#include "capture/packet_source.h"
#include "frame/assembler.h"

enum {
	STREAMS_MAX = 64,
	BURST = 64, /* packets a receive */
	/* After so many full bursts in a row it is judged what is missing, though more may wait. */
	FULL_BURSTS_MAX = 32,
	RESENDS_MAX = SP_ASSEMBLER_RESENDS,
};

/* How long a quiet capture thread sleeps at most: how late it sees a stop or a returned frame. */
#define IDLE_NS (5 * SP_NS_PER_MS)

struct stream {
	struct sp_stream_config config;
	uint32_t block_packets; /* of a whole block */
	uint32_t buffers;	/* its share of the packet buffers */
	uint32_t out;		/* frames handed over and not back yet; the capture thread's */
	uint32_t out_max;	/* a patient source waits when so many are out */
};

struct gvsp_source {
	struct sp_frame_source source;
	struct sp_gvsp_source_config config;
	struct sp_packet_source *packets;
	struct sp_assembler *assembler; /* from start on */
	struct stream streams[STREAMS_MAX];
	uint32_t streams_n;
	/* Capture thread to consumer, and back. */
	struct sp_ring frames, returned;
	struct sp_event back; /* wakes a capture thread that waits for frames to come back */
	/* Capture thread to resend thread: requests travel from free_requests through resends. */
	struct sp_ring resends, free_requests;
	struct sp_resend_request *requests;
	struct sp_thread thread;
	_Atomic bool started; /* the rings are there */
	_Atomic bool ended;
	_Atomic int failed; /* 0, or -errno of a packet source that broke */
	struct sp_packet burst[BURST];
	unsigned int full_bursts; /* in a row */
};

static struct gvsp_source *gvsp(const struct sp_frame_source *source)
{
	return (struct gvsp_source *)source;
}

/* ---- capture thread ---- */

static void take_back(struct gvsp_source *g)
{
	struct sp_frame *frames[BURST];
	uint32_t n;

	while ((n = sp_ring_pop(&g->returned, (void **)frames, BURST))) {
		for (uint32_t i = 0; i < n; i++) {
			g->streams[frames[i]->stream].out--;
			sp_assembler_put(g->assembler, frames[i]);
		}
	}
}

static void hand_on_resends(struct gvsp_source *g, const struct sp_assembler_out *out)
{
	for (unsigned int i = 0; i < out->resends_n; i++) {
		struct sp_resend_request *request;

		if (!sp_ring_pop(&g->free_requests, (void **)&request, 1)) {
			sp_assembler_drop_resend(g->assembler, &out->resends[i]);
			continue;
		}
		*request = out->resends[i];
		sp_ring_push(&g->resends, (void *const *)&request, 1);
	}
	if (out->resends_n && g->config.resends)
		sp_event_signal(g->config.resends);
}

/* What gathered in the assembler goes where it belongs. */
static void hand_on(struct gvsp_source *g)
{
	struct sp_assembler_out out;
	uint32_t pushed;

	sp_assembler_take(g->assembler, &out);
	if (out.tokens_n)
		g->packets->ops->release(g->packets, out.tokens, out.tokens_n);
	for (unsigned int i = 0; i < out.frames_n; i++)
		g->streams[out.frames[i]->stream].out++;
	pushed = sp_ring_push(&g->frames, (void *const *)out.frames, out.frames_n);
	assert(pushed == out.frames_n);
	(void)pushed;
	if (out.frames_n && g->config.frames)
		sp_event_signal(g->config.frames);
	hand_on_resends(g, &out);
}

/*
 * Packets that wait are only asked for while every stream has credit for another block: so a file
 * that is read as fast as it goes goes as fast as its reader.
 */
static bool is_held_up(const struct gvsp_source *g)
{
	if (!g->packets->patient)
		return false;
	for (uint32_t i = 0; i < g->streams_n; i++)
		if (g->streams[i].out >= g->streams[i].out_max)
			return true;
	return false;
}

static void wait_for_consumer(struct gvsp_source *g)
{
	sp_event_arm(&g->back);
	if (!sp_ring_count(&g->returned) && !sp_thread_should_stop(&g->thread))
		sp_event_wait(&g->back, IDLE_NS);
	sp_event_disarm(&g->back);
}

/*
 * Whether it can be judged what is missing: not while the packets in question may still wait in the
 * socket, after this thread was held up. A file's packets are there when their time has come.
 */
static bool can_judge(struct gvsp_source *g, int received)
{
	if (received == BURST && !g->packets->patient && ++g->full_bursts < FULL_BURSTS_MAX)
		return false;
	g->full_bursts = 0;
	return true;
}

/* One turn. 0, or -ENODATA or another -errno of the packet source. */
static int turn(struct gvsp_source *g)
{
	struct sp_packet_source *packets = g->packets;
	uint64_t now = packets->ops->now(packets);
	uint64_t deadline = sp_assembler_next_deadline(g->assembler);
	uint64_t wait = deadline > now ? deadline - now : 0;
	int n;

	n = packets->ops->receive(packets, g->burst, BURST, wait < IDLE_NS ? wait : IDLE_NS);
	if (n > 0)
		sp_assembler_push(g->assembler, g->burst, (unsigned int)n);
	take_back(g);
	if (can_judge(g, n))
		sp_assembler_tick(g->assembler, packets->ops->now(packets));
	hand_on(g);
	return n < 0 ? n : 0;
}

static void run(struct sp_thread *thread)
{
	struct gvsp_source *g = thread->arg;
	int error = 0;

	while (!error && !sp_thread_should_stop(thread)) {
		take_back(g);
		if (is_held_up(g)) {
			hand_on(g);
			wait_for_consumer(g);
			continue;
		}
		error = turn(g);
	}
	if (error && error != -ENODATA)
		sp_log(SP_LOG_ERROR, "capture: %s failed: %s; no more frames come, restart",
		       g->packets->ops->name, strerror(-error));
	sp_assembler_flush(g->assembler, g->packets->ops->now(g->packets));
	hand_on(g);
	/* After the last frames were handed on: who sees one of these finds them all. */
	if (error == -ENODATA)
		atomic_store_explicit(&g->ended, true, memory_order_release);
	else
		atomic_store_explicit(&g->failed, error, memory_order_release);
	if (error && g->config.frames)
		sp_event_signal(g->config.frames);
}

/* ---- main ---- */

static int gvsp_add_stream(struct sp_frame_source *source, const struct sp_stream_config *config,
			   struct sp_err *err)
{
	struct gvsp_source *g = gvsp(source);
	struct sp_packet_stream stream = {
		.fd = config->fd,
		.host_port = config->host_port,
		.host_ip = config->host_ip,
		.camera_ip = config->camera_ip,
		.camera_port = config->camera_port,
		.vlan = config->vlan,
	};
	int error;

	memcpy(stream.camera_mac, config->camera_mac, sizeof(stream.camera_mac));
	if (g->assembler)
		return sp_err_set(err, -EBUSY, "stream: the source runs; add streams before start");
	if (g->streams_n == STREAMS_MAX)
		return sp_err_set(err, -ENOSPC, "stream: more than %d on a port; use another",
				  STREAMS_MAX);
	error = g->packets->ops->add_stream(g->packets, &stream, err);
	if (error)
		return error;
	g->streams[g->streams_n].config = *config;
	return (int)g->streams_n++;
}

/*
 * Divides the packet buffers among the streams by what their frames can hold. What is over, or an
 * eighth up to a burst where there is too little, is for packets on their way.
 */
static int share_buffers(struct gvsp_source *g, struct sp_err *err)
{
	uint64_t total = g->packets->buffers, needed = 0, spare = total / 8;

	for (uint32_t i = 0; i < g->streams_n; i++) {
		struct stream *s = &g->streams[i];

		s->block_packets = sp_assembler_block_packets(&s->config);
		needed += (uint64_t)s->block_packets * s->config.frames;
	}
	total -= spare < BURST ? spare : BURST;
	for (uint32_t i = 0; i < g->streams_n; i++) {
		struct stream *s = &g->streams[i];
		uint64_t all = (uint64_t)s->block_packets * s->config.frames, share = all;
		uint64_t frames;

		if (needed > total)
			share = (uint64_t)((__uint128_t)all * total / needed);
		frames = s->block_packets ? share / s->block_packets : 0;
		if (all && !frames)
			return sp_err_set(err, -ENOSPC,
					  "stream %u: its share is %llu packet buffers and a frame "
					  "needs %u; raise the number of buffers",
					  i, (unsigned long long)share, s->block_packets);
		s->buffers = (uint32_t)share;
		/* One block open, and the next beginning before the first has ended. */
		s->out_max = frames > 2 ? (uint32_t)frames - 2 : 1;
	}
	return 0;
}

static int create_assembler(struct gvsp_source *g, struct sp_err *err)
{
	const struct sp_assembler_config config = {
		.region = g->packets->region,
		.buffers = g->packets->buffers,
		.streams = g->streams_n,
	};
	int error = sp_assembler_create(&config, &g->assembler, err);

	if (error)
		return error;
	for (uint32_t i = 0; i < g->streams_n; i++) {
		const struct stream *s = &g->streams[i];
		int index = sp_assembler_add_stream(g->assembler, &s->config, s->buffers, err);

		if (index < 0) {
			sp_assembler_destroy(g->assembler);
			g->assembler = NULL;
			return sp_err_prefix(err, index, "stream %u", i);
		}
	}
	return 0;
}

static int create_rings(struct gvsp_source *g)
{
	uint32_t frames = 0;
	int error;

	for (uint32_t i = 0; i < g->streams_n; i++)
		frames += g->streams[i].config.frames;
	error = sp_ring_init(&g->frames, frames);
	if (error)
		return error;
	error = sp_ring_init(&g->returned, frames);
	if (error)
		goto err_frames;
	error = sp_ring_init(&g->resends, RESENDS_MAX);
	if (error)
		goto err_returned;
	error = sp_ring_init(&g->free_requests, RESENDS_MAX);
	if (error)
		goto err_resends;
	error = -ENOMEM;
	g->requests = calloc(RESENDS_MAX, sizeof(*g->requests));
	if (!g->requests)
		goto err_free_requests;
	for (uint32_t i = 0; i < RESENDS_MAX; i++) {
		void *request = &g->requests[i];

		sp_ring_push(&g->free_requests, &request, 1);
	}
	return 0;

err_free_requests:
	sp_ring_uninit(&g->free_requests);
err_resends:
	sp_ring_uninit(&g->resends);
err_returned:
	sp_ring_uninit(&g->returned);
err_frames:
	sp_ring_uninit(&g->frames);
	return error;
}

static void destroy_rings(struct gvsp_source *g)
{
	free(g->requests);
	g->requests = NULL;
	sp_ring_uninit(&g->free_requests);
	sp_ring_uninit(&g->resends);
	sp_ring_uninit(&g->returned);
	sp_ring_uninit(&g->frames);
}

static int gvsp_start(struct sp_frame_source *source, struct sp_err *err)
{
	struct gvsp_source *g = gvsp(source);
	int error;

	if (g->assembler)
		return sp_err_set(err, -EBUSY, "capture: started already; open another source");
	if (!g->streams_n)
		return sp_err_set(err, -EINVAL, "capture: no streams; add one before start");
	error = share_buffers(g, err);
	if (error)
		return error;
	error = create_assembler(g, err);
	if (error)
		return error;
	error = create_rings(g);
	if (error) {
		sp_assembler_destroy(g->assembler);
		g->assembler = NULL;
		return sp_err_set(err, error,
				  "capture: no memory for rings; lower the streams' frames");
	}
	/* Consumers may be asking since before: from here on there is something to ask. */
	atomic_store_explicit(&g->started, true, memory_order_release);
	error = g->packets->ops->start ? g->packets->ops->start(g->packets, err) : 0;
	if (error)
		return error;
	error = sp_thread_start(&g->thread, "capture", g->config.cpu, run, g, &g->back);
	/* The rings stay: a consumer may be looking into them. close undoes what is there. */
	if (error)
		return sp_err_set(err, error, "capture: no thread: %s; end other programs",
				  strerror(-error));
	return 0;
}

static void gvsp_stop(struct sp_frame_source *source)
{
	sp_thread_stop(&gvsp(source)->thread);
}

static void gvsp_close(struct sp_frame_source *source)
{
	struct gvsp_source *g = gvsp(source);

	gvsp_stop(source);
	if (g->assembler) {
		destroy_rings(g);
		sp_assembler_destroy(g->assembler);
	}
	g->packets->ops->close(g->packets);
	sp_event_uninit(&g->back);
	free(g);
}

/* ---- other threads ---- */

/* The consumer. */
static unsigned int gvsp_get(struct sp_frame_source *source, struct sp_frame **frames,
			     unsigned int max)
{
	struct gvsp_source *g = gvsp(source);

	if (!atomic_load_explicit(&g->started, memory_order_acquire))
		return 0;
	return sp_ring_pop(&g->frames, (void **)frames, max);
}

/* The consumer. */
static void gvsp_put(struct sp_frame_source *source, struct sp_frame *frame)
{
	struct gvsp_source *g = gvsp(source);

	sp_ring_push(&g->returned, (void *const *)&frame, 1);
	sp_event_signal(&g->back);
}

/* The resend thread. */
static unsigned int gvsp_take_resends(struct sp_frame_source *source,
				      struct sp_resend_request *requests, unsigned int max)
{
	struct gvsp_source *g = gvsp(source);
	struct sp_resend_request *taken[BURST];
	unsigned int n = 0;

	if (!atomic_load_explicit(&g->started, memory_order_acquire))
		return 0;
	while (n < max) {
		uint32_t want = max - n < BURST ? max - n : BURST;
		uint32_t got = sp_ring_pop(&g->resends, (void **)taken, want);

		for (uint32_t i = 0; i < got; i++)
			requests[n++] = *taken[i];
		sp_ring_push(&g->free_requests, (void *const *)taken, got);
		if (got < want)
			break;
	}
	return n;
}

/* Any thread. */
static const struct sp_stream_counters *gvsp_counters(const struct sp_frame_source *source,
						      unsigned int stream)
{
	const struct gvsp_source *g = gvsp(source);

	if (!atomic_load_explicit(&g->started, memory_order_acquire))
		return NULL;
	return sp_assembler_counters(g->assembler, stream);
}

bool sp_gvsp_source_ended(const struct sp_frame_source *source)
{
	return atomic_load_explicit(&gvsp(source)->ended, memory_order_acquire);
}

int sp_gvsp_source_failed(const struct sp_frame_source *source)
{
	return atomic_load_explicit(&gvsp(source)->failed, memory_order_acquire);
}

static const struct sp_frame_source_ops gvsp_ops = {
	.name = "gvsp",
	.close = gvsp_close,
	.add_stream = gvsp_add_stream,
	.start = gvsp_start,
	.stop = gvsp_stop,
	.get = gvsp_get,
	.put = gvsp_put,
	.take_resends = gvsp_take_resends,
	.counters = gvsp_counters,
};

int sp_gvsp_source_open(const struct sp_gvsp_source_config *config,
			struct sp_frame_source **ret_source, struct sp_err *err)
{
	struct gvsp_source *g = aligned_alloc(_Alignof(struct gvsp_source), sizeof(*g));
	int error;

	if (!g)
		return sp_err_set(err, -ENOMEM, "capture: no memory; end other programs");
	memset(g, 0, sizeof(*g));
	error = sp_event_init(&g->back);
	if (error) {
		free(g);
		return sp_err_set(err, error, "capture: eventfd: %s; raise the limit of open files",
				  strerror(-error));
	}
	g->source.ops = &gvsp_ops;
	g->config = *config;
	g->packets = config->packets;
	*ret_source = &g->source;
	return 0;
}
