/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may send to us: the allow-list of a source that sees whole Ethernet frames. Bytes of a frame
 * in, its stream and the bounds of its UDP payload out, or the counter of what is wrong with it.
 * What a card filters is checked here again: rules can be missing, partial or full.
 *
 * Pure; add before the capture thread runs, look from that thread.
 */
#ifndef SP_CAPTURE_ALLOW_H
#define SP_CAPTURE_ALLOW_H

#include <stdint.h>

#include "capture/packet_source.h"

struct sp_datagram;
struct sp_err;

enum { SP_ALLOW_STREAMS_MAX = 512 };

struct sp_allow; /* a table from UDP port and address to stream, open addressing */

/*
 * Which stream a datagram is of: the one of its host port, host address and camera address, or else
 * of its host port and host address with any camera. Then MAC address, camera port and VLAN must be
 * the stream's. A stream with a VLAN takes packets that have this tag and no other;
 * SP_VLAN_UNTAGGED takes those without a tag, or with one for priority alone (id 0).
 */
enum sp_allow_verdict {
	SP_ALLOW_STREAM,  /* one of ours: *ret is filled */
	SP_ALLOW_REFUSED, /* to one of our ports and not allowed, or nobody's; counted */
	SP_ALLOW_OTHER,	  /* no stream's: for the kernel, if there is a way to it; not counted */
};

struct sp_allowed {
	uint32_t stream;
	uint32_t source_ip; /* host order */
	uint32_t payload;   /* of the UDP payload, bytes from the frame's begin */
	uint32_t length;    /* of the UDP payload, bytes, as the UDP header says */
};

int sp_allow_create(struct sp_allow **ret_allow, struct sp_err *err);
void sp_allow_destroy(struct sp_allow *allow);

/*
 * Streams are numbered 0, 1, … in the order of the calls. Two of one host port must differ in the
 * camera's address. 0, or -EEXIST, -ENOSPC, -EINVAL with @err filled.
 */
int sp_allow_add(struct sp_allow *allow, const struct sp_packet_stream *stream, struct sp_err *err);

/*
 * @captured bytes at @frame of an Ethernet frame of @wire bytes; @vlan: a tag that the card took
 * off (its id), or -1 where it leaves tags in place. Reads headers only: @captured may end anywhere
 * behind the UDP header. *ret is filled for a stream. What is refused is counted in @counters:
 *	foreign, foreign_mac, foreign_port, foreign_vlan  to a stream's port, not from its camera
 *	unknown_stream  from a camera and the port that its stream is sent from, to another port
 *	fragments       the first to a stream's port, later ones from a camera
 *	truncated       @captured ends in the headers
 *	malformed       IP or UDP lengths that contradict each other, whoever sent it
 */
enum sp_allow_verdict sp_allow_look(struct sp_allow *allow, const uint8_t *frame,
				    uint32_t captured, uint32_t wire, int vlan,
				    struct sp_packet_counters *counters, struct sp_allowed *ret);

/*
 * The same for a datagram whose headers are read. Without an Ethernet header (source_mac NULL) MAC
 * address and VLAN are not looked at. *ret_stream is filled for a stream.
 */
enum sp_allow_verdict sp_allow_datagram(const struct sp_allow *allow,
					const struct sp_datagram *datagram,
					struct sp_packet_counters *counters, uint32_t *ret_stream);

#endif
