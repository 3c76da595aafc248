/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PORT: where frames come from. Implementations: gvsp.c (packet source + assembler on a capture
 * thread); later v4l2.c.
 *
 * Threads: open, close, add_stream, start, stop: main. get, put: the one consumer thread.
 * take_resends: the one resend thread. counters: any thread.
 */
#ifndef SP_FRAME_FRAME_SOURCE_H
#define SP_FRAME_FRAME_SOURCE_H

#include <stdint.h>

#include "frame/frame.h"
#include "frame/ledger.h"

struct sp_event;
struct sp_frame_source;
struct sp_packet_source;

/* What a stream is expected to be; limits come from here, never from a packet. */
struct sp_stream_config {
	uint16_t lane, camera;
	uint32_t camera_ip;	/* host order; others are refused. 0: any (replay) */
	/* The rest of who may send, as in struct sp_packet_stream; 0: any. */
	uint16_t camera_port, vlan;
	uint8_t camera_mac[6];
	uint32_t host_ip;
	uint16_t host_port;	/* UDP port that the camera sends to, bound by `fd` */
	int fd;			/* the stream's UDP socket; the caller owns it. -1: none (replay) */
	/*
	 * Bytes in every payload packet but the last: SCPS - 36. Packets of a camera that uses
	 * extended headers, asked or unasked, are as long and carry 12 bytes less.
	 */
	uint32_t packet_payload;
	uint32_t pixel_format, width, height; /* expected image, also the budget of one block */
	uint32_t extra_bytes;	/* budget of what comes with the image: chunk data, further parts */
	uint32_t frames;	/* credit: frames that may exist at once, open or handed over */
	uint64_t gap_ns;	/* younger gaps may be reordering; older ones are asked for */
	uint64_t packet_timeout_ns; /* so long is an answer waited for before asking again */
	uint64_t retention_ns;	/* a block with no packet for this long is closed as it is */
	uint32_t resend_tries;	/* 0: never ask */
};

/* Payload packets [first, last] of a block, counted as packet ids on the wire (0 = leader). */
struct sp_resend_request {
	uint32_t stream;
	uint64_t block_id;
	uint32_t first, last;
	bool extended; /* 64-bit block ids in use on this stream */
};

struct sp_frame_source_ops {
	const char *name;
	void (*close)(struct sp_frame_source *source);
	/* Before start. Returns the stream's index, or -errno with @err filled. */
	int (*add_stream)(struct sp_frame_source *source, const struct sp_stream_config *config,
			  struct sp_err *err);
	/* After this no memory is taken. */
	int (*start)(struct sp_frame_source *source, struct sp_err *err);
	/*
	 * Ends the capture thread and closes every open block; frames can still be taken and must
	 * still be put back. Afterwards the counters are final and add up. close does this first if
	 * need be.
	 */
	void (*stop)(struct sp_frame_source *source);
	/* Moves up to @max frames to the caller, oldest first; returns how many. Never waits. */
	unsigned int (*get)(struct sp_frame_source *source, struct sp_frame **frames,
			    unsigned int max);
	void (*put)(struct sp_frame_source *source, struct sp_frame *frame);
	/* Optional. Returns how many requests were taken. Never waits. */
	unsigned int (*take_resends)(struct sp_frame_source *source,
				     struct sp_resend_request *requests, unsigned int max);
	/* The live counters of a stream; NULL past the last, and before start. */
	const struct sp_stream_counters *(*counters)(const struct sp_frame_source *source,
						     unsigned int stream);
};

/* Every implementation's struct begins with this. */
struct sp_frame_source {
	const struct sp_frame_source_ops *ops;
};

/* frame/gvsp.c: takes the packet source over (closes it with itself). */
struct sp_gvsp_source_config {
	struct sp_packet_source *packets;
	int cpu;		  /* to pin the capture thread to, or -1 */
	struct sp_event *frames;  /* signalled when frames wait for get; may be NULL */
	struct sp_event *resends; /* signalled when requests wait; may be NULL */
};

int sp_gvsp_source_open(const struct sp_gvsp_source_config *config,
			struct sp_frame_source **ret_source, struct sp_err *err);

/* True once a replaying packet source has given all and every block is closed. Any thread. */
bool sp_gvsp_source_ended(const struct sp_frame_source *source);

/*
 * 0, or the -errno with which the packet source broke: every block is closed and no more frames
 * come, until another source is opened. Logged once; `frames` is signalled. Any thread.
 */
int sp_gvsp_source_failed(const struct sp_frame_source *source);

#endif
