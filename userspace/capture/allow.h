/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may send to us: the allow-list of a source that sees whole Ethernet frames. Bytes of a frame
 * in, its stream and the bounds of its UDP payload out, or the counter of what is wrong with it. What
 * a card filters is checked here again: rules can be missing, partial or full.
 *
 * Pure; add before the capture thread runs, look from that thread.
 */
#ifndef SP_CAPTURE_ALLOW_H
#define SP_CAPTURE_ALLOW_H

#include <stdint.h>

#include "capture/packet_source.h"

struct sp_err;

enum { SP_ALLOW_STREAMS_MAX = 512 };

struct sp_allow; /* a table from UDP port and address to stream, open addressing */

enum sp_allow_verdict {
	SP_ALLOW_STREAM,  /* one of ours: *ret is filled */
	SP_ALLOW_REFUSED, /* to one of our ports, and not allowed; counted */
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
 * @captured bytes at @frame of an Ethernet frame of @wire bytes; @vlan: a tag that the card took off
 * (its id), or -1 where it leaves tags in place. Reads headers only: @captured may end anywhere
 * behind the UDP header. What is refused is counted in @counters: foreign…, unknown_stream (a
 * camera's address, another port), fragments, malformed.
 */
enum sp_allow_verdict sp_allow_look(const struct sp_allow *allow, const uint8_t *frame,
				    uint32_t captured, uint32_t wire, int vlan,
				    struct sp_packet_counters *counters, struct sp_allowed *ret);

#endif
