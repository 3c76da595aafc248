/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/allow.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/be.h"
#include "base/diag.h"
#include "base/le.h"
#include "capture/datagram.h"

/* What a key of the table is about. A slot of 0 is empty. */
enum key_kind {
	KEY_STREAM = 1, /* host port and camera address (0: any): which stream */
	KEY_TO,		/* host port and host address (0: any): some stream's */
	KEY_FROM,	/* camera port and camera address: some stream's */
	KEY_CAMERA,	/* camera address: some stream's */
};

/*
 * A slot: address in bits 0 … 31, port 32 … 47, kind 48 … 50, stream from 51 on. Every stream has
 * four keys at most, so that a quarter of the slots is used when the table is full.
 */
enum { SLOTS_LOG2 = 13, SLOTS = 1 << SLOTS_LOG2, PORT_AT = 32, KIND_AT = 48, STREAM_AT = 51 };

#define KEY_MASK ((1ull << STREAM_AT) - 1)

_Static_assert(SLOTS >= 4 * 4 * SP_ALLOW_STREAMS_MAX, "a table that is a quarter full");
_Static_assert(SP_ALLOW_STREAMS_MAX <= 1 << (64 - STREAM_AT), "streams fit beside their keys");

/* What is compared once the stream is known. */
struct rule {
	uint64_t mac; /* as the packet has its bytes; 0: any */
	uint32_t host_ip;
	uint16_t camera_port;
	uint16_t vlan;
};

/*
 * A sender that was let in, by its headers: a packet with the same ones, plain Ethernet and IPv4
 * without options, needs neither parser nor table. Nearly every packet is such a one.
 */
enum {
	FAMILIARS_LOG2 = 10,
	HEADERS_AT = 6, /* source MAC and type, then IP and ports: four words of 8 bytes */
	HEADERS = 4,
	IP_AT = 14,
	TOTAL_AT = 16,
	SOURCE_AT = 26,
	PORTS_AT = 34,
	LENGTH_AT = 38,
	PAYLOAD_AT = 42,
	PLAIN_IP = 0x45, /* version 4, no options */
	IP_BYTES = 20,
	UDP_BYTES = 8,
};

struct familiar {
	_Alignas(64) uint64_t headers[HEADERS]; /* masked; all 0: nobody */
	uint32_t stream;
	uint32_t source_ip; /* host order */
	int vlan; /* as the card took it off */
};

/* What of each word is alike in all packets of a sender. */
static const uint8_t alike[HEADERS * 8] = {
	255, 255, 255, 255, 255, 255, 255, 255, /* source MAC, type */
	255, 0,	  0,   0,   0,	 0,   63,  255, /* version, not length and id; no fragment */
	0,   255, 0,   0,   255, 255, 255, 255, /* protocol, not checksum; source IP */
	255, 255, 255, 255, 255, 255, 255, 255, /* destination IP, ports */
};

struct sp_allow {
	uint64_t slots[SLOTS];
	struct familiar familiars[1 << FAMILIARS_LOG2];
	struct rule rules[SP_ALLOW_STREAMS_MAX];
	uint32_t streams_n;
};

static uint64_t key_of(enum key_kind kind, uint16_t port, uint32_t ip)
{
	return (uint64_t)kind << KIND_AT | (uint64_t)port << PORT_AT | ip;
}

/* The slot that has @key, or the empty one where it belongs. */
static uint32_t slot_of(const struct sp_allow *allow, uint64_t key)
{
	/* Fibonacci hashing: the upper bits of a product with 2^64 / golden ratio. */
	uint32_t i = (uint32_t)((key * 0x9E3779B97F4A7C15ull) >> (64 - SLOTS_LOG2));

	while (allow->slots[i] && (allow->slots[i] & KEY_MASK) != key)
		i = (i + 1) % SLOTS;
	return i;
}

static bool has(const struct sp_allow *allow, uint64_t key)
{
	return allow->slots[slot_of(allow, key)];
}

static void put(struct sp_allow *allow, uint64_t key, uint32_t stream)
{
	allow->slots[slot_of(allow, key)] = (uint64_t)stream << STREAM_AT | key;
}

static uint64_t mac_of(const uint8_t *bytes)
{
	return (uint64_t)sp_le16_get(bytes + 4) << 32 | sp_le32_get(bytes);
}

/* Its place among the familiar senders: of some hundred, few share one. */
static struct familiar *place_of(struct sp_allow *allow, const uint8_t *frame)
{
	uint64_t key = (uint64_t)sp_le32_get(frame + PORTS_AT) << 32 | sp_le32_get(frame + SOURCE_AT);

	return &allow->familiars[(key * 0x9E3779B97F4A7C15ull) >> (64 - FAMILIARS_LOG2)];
}

/* Word @i of the headers, as far as it is alike in all packets of a sender. */
static uint64_t header(const uint8_t *frame, int i)
{
	return sp_le64_get(frame + HEADERS_AT + 8 * i) & sp_le64_get(alike + 8 * i);
}

/* Whether the frame is a familiar sender's and its lengths agree; all else takes the long way. */
static bool is_familiar(struct sp_allow *allow, const uint8_t *frame, uint32_t captured,
			uint32_t wire, int vlan, struct sp_allowed *ret)
{
	const struct familiar *familiar;
	uint32_t total, length;
	uint64_t differs = 0;

	if (captured < PAYLOAD_AT || wire < captured)
		return false;
	familiar = place_of(allow, frame);
	for (int i = 0; i < HEADERS; i++)
		differs |= header(frame, i) ^ familiar->headers[i];
	total = sp_be16_get(frame + TOTAL_AT);
	length = sp_be16_get(frame + LENGTH_AT);
	if (differs || familiar->vlan != vlan || length < UDP_BYTES ||
	    total != length + IP_BYTES || total > wire - IP_AT)
		return false;
	*ret = (struct sp_allowed){
		.stream = familiar->stream,
		.source_ip = familiar->source_ip,
		.payload = PAYLOAD_AT,
		.length = length - UDP_BYTES,
	};
	return true;
}

/* The sender of a frame that was let in, if its headers are the plain ones. */
static void remember(struct sp_allow *allow, const uint8_t *frame, int vlan,
		     const struct sp_allowed *allowed)
{
	struct familiar *familiar = place_of(allow, frame);

	if (allowed->payload != PAYLOAD_AT || frame[IP_AT] != PLAIN_IP)
		return;
	for (int i = 0; i < HEADERS; i++)
		familiar->headers[i] = header(frame, i);
	familiar->stream = allowed->stream;
	familiar->source_ip = allowed->source_ip;
	familiar->vlan = vlan;
}

int sp_allow_create(struct sp_allow **ret_allow, struct sp_err *err)
{
	struct sp_allow *allow = aligned_alloc(_Alignof(struct sp_allow), sizeof(*allow));

	if (!allow)
		return sp_err_set(err, -ENOMEM, "allow-list: no memory; close other programs");
	memset(allow, 0, sizeof(*allow));
	*ret_allow = allow;
	return 0;
}

void sp_allow_destroy(struct sp_allow *allow)
{
	free(allow);
}

static int check(const struct sp_allow *allow, const struct sp_packet_stream *stream,
		 struct sp_err *err)
{
	if (!stream->host_port)
		return sp_err_set(err, -EINVAL,
				  "allow-list: stream %u has no host port; give 1 to 65535",
				  allow->streams_n);
	if (stream->vlan != SP_VLAN_UNTAGGED && stream->vlan > 4094)
		return sp_err_set(err, -EINVAL,
				  "allow-list: port %u: VLAN %u; 1 to 4094 are possible",
				  stream->host_port, stream->vlan);
	if (stream->camera_mac[0] & 1)
		return sp_err_set(err, -EINVAL,
				  "allow-list: port %u: %02x:%02x:%02x:%02x:%02x:%02x is a group's "
				  "MAC address and sends nothing; give the camera's",
				  stream->host_port, stream->camera_mac[0], stream->camera_mac[1],
				  stream->camera_mac[2], stream->camera_mac[3],
				  stream->camera_mac[4], stream->camera_mac[5]);
	if (allow->streams_n == SP_ALLOW_STREAMS_MAX)
		return sp_err_set(err, -ENOSPC,
				  "allow-list: more than %d streams on one queue; use more queues",
				  SP_ALLOW_STREAMS_MAX);
	return 0;
}

int sp_allow_add(struct sp_allow *allow, const struct sp_packet_stream *stream, struct sp_err *err)
{
	uint64_t key = key_of(KEY_STREAM, stream->host_port, stream->camera_ip);
	int error = check(allow, stream, err);

	if (error)
		return error;
	if (has(allow, key))
		return sp_err_set(err, -EEXIST,
				  "allow-list: two streams to port %u from %u.%u.%u.%u; give each "
				  "a port of its own",
				  stream->host_port, stream->camera_ip >> 24,
				  stream->camera_ip >> 16 & 255, stream->camera_ip >> 8 & 255,
				  stream->camera_ip & 255);
	/* Who was let in by a stream for any camera may have one of its own now. */
	memset(allow->familiars, 0, sizeof(allow->familiars));
	put(allow, key, allow->streams_n);
	put(allow, key_of(KEY_TO, stream->host_port, stream->host_ip), 0);
	if (stream->camera_ip)
		put(allow, key_of(KEY_CAMERA, 0, stream->camera_ip), 0);
	if (stream->camera_ip && stream->camera_port)
		put(allow, key_of(KEY_FROM, stream->camera_port, stream->camera_ip), 0);
	allow->rules[allow->streams_n++] = (struct rule){
		.mac = mac_of(stream->camera_mac),
		.host_ip = stream->host_ip,
		.camera_port = stream->camera_port,
		.vlan = stream->vlan,
	};
	return 0;
}

/* The stream to which @datagram goes by @camera_ip, or NULL. */
static const struct rule *find(const struct sp_allow *allow, const struct sp_datagram *datagram,
			       uint32_t camera_ip)
{
	uint64_t key = key_of(KEY_STREAM, datagram->host_port, camera_ip);
	uint64_t slot = allow->slots[slot_of(allow, key)];
	const struct rule *rule = &allow->rules[slot >> STREAM_AT];

	if (!slot || (rule->host_ip && rule->host_ip != datagram->host_ip))
		return NULL;
	return rule;
}

static bool is_to_us(const struct sp_allow *allow, const struct sp_datagram *datagram)
{
	return has(allow, key_of(KEY_TO, datagram->host_port, datagram->host_ip)) ||
	       has(allow, key_of(KEY_TO, datagram->host_port, 0));
}

static bool is_in_vlan(const struct rule *rule, uint16_t vlan)
{
	if (!rule->vlan)
		return true;
	return vlan == (rule->vlan == SP_VLAN_UNTAGGED ? 0 : rule->vlan);
}

/* The counter of what differs first, or NULL. */
static uint64_t *compare(const struct rule *rule, const struct sp_datagram *datagram,
			 struct sp_packet_counters *counters)
{
	const uint8_t *mac = datagram->source_mac;

	if (mac && rule->mac && rule->mac != mac_of(mac))
		return &counters->foreign_mac;
	if (rule->camera_port && rule->camera_port != datagram->source_port)
		return &counters->foreign_port;
	if (mac && !is_in_vlan(rule, datagram->vlan))
		return &counters->foreign_vlan;
	return NULL;
}

static enum sp_allow_verdict refuse(uint64_t *reason)
{
	sp_count(reason, 1);
	return SP_ALLOW_REFUSED;
}

enum sp_allow_verdict sp_allow_datagram(const struct sp_allow *allow,
					const struct sp_datagram *datagram,
					struct sp_packet_counters *counters, uint32_t *ret_stream)
{
	const struct rule *rule = find(allow, datagram, datagram->source_ip);
	uint64_t *reason;

	if (!rule)
		rule = find(allow, datagram, 0);
	if (!rule && is_to_us(allow, datagram))
		return refuse(&counters->foreign);
	if (!rule) {
		/* By the port that it is sent from a stream is told from a camera's answers. */
		if (has(allow, key_of(KEY_FROM, datagram->source_port, datagram->source_ip)))
			return refuse(&counters->unknown_stream);
		return SP_ALLOW_OTHER;
	}
	reason = compare(rule, datagram, counters);
	if (reason)
		return refuse(reason);
	*ret_stream = (uint32_t)(rule - allow->rules);
	return SP_ALLOW_STREAM;
}

/* Only the first fragment has ports; the others are a camera's by their address. */
static bool is_fragment_to_us(const struct sp_allow *allow, const struct sp_datagram *datagram)
{
	return datagram->host_port ? is_to_us(allow, datagram) :
				     has(allow, key_of(KEY_CAMERA, 0, datagram->source_ip));
}

/* Out of the short way's line: it would cost that its registers. */
__attribute__((noinline)) static enum sp_allow_verdict
look_closely(struct sp_allow *allow, const uint8_t *frame, uint32_t captured, uint32_t wire,
	     int vlan, struct sp_packet_counters *counters, struct sp_allowed *ret)
{
	struct sp_datagram datagram;
	enum sp_allow_verdict verdict;
	uint32_t stream;

	switch (sp_datagram_headers(SP_LINK_ETHERNET, frame, captured, wire, &datagram)) {
	case SP_DATAGRAM_UDP:
		break;
	case SP_DATAGRAM_OTHER:
		return SP_ALLOW_OTHER;
	case SP_DATAGRAM_FRAGMENT:
		return is_fragment_to_us(allow, &datagram) ? refuse(&counters->fragments) :
							     SP_ALLOW_OTHER;
	case SP_DATAGRAM_CUT:
		return refuse(&counters->truncated);
	case SP_DATAGRAM_MALFORMED:
		/* Nobody can tell whose it is, and the kernel would drop it too. */
		return refuse(&counters->malformed);
	}
	if (vlan >= 0)
		datagram.vlan = sp_datagram_add_tag(datagram.vlan, (uint16_t)vlan);
	verdict = sp_allow_datagram(allow, &datagram, counters, &stream);
	if (verdict != SP_ALLOW_STREAM)
		return verdict;
	ret->stream = stream;
	ret->source_ip = datagram.source_ip;
	ret->payload = datagram.payload;
	ret->length = datagram.length;
	remember(allow, frame, vlan, ret);
	return SP_ALLOW_STREAM;
}

enum sp_allow_verdict sp_allow_look(struct sp_allow *allow, const uint8_t *frame,
				    uint32_t captured, uint32_t wire, int vlan,
				    struct sp_packet_counters *counters, struct sp_allowed *ret)
{
	if (is_familiar(allow, frame, captured, wire, vlan, ret))
		return SP_ALLOW_STREAM;
	return look_closely(allow, frame, captured, wire, vlan, counters, ret);
}
