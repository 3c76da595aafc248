/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <sallyport/gvsp.h>

#include "base/clock.h"
#include "gvsp_wire.h"

enum { IP_UDP_BYTES = 28, TESTS_MAX = 16 };

static struct sockaddr_in target_of(const struct gvcam_channel *channel)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(channel->ip),
		.sin_port = htons(channel->port),
	};
}

static void set_fragmenting(struct gvcam_outlet *outlet, bool do_not_fragment)
{
	int mode = do_not_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;

	if (outlet->do_not_fragment == do_not_fragment)
		return;
	setsockopt(outlet->fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof(mode));
	outlet->do_not_fragment = do_not_fragment;
}

/*
 * One datagram of exactly the size that SCPS says, never fragmented: whether it arrives tells the
 * host what the way can carry. One that is too large for the link is lost, as on a switch.
 */
static void send_test(struct gvcam_sender *sender, struct gvcam_outlet *outlet)
{
	struct gvcam_stream *stream = &outlet->stream;
	struct sockaddr_in target = target_of(&stream->channel);
	struct sp_gvsp_packet packet = { .format = GVSP_FORMAT_PAYLOAD };
	uint32_t bytes = stream->channel.packet_size - IP_UDP_BYTES;
	bool before = outlet->do_not_fragment;

	if (!stream->channel.port || !stream->channel.ip)
		return;
	memset(sender->scratch, 0, bytes);
	sp_gvsp_build(&packet, sender->scratch, bytes);
	set_fragmenting(outlet, true);
	if (sendto(outlet->fd, sender->scratch, bytes, 0, (struct sockaddr *)&target,
		   sizeof(target)) < 0)
		stream->stats.failed++;
	else
		stream->stats.tests++;
	set_fragmenting(outlet, before);
}

static void take_mail(struct gvcam_sender *sender, struct gvcam_outlet *outlet, uint64_t now_ns)
{
	struct gvcam_mail *mail = &sender->taken;

	pthread_mutex_lock(&sender->lock);
	mail->changed = outlet->mail.changed;
	if (mail->changed)
		mail->channel = outlet->mail.channel;
	mail->tests = outlet->mail.tests;
	mail->overflow = outlet->mail.overflow;
	mail->resends_n = outlet->mail.resends_n;
	memcpy(mail->resends, outlet->mail.resends, mail->resends_n * sizeof(mail->resends[0]));
	outlet->mail.changed = false;
	outlet->mail.tests = outlet->mail.resends_n = 0;
	outlet->mail.overflow = 0;
	pthread_mutex_unlock(&sender->lock);
	if (mail->changed) {
		gvcam_stream_set_channel(&outlet->stream, &mail->channel, now_ns);
		/* The next way may carry what the last did not. */
		outlet->segments = outlet->gso == GVCAM_GSO_ON ||
				   (outlet->gso == GVCAM_GSO_AUTO && !outlet->stream.config.pacing);
		set_fragmenting(outlet, mail->channel.do_not_fragment);
	}
	for (uint32_t i = 0; i < mail->tests && i < TESTS_MAX; i++)
		send_test(sender, outlet);
	for (uint32_t i = 0; i < mail->resends_n; i++)
		gvcam_stream_resend(&outlet->stream, &mail->resends[i]);
	outlet->stream.stats.requests += mail->overflow;
	outlet->stream.stats.refused += mail->overflow;
}

/* The current block's last payload packet. Blocks that are stamped are an image alone. */
static bool ends_image(const struct gvcam_stream *stream, const struct gvcam_packet *packet)
{
	struct sp_gvsp_packet header;

	return packet->data_bytes >= sizeof(uint64_t) &&
	       !sp_gvsp_parse(packet->head, packet->head_bytes, &header) &&
	       header.format == GVSP_FORMAT_PAYLOAD && header.packet_id + 2 == stream->packets;
}

static void stamp(struct gvcam_packet *packet)
{
	uint64_t now_ns;

	if (packet->data != packet->scratch)
		memcpy(packet->scratch, packet->data, packet->data_bytes);
	packet->data = packet->scratch;
	now_ns = sp_clock_now();
	memcpy(packet->scratch + packet->data_bytes - sizeof(now_ns), &now_ns, sizeof(now_ns));
}

/* Packets from other sockets than the stream's go in between, in order. */
static uint32_t send_by_way(struct gvcam_outlet *outlet, const struct gvcam_packet *packets,
			    uint32_t n)
{
	struct sockaddr_in target = target_of(&outlet->stream.channel);
	uint32_t failed = 0;

	for (uint32_t at = 0, end = 0; at < n; at = end) {
		enum gvcam_way way = packets[at].way;
		int fd = way == GVCAM_WAY_OWN ? outlet->fd : outlet->spoof_fds[way - 1];

		while (end < n && packets[end].way == way)
			end++;
		failed += gvcam_salvo_send(fd, &target, &packets[at], end - at, &outlet->segments);
	}
	return failed;
}

static void send_packets(struct gvcam_sender *sender, struct gvcam_outlet *outlet, uint32_t n)
{
	uint32_t sent = 0, failed = 0;

	if (!outlet->begin_ns)
		outlet->begin_ns = sp_clock_now();
	/* What is before the stamp is sent before it. */
	for (uint32_t i = 0; outlet->stamp && i < n; i++) {
		if (!ends_image(&outlet->stream, &sender->packets[i]))
			continue;
		failed += send_by_way(outlet, sender->packets + sent, i - sent);
		stamp(&sender->packets[i]);
		sent = i;
	}
	failed += send_by_way(outlet, sender->packets + sent, n - sent);
	outlet->stream.stats.failed += failed;
	outlet->end_ns = sp_clock_now();
}

/* One turn of one camera; returns when it wants the next. */
static uint64_t serve(struct gvcam_sender *sender, struct gvcam_outlet *outlet)
{
	uint64_t now_ns = sp_clock_now(), next_ns;
	uint32_t finished = outlet->stream.finished;
	uint32_t n;

	take_mail(sender, outlet, now_ns);
	n = gvcam_stream_fill(&outlet->stream, now_ns + GVCAM_QUANTUM_NS / 2, sender->packets,
			      GVCAM_BATCH, &next_ns);
	if (n) {
		send_packets(sender, outlet, n);
		atomic_store_explicit(&outlet->last_ns, now_ns, memory_order_relaxed);
	}
	if (outlet->stream.finished != finished) {
		atomic_store_explicit(&outlet->spent, gvcam_stream_spent(&outlet->stream),
				      memory_order_release);
		atomic_store_explicit(&outlet->finished, outlet->stream.finished,
				      memory_order_release);
		sp_event_signal(sender->done);
	}
	return next_ns;
}

static bool mail_waits(struct gvcam_sender *sender)
{
	bool waits = false;

	pthread_mutex_lock(&sender->lock);
	for (uint32_t i = 0; i < sender->n && !waits; i++) {
		const struct gvcam_mail *mail = &sender->outlets[i].mail;

		waits = mail->changed || mail->tests || mail->resends_n || mail->overflow;
	}
	pthread_mutex_unlock(&sender->lock);
	return waits;
}

/* Finer than sp_event_wait, which counts milliseconds: packets are paced by this. */
static void wait_until(struct gvcam_sender *sender, uint64_t wake_ns, uint64_t now_ns)
{
	uint64_t wait_ns = wake_ns - now_ns < SP_NS_PER_S ? wake_ns - now_ns : SP_NS_PER_S;
	struct timespec wait = { (time_t)(wait_ns / SP_NS_PER_S), (long)(wait_ns % SP_NS_PER_S) };
	struct pollfd pfd = { .fd = sender->wake.fd, .events = POLLIN };

	(void)ppoll(&pfd, 1, &wait, NULL);
}

static void sender_run(struct sp_thread *thread)
{
	struct gvcam_sender *sender = thread->arg;

	prctl(PR_SET_TIMERSLACK, 1000ul); /* ns; the default of 50 µs is half a quantum */
	while (!sp_thread_should_stop(thread)) {
		uint64_t wake_ns = UINT64_MAX, now_ns;

		for (uint32_t i = 0; i < sender->n; i++) {
			uint64_t next_ns = serve(sender, &sender->outlets[i]);

			if (next_ns < wake_ns)
				wake_ns = next_ns;
		}
		now_ns = sp_clock_now();
		if (wake_ns <= now_ns)
			continue;
		if (wake_ns < now_ns + GVCAM_QUANTUM_NS)
			wake_ns = now_ns + GVCAM_QUANTUM_NS;
		sp_event_arm(&sender->wake);
		if (!mail_waits(sender) && !sp_thread_should_stop(thread))
			wait_until(sender, wake_ns, now_ns);
		sp_event_disarm(&sender->wake);
	}
}

int gvcam_sender_start(struct gvcam_sender *sender, struct gvcam_outlet *outlets, uint32_t n,
		       struct sp_event *done)
{
	int res;

	*sender = (struct gvcam_sender){ .outlets = outlets, .n = n, .done = done };
	sender->scratch = malloc((size_t)GVCAM_BATCH * GVCAM_PACKET_MAX);
	if (!sender->scratch)
		return -ENOMEM;
	for (unsigned int i = 0; i < GVCAM_BATCH; i++)
		sender->packets[i].scratch = sender->scratch + (size_t)i * GVCAM_PACKET_MAX;
	pthread_mutex_init(&sender->lock, NULL);
	res = sp_event_init(&sender->wake);
	if (res)
		goto err_free_scratch;
	res = sp_thread_start(&sender->thread, "gvcam-sender", -1, sender_run, sender,
			      &sender->wake);
	if (res)
		goto err_uninit_wake;
	return 0;
err_uninit_wake:
	sp_event_uninit(&sender->wake);
err_free_scratch:
	pthread_mutex_destroy(&sender->lock);
	free(sender->scratch);
	return res;
}

void gvcam_sender_stop(struct gvcam_sender *sender)
{
	sp_thread_stop(&sender->thread);
	sp_event_uninit(&sender->wake);
	pthread_mutex_destroy(&sender->lock);
	free(sender->scratch);
	sender->scratch = NULL;
}

void gvcam_sender_set_channel(struct gvcam_sender *sender, uint32_t camera,
			      const struct gvcam_channel *channel)
{
	struct gvcam_mail *mail = &sender->outlets[camera].mail;

	pthread_mutex_lock(&sender->lock);
	mail->channel = *channel;
	mail->changed = true;
	pthread_mutex_unlock(&sender->lock);
	sp_event_signal(&sender->wake);
}

void gvcam_sender_fire_test(struct gvcam_sender *sender, uint32_t camera)
{
	pthread_mutex_lock(&sender->lock);
	sender->outlets[camera].mail.tests++;
	pthread_mutex_unlock(&sender->lock);
	sp_event_signal(&sender->wake);
}

void gvcam_sender_resend(struct gvcam_sender *sender, uint32_t camera,
			 const struct sp_gvcp_resend *resend)
{
	struct gvcam_mail *mail = &sender->outlets[camera].mail;

	pthread_mutex_lock(&sender->lock);
	if (mail->resends_n < GVCAM_MAIL_RESENDS)
		mail->resends[mail->resends_n++] = *resend;
	else
		mail->overflow++;
	pthread_mutex_unlock(&sender->lock);
	sp_event_signal(&sender->wake);
}
