/* SPDX-License-Identifier: Apache-2.0 */
/* The allow-list: every verdict and counter by a table, then by seed against a plain loop. */
#include "capture/allow.h"

#include <errno.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/random.h"
#include "test.h"

enum { CAMERA = 0x0A000001, OTHER_CAMERA = 0x0A000003, HOST = 0x0A0000FE, OTHER_HOST = 0x0A0000FD };
enum { PORT = 50000, CAMERA_PORT = 49152, GVCP_PORT = 3956, FRAME_MAX = 256 };

/* What a sender put on the wire; zeroes are a proper packet from the camera. */
struct sent {
	uint32_t from, to;	     /* 0: CAMERA, HOST */
	uint16_t from_port, to_port; /* 0: CAMERA_PORT, PORT */
	uint8_t mac_last;	     /* 0: the camera's */
	uint16_t tags[5];	     /* ethertype 0x88A8 for the outer ones of several */
	unsigned int tags_n;
	unsigned int options; /* words of the IP header */
	unsigned int padding;
	uint16_t fragment;
	uint8_t protocol;	/* 0: UDP */
	uint16_t ethertype;	/* 0: IPv4 */
	int udp_more, ip_more; /* than the lengths that are true */
	uint8_t version;	/* 0: 4, and the header's true length */
	unsigned int cut;	/* bytes captured; 0: all */
};

static const uint8_t camera_mac[6] = { 0x02, 0, 0, 0, 0, 0x0C };

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint32_t n, payload;
};

static void put(struct frame *frame, uint32_t value, int n)
{
	for (int i = n - 1; i >= 0; i--)
		frame->bytes[frame->n++] = (uint8_t)(value >> 8 * i);
}

static void make(const struct sent *sent, struct frame *frame)
{
	const uint32_t udp = 8 + 4, header = 20 + 4 * sent->options;

	frame->n = 0;
	put(frame, 0x02000000, 4);
	put(frame, 0x00FE, 2);
	put(frame, 0x02000000, 4);
	put(frame, sent->mac_last ? sent->mac_last : 0x0C, 2);
	for (unsigned int i = 0; i < sent->tags_n; i++) {
		put(frame, i + 1 < sent->tags_n ? 0x88A8 : 0x8100, 2);
		put(frame, sent->tags[i], 2);
	}
	put(frame, sent->ethertype ? sent->ethertype : 0x0800, 2);
	put(frame, sent->version ? sent->version : 0x40 | header / 4, 1);
	put(frame, 0, 1);
	put(frame, (uint32_t)((int)(header + udp) + sent->ip_more), 2);
	put(frame, 0, 2);
	put(frame, sent->fragment, 2);
	put(frame, 64, 1);
	put(frame, sent->protocol ? sent->protocol : 17, 1);
	put(frame, 0, 2);
	put(frame, sent->from ? sent->from : CAMERA, 4);
	put(frame, sent->to ? sent->to : HOST, 4);
	for (unsigned int i = 0; i < sent->options; i++)
		put(frame, 0x01010101, 4);
	put(frame, sent->from_port ? sent->from_port : CAMERA_PORT, 2);
	put(frame, sent->to_port ? sent->to_port : PORT, 2);
	put(frame, (uint32_t)((int)udp + sent->udp_more), 2);
	put(frame, 0, 2);
	frame->payload = frame->n;
	put(frame, 0x61626364, 4);
	for (unsigned int i = 0; i < sent->padding; i++)
		put(frame, 0, 1);
}

/* Looks at a copy of exactly the captured bytes, so that the sanitizer sees a read past them. */
static enum sp_allow_verdict look(struct sp_allow *allow, const struct frame *frame,
				  uint32_t captured, int vlan, struct sp_packet_counters *counters,
				  struct sp_allowed *ret)
{
	uint8_t *copy = malloc(captured ? captured : 1);
	enum sp_allow_verdict verdict;

	CHECK(copy);
	memcpy(copy, frame->bytes, captured);
	verdict = sp_allow_look(allow, copy, captured, frame->n, vlan, counters, ret);
	free(copy);
	return verdict;
}

static uint64_t sum(const struct sp_packet_counters *counters)
{
	uint64_t all = 0;

	for (size_t i = 0; i < sp_packet_counter_table_n; i++)
		all += *(const uint64_t *)((const char *)counters + sp_packet_counter_table[i].offset);
	return all;
}

static void must_add(struct sp_allow *allow, const struct sp_packet_stream *stream)
{
	struct sp_err err;

	if (sp_allow_add(allow, stream, &err))
		FAIL("%s", err.text);
}

/* Stream 0, strict; 1: the same port, another camera, lenient; 2: any camera, in VLAN 7. */
static struct sp_allow *three_streams(void)
{
	struct sp_packet_stream strict = {
		.fd = -1,
		.host_port = PORT,
		.host_ip = HOST,
		.camera_ip = CAMERA,
		.camera_port = CAMERA_PORT,
		.vlan = SP_VLAN_UNTAGGED,
	};
	const struct sp_packet_stream lenient = {
		.fd = -1, .host_port = PORT, .camera_ip = OTHER_CAMERA
	};
	const struct sp_packet_stream anyone = { .fd = -1, .host_port = PORT + 1, .vlan = 7 };
	struct sp_allow *allow;

	memcpy(strict.camera_mac, camera_mac, 6);
	CHECK_EQ(sp_allow_create(&allow, NULL), 0);
	must_add(allow, &strict);
	must_add(allow, &lenient);
	must_add(allow, &anyone);
	return allow;
}

#define COUNTER(member) offsetof(struct sp_packet_counters, member)
#define NONE ((size_t)-1)

static const struct {
	const char *what;
	struct sent sent;
	int stripped; /* VLAN id that the card took off, plus 1; 0: it leaves tags */
	enum sp_allow_verdict verdict;
	size_t value; /* the stream, or the counter's offset, or NONE */
} cases[] = {
	{ "the camera's", { 0 }, 0, SP_ALLOW_STREAM, 0 },
	{ "options", { .options = 10 }, 0, SP_ALLOW_STREAM, 0 },
	{ "padding", { .padding = 18 }, 0, SP_ALLOW_STREAM, 0 },
	{ "a UDP length short of the IP packet", { .udp_more = -2 }, 0, SP_ALLOW_STREAM, 0 },
	{ "do not fragment", { .fragment = 0x4000 }, 0, SP_ALLOW_STREAM, 0 },
	{ "a tag for priority alone", { .tags = { 0xA000 }, .tags_n = 1 }, 0, SP_ALLOW_STREAM, 0 },
	{ "the same, taken off", { 0 }, 1, SP_ALLOW_STREAM, 0 },
	{ "another camera of the port", { .from = OTHER_CAMERA }, 0, SP_ALLOW_STREAM, 1 },
	{ "to any of our addresses", { .from = OTHER_CAMERA, .to = OTHER_HOST }, 0,
	  SP_ALLOW_STREAM, 1 },
	{ "any camera, in the VLAN", { .from = 5, .to_port = PORT + 1, .tags = { 7 }, .tags_n = 1 },
	  0, SP_ALLOW_STREAM, 2 },
	{ "priority beside the VLAN", { .to_port = PORT + 1, .tags = { 0xE007 }, .tags_n = 1 }, 0,
	  SP_ALLOW_STREAM, 2 },
	{ "the VLAN taken off", { .to_port = PORT + 1 }, 7 + 1, SP_ALLOW_STREAM, 2 },
	{ "a foreign address", { .from = 5 }, 0, SP_ALLOW_REFUSED, COUNTER(foreign) },
	{ "foreign in everything: the address",
	  { .from = 5, .mac_last = 1, .from_port = 9, .tags = { 9 }, .tags_n = 1 }, 0,
	  SP_ALLOW_REFUSED, COUNTER(foreign) },
	{ "foreign in all but the address: the MAC",
	  { .mac_last = 1, .from_port = 9, .tags = { 9 }, .tags_n = 1 }, 0, SP_ALLOW_REFUSED,
	  COUNTER(foreign_mac) },
	{ "foreign in port and VLAN: the port", { .from_port = 9, .tags = { 9 }, .tags_n = 1 }, 0,
	  SP_ALLOW_REFUSED, COUNTER(foreign_port) },
	{ "a VLAN where none is allowed", { .tags = { 9 }, .tags_n = 1 }, 0, SP_ALLOW_REFUSED,
	  COUNTER(foreign_vlan) },
	{ "the same, taken off", { 0 }, 9 + 1, SP_ALLOW_REFUSED, COUNTER(foreign_vlan) },
	{ "no VLAN where one is wanted", { .to_port = PORT + 1 }, 0, SP_ALLOW_REFUSED,
	  COUNTER(foreign_vlan) },
	{ "another VLAN", { .to_port = PORT + 1, .tags = { 8 }, .tags_n = 1 }, 0, SP_ALLOW_REFUSED,
	  COUNTER(foreign_vlan) },
	{ "QinQ, the VLAN inside", { .to_port = PORT + 1, .tags = { 8, 7 }, .tags_n = 2 }, 0,
	  SP_ALLOW_REFUSED, COUNTER(foreign_vlan) },
	{ "QinQ, the VLAN outside", { .to_port = PORT + 1, .tags = { 7, 8 }, .tags_n = 2 }, 0,
	  SP_ALLOW_REFUSED, COUNTER(foreign_vlan) },
	{ "QinQ, the outer one taken off", { .to_port = PORT + 1, .tags = { 7 }, .tags_n = 1 },
	  8 + 1, SP_ALLOW_REFUSED, COUNTER(foreign_vlan) },
	{ "QinQ where any VLAN is allowed", { .from = OTHER_CAMERA, .tags = { 8, 7 }, .tags_n = 2 },
	  0, SP_ALLOW_STREAM, 1 },
	{ "from the stream's port to no stream's", { .to_port = 1 }, 0, SP_ALLOW_REFUSED,
	  COUNTER(unknown_stream) },
	/* Stream 1 takes any host address, so its port is ours at all of them. */
	{ "to another host", { .to = OTHER_HOST }, 0, SP_ALLOW_REFUSED, COUNTER(foreign) },
	{ "the camera's answer", { .from_port = GVCP_PORT, .to_port = 1 }, 0, SP_ALLOW_OTHER, NONE },
	{ "anyone's to a port of nobody", { .from = 5, .to_port = 1 }, 0, SP_ALLOW_OTHER, NONE },
	{ "ARP", { .ethertype = 0x0806 }, 0, SP_ALLOW_OTHER, NONE },
	{ "IPv6", { .ethertype = 0x86DD }, 0, SP_ALLOW_OTHER, NONE },
	{ "TCP", { .protocol = 6 }, 0, SP_ALLOW_OTHER, NONE },
	{ "a first fragment", { .from = 5, .fragment = 0x2000 }, 0, SP_ALLOW_REFUSED,
	  COUNTER(fragments) },
	{ "a first fragment to nobody", { .to_port = 1, .fragment = 0x2000 }, 0, SP_ALLOW_OTHER,
	  NONE },
	{ "a later fragment", { .fragment = 0x0010 }, 0, SP_ALLOW_REFUSED, COUNTER(fragments) },
	{ "a stranger's later fragment", { .from = 5, .fragment = 0x0010 }, 0, SP_ALLOW_OTHER,
	  NONE },
	{ "a UDP length of 7", { .udp_more = -5 }, 0, SP_ALLOW_REFUSED, COUNTER(malformed) },
	{ "a UDP length past the IP packet", { .udp_more = 1, .padding = 9 }, 0, SP_ALLOW_REFUSED,
	  COUNTER(malformed) },
	{ "an IP length past the frame", { .ip_more = 1 }, 0, SP_ALLOW_REFUSED, COUNTER(malformed) },
	{ "an IP header of 16 bytes", { .version = 0x44 }, 0, SP_ALLOW_REFUSED, COUNTER(malformed) },
	{ "IP version 5", { .version = 0x55 }, 0, SP_ALLOW_REFUSED, COUNTER(malformed) },
	{ "five tags", { .tags = { 0 }, .tags_n = 5 }, 0, SP_ALLOW_REFUSED, COUNTER(malformed) },
	{ "captured up to the payload", { .cut = 42 }, 0, SP_ALLOW_STREAM, 0 },
	{ "captured short of the payload", { .cut = 41 }, 0, SP_ALLOW_REFUSED, COUNTER(truncated) },
};

TEST(every_verdict_has_its_counter)
{
	struct sp_allow *allow = three_streams();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_packet_counters counters = { 0 };
		struct sp_allowed allowed = { .stream = 77 };
		enum sp_allow_verdict verdict;
		struct frame frame;

		make(&cases[i].sent, &frame);
		verdict = look(allow, &frame, cases[i].sent.cut ? cases[i].sent.cut : frame.n,
			       cases[i].stripped - 1, &counters, &allowed);
		if (verdict != cases[i].verdict)
			FAIL("%s: verdict %d", cases[i].what, verdict);
		if (sum(&counters) != (verdict == SP_ALLOW_REFUSED))
			FAIL("%s: %llu counts", cases[i].what, (unsigned long long)sum(&counters));
		if (verdict == SP_ALLOW_REFUSED &&
		    *(uint64_t *)((char *)&counters + cases[i].value) != 1)
			FAIL("%s: another counter", cases[i].what);
		if (verdict != SP_ALLOW_STREAM) {
			CHECK_EQ(allowed.stream, 77);
			continue;
		}
		if (allowed.stream != cases[i].value)
			FAIL("%s: stream %u", cases[i].what, allowed.stream);
		CHECK_EQ(allowed.payload, frame.payload);
		CHECK_EQ(allowed.length, 4 + cases[i].sent.udp_more);
		CHECK_EQ(allowed.source_ip, cases[i].sent.from ? cases[i].sent.from : CAMERA);
	}
	sp_allow_destroy(allow);
}

/* However short the capture: refused or other, and no read past it. */
TEST(every_cut_is_refused)
{
	struct sp_allow *allow = three_streams();
	const struct sent sent = { .options = 3, .tags = { 0 }, .tags_n = 2 };
	struct sp_packet_counters counters = { 0 };
	struct sp_allowed allowed;
	struct frame frame;

	make(&sent, &frame);
	for (uint32_t captured = 0; captured < frame.payload; captured++)
		CHECK_EQ(look(allow, &frame, captured, -1, &counters, &allowed), SP_ALLOW_REFUSED);
	CHECK_EQ(counters.malformed + counters.truncated, frame.payload);
	CHECK_EQ(look(allow, &frame, frame.payload, -1, &counters, &allowed), SP_ALLOW_STREAM);
	sp_allow_destroy(allow);
}

TEST(what_cannot_be_allowed_is_told)
{
	struct sp_packet_stream stream = { .fd = -1, .host_port = PORT, .camera_ip = CAMERA };
	struct sp_allow *allow = three_streams();
	struct sp_err err = { "" };

	CHECK_EQ(sp_allow_add(allow, &stream, &err), -EEXIST);
	CHECK_STR(err.text, "allow-list: two streams to port 50000 from 10.0.0.1; give each a port "
			    "of its own");
	stream.host_port = 0;
	CHECK_EQ(sp_allow_add(allow, &stream, &err), -EINVAL);
	stream.host_port = PORT + 2;
	stream.vlan = 4095;
	CHECK_EQ(sp_allow_add(allow, &stream, &err), -EINVAL);
	stream.vlan = 4094;
	stream.camera_mac[0] = 0x01;
	CHECK_EQ(sp_allow_add(allow, &stream, &err), -EINVAL);
	stream.camera_mac[0] = 0x02;
	for (uint16_t i = 3; i < SP_ALLOW_STREAMS_MAX; i++, stream.host_port++)
		must_add(allow, &stream);
	CHECK_EQ(sp_allow_add(allow, &stream, &err), -ENOSPC);
	sp_allow_destroy(allow);
}

/* ---- by seed, against a plain loop ---- */

enum { ROUNDS = 12, PACKETS = 4000 };

static uint64_t seed_of_tests(uint64_t seed)
{
	const char *text = getenv("SP_TEST_SEED");

	if (text)
		seed = strtoull(text, NULL, 0);
	printf("# seed %" PRIu64 "\n", seed);
	return seed;
}

/* Few values, so that packets meet streams in some of their marks and differ in others. */
static struct sp_packet_stream random_stream(uint64_t *random, uint16_t spread)
{
	static const uint16_t vlans[] = { 0, 0, SP_VLAN_UNTAGGED, 7, 8 };
	struct sp_packet_stream stream = {
		.fd = -1,
		.host_port = (uint16_t)(PORT + sp_random_next(random) % spread),
		.host_ip = sp_random_next(random) % 3 ? 0 : HOST + sp_random_next(random) % 2,
		.camera_ip = (uint32_t)(sp_random_next(random) % (spread + 1u)),
		.camera_port = (uint16_t)(sp_random_next(random) % 3),
		.vlan = vlans[sp_random_next(random) % 5],
	};

	if (sp_random_next(random) % 2) {
		memcpy(stream.camera_mac, camera_mac, 6);
		stream.camera_mac[5] = (uint8_t)(1 + sp_random_next(random) % 2);
	}
	return stream;
}

static struct sent random_sent(uint64_t *random, uint16_t spread)
{
	struct sent sent = {
		.from = (uint32_t)(1 + sp_random_next(random) % (spread + 1u)),
		.to = (uint32_t)(HOST + sp_random_next(random) % 2),
		.from_port = (uint16_t)(1 + sp_random_next(random) % 2),
		.to_port = (uint16_t)(PORT + sp_random_next(random) % (spread + 1u)),
		.mac_last = (uint8_t)(1 + sp_random_next(random) % 2),
		.tags_n = sp_random_next(random) % 3,
		.options = sp_random_next(random) % 8 ? 0 : 2,
	};

	for (unsigned int i = 0; i < sent.tags_n; i++)
		sent.tags[i] = (uint16_t)(sp_random_next(random) % 2 * 7);
	return sent;
}

/* The VLAN of what was sent: 0 for none, -1 for several. */
static int vlan_of(const struct sent *sent)
{
	int vlan = 0;

	for (unsigned int i = 0; i < sent->tags_n; i++)
		vlan = !sent->tags[i] ? vlan : vlan ? -1 : sent->tags[i];
	return vlan;
}

/* The contract read aloud: the stream, or -1 with *ret_counter the counter's offset or NONE. */
static int plainly(const struct sp_packet_stream *streams, uint32_t n, const struct sent *sent,
		   size_t *ret_counter)
{
	int found = -1, anyone = -1;
	bool ours = false, stray = false;
	const struct sp_packet_stream *s;
	static const uint8_t no_mac[6];

	for (uint32_t i = 0; i < n; i++) {
		s = &streams[i];
		stray |= s->camera_ip == sent->from && s->camera_port == sent->from_port;
		if (s->host_port != sent->to_port || (s->host_ip && s->host_ip != sent->to))
			continue;
		ours = true;
		if (s->camera_ip == sent->from)
			found = (int)i;
		else if (!s->camera_ip)
			anyone = (int)i;
	}
	found = found < 0 ? anyone : found;
	if (found < 0) {
		*ret_counter = ours ? COUNTER(foreign) : stray ? COUNTER(unknown_stream) : NONE;
		return -1;
	}
	s = &streams[found];
	if (memcmp(s->camera_mac, no_mac, 6) && s->camera_mac[5] != sent->mac_last)
		*ret_counter = COUNTER(foreign_mac);
	else if (s->camera_port && s->camera_port != sent->from_port)
		*ret_counter = COUNTER(foreign_port);
	else if (s->vlan && vlan_of(sent) != (s->vlan == SP_VLAN_UNTAGGED ? 0 : s->vlan))
		*ret_counter = COUNTER(foreign_vlan);
	else
		return found;
	return -1;
}

static void one_packet(struct sp_allow *allow, const struct sp_packet_stream *streams,
		       uint32_t n, const struct sent *sent)
{
	struct sp_packet_counters counters = { 0 };
	struct sp_allowed allowed = { 0 };
	enum sp_allow_verdict verdict;
	size_t counter = NONE;
	struct frame frame;
	int stream = plainly(streams, n, sent, &counter);

	make(sent, &frame);
	/* make() writes its own MAC address for 0x0C alone. */
	verdict = sp_allow_look(allow, frame.bytes, frame.n, frame.n, -1, &counters, &allowed);
	CHECK_EQ(verdict, stream >= 0 ? SP_ALLOW_STREAM :
			  counter == NONE ? SP_ALLOW_OTHER : SP_ALLOW_REFUSED);
	if (stream >= 0)
		CHECK_EQ(allowed.stream, stream);
	CHECK_EQ(sum(&counters), verdict == SP_ALLOW_REFUSED);
	if (verdict == SP_ALLOW_REFUSED)
		CHECK_EQ(*(uint64_t *)((char *)&counters + counter), 1);
}

/* Whoever was let in is looked at again: a changed byte has the verdict that a stranger's has. */
TEST(familiar_senders_have_no_privilege)
{
	static const uint8_t changes[] = { 1, 0x0F, 0x20, 0x80, 0xFF };
	const struct sp_packet_stream stream = { -1, PORT, HOST, CAMERA, CAMERA_PORT,
						 { 0x02, 0, 0, 0, 0, 0x0C }, SP_VLAN_UNTAGGED };
	struct sp_packet_counters first, again;
	struct sp_allow *strict, *familiar;
	struct sp_allowed a, b;
	struct frame good;
	struct sp_err err;

	make(&(struct sent){ .padding = 4 }, &good);
	if (sp_allow_create(&familiar, &err))
		FAIL("%s", err.text);
	must_add(familiar, &stream);
	for (uint32_t at = 0; at < good.payload; at++) {
		for (size_t i = 0; i < sizeof(changes); i++) {
			struct frame changed = good;
			enum sp_allow_verdict verdict;

			changed.bytes[at] ^= changes[i];
			if (sp_allow_create(&strict, &err))
				FAIL("%s", err.text);
			must_add(strict, &stream);
			memset(&first, 0, sizeof(first));
			memset(&again, 0, sizeof(again));
			CHECK_EQ(look(familiar, &good, good.n, -1, &again, &b), SP_ALLOW_STREAM);
			verdict = look(strict, &changed, good.n, -1, &first, &a);
			CHECK_EQ(look(familiar, &changed, good.n, -1, &again, &b), verdict);
			CHECK(!memcmp(&first, &again, sizeof(first)));
			if (verdict == SP_ALLOW_STREAM)
				CHECK(!memcmp(&a, &b, sizeof(a)));
			sp_allow_destroy(strict);
		}
	}
	memset(&again, 0, sizeof(again));
	CHECK_EQ(look(familiar, &good, good.n, 7, &again, &b), SP_ALLOW_REFUSED);
	CHECK_EQ(again.foreign_vlan, 1);
	CHECK_EQ(look(familiar, &good, good.payload - 1, -1, &again, &b), SP_ALLOW_REFUSED);
	sp_allow_destroy(familiar);
}

TEST(a_table_finds_what_a_loop_finds)
{
	static struct sp_packet_stream streams[SP_ALLOW_STREAMS_MAX];
	uint64_t random = seed_of_tests(1), found = 0;

	for (int round = 0; round < ROUNDS; round++) {
		const uint16_t spread = (uint16_t)(2 + round * 6);
		struct sp_allow *allow;
		uint32_t n = 0;

		CHECK_EQ(sp_allow_create(&allow, NULL), 0);
		for (int i = 0; i < SP_ALLOW_STREAMS_MAX; i++) {
			streams[n] = random_stream(&random, spread);
			n += !sp_allow_add(allow, &streams[n], NULL);
		}
		CHECK(n >= 4);
		found += n;
		for (int i = 0; i < PACKETS; i++) {
			const struct sent sent = random_sent(&random, spread);

			one_packet(allow, streams, n, &sent);
		}
		sp_allow_destroy(allow);
	}
	CHECK(found > 1500);
}

/* ---- cost ---- */

enum { BATCH = 512, BATCHES = 400 };

/* With room for sanitizers and a busy machine; a search through the streams is far off both. */
TEST(a_look_is_quick_whatever_the_number_of_streams)
{
	static uint8_t frames[BATCH][64];
	double ns[2];

	for (int full = 0; full < 2; full++) {
		const uint32_t n = full ? SP_ALLOW_STREAMS_MAX : 1;
		struct sp_packet_counters counters = { 0 };
		uint64_t best = UINT64_MAX, bytes = 0;
		struct sp_allowed allowed;
		struct sp_allow *allow;

		CHECK_EQ(sp_allow_create(&allow, NULL), 0);
		for (uint32_t i = 0; i < n; i++) {
			struct sp_packet_stream stream = {
				.fd = -1,
				.host_port = (uint16_t)(PORT + i),
				.camera_ip = CAMERA + i,
				.host_ip = HOST,
				.camera_port = CAMERA_PORT,
				.vlan = SP_VLAN_UNTAGGED,
			};

			memcpy(stream.camera_mac, camera_mac, 6);
			must_add(allow, &stream);
		}
		for (uint32_t i = 0; i < BATCH; i++) {
			const struct sent sent = {
				.from = CAMERA + i % n,
				.to_port = (uint16_t)(PORT + i % n),
			};
			struct frame frame;

			make(&sent, &frame);
			memcpy(frames[i], frame.bytes, 64);
		}
		for (int batch = 0; batch < BATCHES; batch++) {
			uint64_t start = sp_clock_now(), took;

			for (uint32_t i = 0; i < BATCH; i++) {
				allowed.length = 0;
				sp_allow_look(allow, frames[i], 64, 64, -1, &counters, &allowed);
				bytes += allowed.length;
			}
			took = sp_clock_now() - start;
			best = took < best ? took : best;
		}
		CHECK_EQ(bytes, 4ull * BATCH * BATCHES);
		ns[full] = (double)best / BATCH;
		sp_allow_destroy(allow);
	}
	printf("# a look: %.1f ns with 1 stream, %.1f ns with %d\n", ns[0], ns[1],
	       SP_ALLOW_STREAMS_MAX);
	CHECK(ns[1] < 200 && ns[1] < 4 * ns[0]);
}

TEST_MAIN()
