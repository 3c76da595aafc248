/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that sends for all cameras. The control side leaves word in a mailbox; only the sender
 * touches the streams once it runs.
 */
#ifndef GVCAM_SENDER_H
#define GVCAM_SENDER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"
#include "base/thread.h"
#include "gvcam/salvo.h"
#include "gvcam/stream.h"

enum {
	GVCAM_BATCH = GVCAM_SALVO_MAX, /* packets a system call */
	GVCAM_QUANTUM_NS = 100000, /* packets that are due within this leave together */
	GVCAM_MAIL_RESENDS = 256,
};

struct gvcam_mail {
	bool changed;
	struct gvcam_channel channel;
	uint32_t tests; /* test packets to fire */
	struct sp_gvcp_resend resends[GVCAM_MAIL_RESENDS];
	uint32_t resends_n;
	uint64_t overflow; /* resend requests that found the mailbox full */
};

struct gvcam_outlet {
	struct gvcam_stream stream; /* the sender's once it runs */
	int fd; /* bound to the camera's address; not owned */
	int spoof_fds[GVCAM_WAYS - 1]; /* other port, other address; not owned, -1: none */
	enum gvcam_gso gso;
	/*
	 * The last 8 bytes of an image become CLOCK_MONOTONIC (ns, in this machine's byte order) of
	 * when its last packet left: a receiver on the same machine knows how late its frame is.
	 */
	bool stamp;
	bool do_not_fragment; /* as the socket is set */
	bool segments; /* runs leave as one; until the kernel refuses */
	uint64_t begin_ns, end_ns; /* when the first and the last packet left; 0: none did */
	_Atomic uint32_t finished; /* the acquisition that ended by itself */
	_Atomic bool spent; /* all frames of --frames are sent */
	_Atomic uint64_t last_ns; /* when something last left */
	struct gvcam_mail mail; /* under the sender's lock */
};

struct gvcam_sender {
	struct gvcam_outlet *outlets;
	uint32_t n;
	struct gvcam_packet packets[GVCAM_BATCH];
	uint8_t *scratch;
	struct gvcam_mail taken; /* a copy to work from without the lock */
	pthread_mutex_t lock;
	struct sp_event wake; /* to the sender */
	struct sp_event *done; /* from the sender: an acquisition finished */
	struct sp_thread thread;
};

/* @outlets have their streams and sockets set, and outlive the sender. 0 or -errno. */
int gvcam_sender_start(struct gvcam_sender *sender, struct gvcam_outlet *outlets, uint32_t n,
		       struct sp_event *done);
void gvcam_sender_stop(struct gvcam_sender *sender);

/* Control side, any thread. */
void gvcam_sender_set_channel(struct gvcam_sender *sender, uint32_t camera,
			      const struct gvcam_channel *channel);
void gvcam_sender_fire_test(struct gvcam_sender *sender, uint32_t camera);
void gvcam_sender_resend(struct gvcam_sender *sender, uint32_t camera,
			 const struct sp_gvcp_resend *resend);

#endif
