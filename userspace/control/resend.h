/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resend thread: takes the assembler's requests from a frame source, spends a budget of packets
 * on them and sends PACKETRESEND to the cameras. It leaves from the stream's own socket, as cameras
 * expect, needs no control and never waits; libaravis has no part in it.
 *
 * Two buckets bound what is asked for: the stream's, so that a camera with a bad link is not asked
 * for more than it can send, and the port's, which all streams share, so that resends never crowd
 * out the images themselves. A request is cut to what both still hold; the rest counts as refused,
 * and the assembler asks anew when it still wants it.
 *
 * Threads: create, start, stop, destroy: main. counters: any thread. The source and the sockets
 * must outlive the thread: stop before closing them.
 */
#ifndef SP_CONTROL_RESEND_H
#define SP_CONTROL_RESEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"
#include "control/bucket.h"

struct sp_err;
struct sp_event;
struct sp_frame_source;
struct sp_resend;

struct sp_resend_stream {
	int fd;		    /* the stream's UDP socket; the caller owns it */
	uint32_t camera_ip; /* host order */
	uint16_t channel;   /* of the camera's stream channels; 0 as a rule */
	struct sp_bucket_config budget; /* packets a second, packets at once */
};

struct sp_resend_config {
	struct sp_frame_source *source; /* must have take_resends */
	struct sp_event *wake;		/* what the source signals when requests wait */
	struct sp_bucket_config budget; /* the port's */
	int cpu;			/* to pin the thread to, or -1 */
};

struct sp_resend_counters {
	uint64_t requests;	  /* PACKETRESEND commands sent */
	uint64_t packets;	  /* packets asked for in them */
	uint64_t refused_packets; /* packets not asked for, for want of budget */
	uint64_t unsendable;	  /* packets not asked for: ids that do not fit the message */
	uint64_t send_errors;	  /* commands that the socket did not take */
};

extern const struct sp_counter sp_resend_counter_table[];
extern const size_t sp_resend_counter_table_n;

/* @streams in the order of the source's. 0 or -errno with @err filled. */
int sp_resend_create(const struct sp_resend_config *config, const struct sp_resend_stream *streams,
		     unsigned int n, struct sp_resend **ret_resend, struct sp_err *err);
int sp_resend_start(struct sp_resend *resend, struct sp_err *err);
void sp_resend_stop(struct sp_resend *resend);
/* Stops first. NULL is fine. */
void sp_resend_destroy(struct sp_resend *resend);

/*
 * One burst, while the thread does not run: takes waiting requests and sends what the budgets allow
 * at @now_ns. Returns how many requests were taken.
 */
unsigned int sp_resend_pump(struct sp_resend *resend, uint64_t now_ns);

/* The live counters of a stream; NULL past the last. */
const struct sp_resend_counters *sp_resend_counters(const struct sp_resend *resend,
						    unsigned int stream);

#endif
