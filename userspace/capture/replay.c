/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet source that reads a capture file. Its time is the capture's: now is the stamp of the
 * last packet given, and a receive that waits for the next one passes its timeout of capture time.
 * So time-outs fall where they fell on the wire, at any speed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "base/clock.h"
#include "base/diag.h"
#include "capture/allow.h"
#include "capture/buffers.h"
#include "capture/datagram.h"
#include "capture/packet_source.h"

enum {
	SKIP_MAX = 4096, /* records passed over in one receive, so that a stop is noticed */
	LULL_STEPS = 4096,
};

#define BURST_NS (200 * SP_NS_PER_US) /* packets this close to the first come in one receive */
#define STAMP_MAX_S 9000000000ll      /* beyond is nonsense, and 64 bits of ns must hold it */

struct replay_source {
	struct sp_packet_source source;
	struct sp_packet_buffers buffers;
	pcap_t *pcap;
	char *path;
	enum sp_link link;
	double speed;
	struct sp_allow *allow;
	/* The record that was read and not given yet. */
	bool pending;
	uint64_t stamp_ns;
	uint32_t captured, wire;
	const uint8_t *bytes;
	/* Time. */
	uint64_t now_ns;
	uint64_t first_ns;   /* stamp of the file's first record */
	uint64_t started_ns; /* CLOCK_MONOTONIC at the first receive; 0: not yet */
};

static uint64_t stamp_of(const struct pcap_pkthdr *header)
{
	int64_t seconds = header->ts.tv_sec, ns = header->ts.tv_usec; /* ns, as asked at open */

	/* The old format has 32 unsigned bits, which libpcap reads as signed. */
	if (seconds < 0)
		seconds = (uint32_t)seconds;
	if (seconds > STAMP_MAX_S)
		seconds = STAMP_MAX_S;
	return (uint64_t)seconds * SP_NS_PER_S + (uint64_t)(ns > 0 ? ns : 0) % SP_NS_PER_S;
}

/* Reads the next record; none is pending at the end of the file. */
static void read_record(struct replay_source *s)
{
	struct pcap_pkthdr *header;
	int got = pcap_next_ex(s->pcap, &header, &s->bytes);

	s->pending = got == 1;
	if (s->pending) {
		s->stamp_ns = stamp_of(header);
		s->captured = header->caplen;
		s->wire = header->len;
	} else if (got == PCAP_ERROR) {
		/* A capture that was cut off: what came before is good. */
		sp_count(&s->source.counters.malformed, 1);
		sp_log(SP_LOG_WARNING, "%s: %s; it ends here", s->path, pcap_geterr(s->pcap));
	}
}

/* Whether the pending record is a stream's datagram; counts it if not. */
static bool is_wanted(struct replay_source *s, struct sp_datagram *ret_datagram,
		      uint32_t *ret_stream)
{
	struct sp_packet_counters *c = &s->source.counters;
	uint64_t *const reasons[] = {
		[SP_DATAGRAM_OTHER] = &c->other,
		[SP_DATAGRAM_FRAGMENT] = &c->fragments,
		[SP_DATAGRAM_CUT] = &c->truncated,
		[SP_DATAGRAM_MALFORMED] = &c->malformed,
	};
	enum sp_datagram_kind kind =
		sp_datagram_parse(s->link, s->bytes, s->captured, s->wire, ret_datagram);

	if (kind != SP_DATAGRAM_UDP) {
		sp_count(reasons[kind], 1);
		return false;
	}
	switch (sp_allow_datagram(s->allow, ret_datagram, c, ret_stream)) {
	case SP_ALLOW_STREAM:
		break;
	case SP_ALLOW_REFUSED:
		return false;
	case SP_ALLOW_OTHER:
		sp_count(&c->unknown_stream, 1);
		return false;
	}
	if (ret_datagram->length > s->buffers.payload) {
		sp_count(&c->truncated, 1);
		return false;
	}
	return true;
}

/* Reads on to the next record that a stream wants. False at the end, or after SKIP_MAX others. */
static bool find(struct replay_source *s, struct sp_datagram *ret_datagram, uint32_t *ret_stream)
{
	for (int skipped = 0; s->pending && skipped < SKIP_MAX; skipped++) {
		if (is_wanted(s, ret_datagram, ret_stream))
			return true;
		read_record(s);
	}
	return false;
}

/* Lets the capture's time pass up to @when_ns, at the pace that was asked for. */
static void pass_time(struct replay_source *s, uint64_t when_ns)
{
	if (s->speed > 0)
		sp_clock_sleep_until(s->started_ns +
				     (uint64_t)((double)(when_ns - s->first_ns) / s->speed));
	s->now_ns = when_ns;
}

/* Waits for the pending record, at most @timeout_ns. Returns whether it is due. */
static bool wait_for_record(struct replay_source *s, uint64_t timeout_ns)
{
	uint64_t gap = s->stamp_ns > s->now_ns ? s->stamp_ns - s->now_ns : 0;

	if (s->speed > 0) {
		double elapsed = (double)(sp_clock_now() - s->started_ns) * s->speed;
		uint64_t wire_ns = s->first_ns + (uint64_t)elapsed;

		timeout_ns = (uint64_t)((double)timeout_ns * s->speed);
		/* A caller who polls passes no time of its own. */
		if (wire_ns > s->now_ns)
			timeout_ns += wire_ns - s->now_ns;
	} else {
		/* With no clock to wait for, a caller who polls or a lull of years must end too. */
		if (timeout_ns < BURST_NS)
			timeout_ns = BURST_NS;
		if (timeout_ns < gap / LULL_STEPS)
			timeout_ns = gap / LULL_STEPS;
	}
	pass_time(s, s->now_ns + (gap < timeout_ns ? gap : timeout_ns));
	return gap <= timeout_ns;
}

static void give(struct replay_source *s, const struct sp_datagram *datagram, uint32_t stream,
		 struct sp_packet *packet)
{
	uint32_t buffer = sp_packet_buffers_take(&s->buffers);

	if (s->stamp_ns > s->now_ns)
		s->now_ns = s->stamp_ns;
	memcpy(sp_packet_buffers_at(&s->buffers, buffer) + SP_PACKET_HEADROOM,
	       s->bytes + datagram->payload, datagram->length);
	*packet = (struct sp_packet){
		.head = sp_packet_buffers_at(&s->buffers, buffer) + SP_PACKET_HEADROOM,
		.offset = sp_packet_buffers_offset(&s->buffers, buffer) + SP_PACKET_HEADROOM,
		.token = buffer,
		.rx_ns = s->now_ns, /* stamps that run back are held */
		.length = datagram->length,
		.stream = (uint16_t)stream,
		.source_ip = datagram->source_ip,
	};
	sp_count(&s->source.counters.received, 1);
	read_record(s);
}

static int replay_receive(struct sp_packet_source *source, struct sp_packet *packets,
			  unsigned int max, uint64_t timeout_ns)
{
	struct replay_source *s = (struct replay_source *)source;
	struct sp_datagram datagram;
	unsigned int n = 0;
	uint32_t stream;
	uint64_t until;

	if (!s->started_ns)
		s->started_ns = sp_clock_now();
	if (!find(s, &datagram, &stream))
		return s->pending ? 0 : -ENODATA;
	if (!s->buffers.free) {
		/* The file waits. Time passes, so that blocks that hold buffers come of age. */
		if (sp_packet_buffers_starve(&s->buffers))
			sp_count(&source->counters.no_buffer, 1);
		pass_time(s, s->now_ns + (timeout_ns ? timeout_ns : BURST_NS));
		return 0;
	}
	if (!wait_for_record(s, timeout_ns))
		return 0;
	until = s->now_ns + BURST_NS;
	while (n < max && s->buffers.free) {
		give(s, &datagram, stream, &packets[n++]);
		if (!find(s, &datagram, &stream) || s->stamp_ns > until)
			break;
	}
	return (int)n;
}

static void replay_release(struct sp_packet_source *source, const uint64_t *tokens, unsigned int n)
{
	struct replay_source *s = (struct replay_source *)source;

	for (unsigned int i = 0; i < n; i++)
		sp_packet_buffers_give(&s->buffers, (uint32_t)tokens[i]);
}

static uint64_t replay_now(struct sp_packet_source *source)
{
	return ((struct replay_source *)source)->now_ns;
}

static int replay_add_stream(struct sp_packet_source *source,
			     const struct sp_packet_stream *stream, struct sp_err *err)
{
	struct replay_source *s = (struct replay_source *)source;
	struct sp_packet_stream captured = *stream;
	int error;

	captured.host_ip = 0; /* it may have been another machine */
	error = sp_allow_add(s->allow, &captured, err);
	return error ? sp_err_prefix(err, error, "%s", s->path) : 0;
}

static void replay_close(struct sp_packet_source *source)
{
	struct replay_source *s = (struct replay_source *)source;

	pcap_close(s->pcap);
	sp_packet_buffers_uninit(&s->buffers);
	sp_allow_destroy(s->allow);
	free(s->path);
	free(s);
}

static const struct sp_packet_source_ops replay_ops = {
	.name = "replay",
	.close = replay_close,
	.add_stream = replay_add_stream,
	.receive = replay_receive,
	.release = replay_release,
	.now = replay_now,
};

static int find_link(pcap_t *pcap, const char *path, enum sp_link *ret_link, struct sp_err *err)
{
	static const struct {
		int dlt;
		enum sp_link link;
	} links[] = {
		{ DLT_EN10MB, SP_LINK_ETHERNET }, { DLT_LINUX_SLL, SP_LINK_SLL },
		{ DLT_LINUX_SLL2, SP_LINK_SLL2 }, { DLT_RAW, SP_LINK_RAW },
		{ DLT_IPV4, SP_LINK_RAW },	  { DLT_NULL, SP_LINK_NULL },
		{ DLT_LOOP, SP_LINK_LOOP },
	};
	const char *name = pcap_datalink_val_to_name(pcap_datalink(pcap));

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (links[i].dlt != pcap_datalink(pcap))
			continue;
		*ret_link = links[i].link;
		return 0;
	}
	return sp_err_set(err, -ENOTSUP,
			  "%s: captured on a link of type %s; Ethernet, Linux cooked, raw IP and "
			  "loopback are known", path, name ? name : "unknown");
}

static int open_file(struct replay_source *s, struct sp_err *err)
{
	FILE *file = fopen(s->path, "rbe");
	char why[PCAP_ERRBUF_SIZE] = "";
	int error;

	if (!file)
		return sp_err_set(err, -errno, "%s: %s; give the path of a pcap or pcapng file",
				  s->path, strerror(errno));
	s->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!s->pcap) {
		fclose(file);
		return sp_err_set(err, -EINVAL, "%s: %s; give a pcap or pcapng file, unpacked",
				  s->path, why);
	}
	error = find_link(s->pcap, s->path, &s->link, err);
	if (error)
		pcap_close(s->pcap); /* and the file */
	return error;
}

int sp_replay_open(const struct sp_replay_config *config, struct sp_packet_source **ret_source,
		   struct sp_err *err)
{
	struct replay_source *s;
	int error;

	if (!(config->speed >= 0 && config->speed <= 1e6))
		return sp_err_set(err, -EINVAL,
				  "%s: a replay speed of %g; 1 is wire time, 0 as fast as it goes",
				  config->path, config->speed);
	s = calloc(1, sizeof(*s));
	if (!s || !(s->path = strdup(config->path))) {
		free(s);
		return sp_err_set(err, -ENOMEM, "replay: no memory; close other programs");
	}
	s->speed = config->speed;
	error = sp_allow_create(&s->allow, err);
	if (error)
		goto err_free;
	error = open_file(s, err);
	if (error)
		goto err_destroy_allow;
	error = sp_packet_buffers_init(&s->buffers, config->buffers, config->buffer_size, err);
	if (error) {
		sp_err_prefix(err, error, "replay");
		goto err_close;
	}
	s->source.ops = &replay_ops;
	s->source.region = &s->buffers.region;
	s->source.buffers = config->buffers;
	s->source.patient = config->speed == 0;
	read_record(s);
	s->first_ns = s->now_ns = s->pending ? s->stamp_ns : 0;
	*ret_source = &s->source;
	return 0;

err_close:
	pcap_close(s->pcap);
err_destroy_allow:
	sp_allow_destroy(s->allow);
err_free:
	free(s->path);
	free(s);
	return error;
}
