/* SPDX-License-Identifier: Apache-2.0 */
#include "control/resend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/thread.h"
#include "frame/frame_source.h"
#include "wire/gvcp.h"

enum { BURST = 64 };

/* How long the thread sleeps at most: a signal that went astray costs no more than this. */
#define NAP_NS (100 * SP_NS_PER_MS)

struct stream {
	struct sp_resend_stream config;
	struct sp_bucket bucket;
	struct sp_resend_counters counters;
};

struct sp_resend {
	struct sp_resend_config config;
	struct sp_thread thread;
	struct sp_bucket port;
	uint16_t id; /* of the last command */
	unsigned int n;
	struct stream streams[];
};

const struct sp_counter sp_resend_counter_table[] = {
	SP_COUNTER(struct sp_resend_counters, requests, "PACKETRESEND commands sent"),
	SP_COUNTER(struct sp_resend_counters, packets, "packets asked for again"),
	SP_COUNTER(struct sp_resend_counters, refused_packets,
		   "packets not asked for again for want of budget"),
	SP_COUNTER(struct sp_resend_counters, unsendable,
		   "packets not asked for again because their ids do not fit the command"),
	SP_COUNTER(struct sp_resend_counters, send_errors,
		   "PACKETRESEND commands that the socket did not take"),
};
const size_t sp_resend_counter_table_n =
	sizeof(sp_resend_counter_table) / sizeof(sp_resend_counter_table[0]);

/* Sends one command; counts. */
static void ask(struct sp_resend *resend, struct stream *stream,
		const struct sp_gvcp_resend *wanted)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(GVCP_PORT),
		.sin_addr.s_addr = htonl(stream->config.camera_ip),
	};
	uint32_t packets = wanted->last - wanted->first + 1;
	uint8_t command[GVCP_MESSAGE_MAX];
	int size;

	/* Id 0 is never used. */
	if (++resend->id == 0)
		resend->id = 1;
	size = sp_gvcp_build_resend(command, sizeof(command), resend->id, wanted);
	if (size < 0) {
		sp_count(&stream->counters.unsendable, packets);
		return;
	}
	if (sendto(stream->config.fd, command, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)&to, sizeof(to)) < 0) {
		sp_count(&stream->counters.send_errors, 1);
		return;
	}
	sp_count(&stream->counters.requests, 1);
	sp_count(&stream->counters.packets, packets);
}

static void serve(struct sp_resend *resend, const struct sp_resend_request *request,
		  uint64_t now_ns)
{
	struct stream *stream = &resend->streams[request->stream];
	struct sp_gvcp_resend wanted = {
		.channel = stream->config.channel,
		.extended = request->extended,
		.block = request->block_id,
		.first = request->first,
	};
	uint64_t asked = (uint64_t)request->last - request->first + 1;
	uint32_t room = sp_bucket_fill(&stream->bucket, now_ns);
	uint32_t port_room = sp_bucket_fill(&resend->port, now_ns);
	uint32_t granted = room < port_room ? room : port_room;

	if (granted > asked)
		granted = (uint32_t)asked;
	sp_count(&stream->counters.refused_packets, asked - granted);
	if (!granted)
		return;
	sp_bucket_spend(&stream->bucket, granted);
	sp_bucket_spend(&resend->port, granted);
	wanted.last = request->first + granted - 1;
	ask(resend, stream, &wanted);
}

unsigned int sp_resend_pump(struct sp_resend *resend, uint64_t now_ns)
{
	struct sp_frame_source *source = resend->config.source;
	struct sp_resend_request requests[BURST];
	unsigned int n = source->ops->take_resends(source, requests, BURST);

	for (unsigned int i = 0; i < n; i++)
		if (requests[i].stream < resend->n && requests[i].first <= requests[i].last)
			serve(resend, &requests[i], now_ns);
	return n;
}

static void run(struct sp_thread *thread)
{
	struct sp_resend *resend = thread->arg;

	while (!sp_thread_should_stop(thread)) {
		if (sp_resend_pump(resend, sp_clock_now()))
			continue;
		sp_event_arm(resend->config.wake);
		if (!sp_resend_pump(resend, sp_clock_now()) && !sp_thread_should_stop(thread))
			sp_event_wait(resend->config.wake, NAP_NS);
		sp_event_disarm(resend->config.wake);
	}
}

int sp_resend_create(const struct sp_resend_config *config, const struct sp_resend_stream *streams,
		     unsigned int n, struct sp_resend **ret_resend, struct sp_err *err)
{
	struct sp_resend *resend;

	if (!config->source->ops->take_resends)
		return sp_err_set(err, -EINVAL,
				  "resend: frame source \"%s\" gives no requests; run "
				  "without resend",
				  config->source->ops->name);
	for (unsigned int i = 0; i < n; i++)
		if (streams[i].fd < 0 || !streams[i].camera_ip)
			return sp_err_set(err, -EINVAL,
					  "resend: stream %u has no socket or no camera "
					  "address; run without resend",
					  i);
	resend = calloc(1, sizeof(*resend) + n * sizeof(resend->streams[0]));
	if (!resend)
		return sp_err_set(err, -ENOMEM, "resend: no memory; end other programs");
	resend->config = *config;
	resend->n = n;
	/* Buckets begin full, so from when they are counted does not matter. */
	sp_bucket_init(&resend->port, &config->budget, 0);
	for (unsigned int i = 0; i < n; i++) {
		resend->streams[i].config = streams[i];
		sp_bucket_init(&resend->streams[i].bucket, &streams[i].budget, 0);
	}
	*ret_resend = resend;
	return 0;
}

int sp_resend_start(struct sp_resend *resend, struct sp_err *err)
{
	int ret = sp_thread_start(&resend->thread, "resend", resend->config.cpu, run, resend,
				  resend->config.wake);

	if (ret)
		return sp_err_set(err, ret, "resend: no thread: %s; end other programs",
				  strerror(-ret));
	return 0;
}

void sp_resend_stop(struct sp_resend *resend)
{
	sp_thread_stop(&resend->thread);
}

void sp_resend_destroy(struct sp_resend *resend)
{
	if (!resend)
		return;
	sp_resend_stop(resend);
	free(resend);
}

const struct sp_resend_counters *sp_resend_counters(const struct sp_resend *resend,
						    unsigned int stream)
{
	return stream < resend->n ? &resend->streams[stream].counters : NULL;
}
