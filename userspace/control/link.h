/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to try a camera: the state machine of one link, without threads, clocks or I/O.
 *
 *	connecting ──connected──▶ streaming ──lost──▶ lost ─┐
 *	    │  ▲                                            │ backs off
 *	  failed └──────── due ──────── backing_off ◀───────┘
 *	    └──────────────────────────────▲
 *
 * The n-th wait in a row is drawn from [step / 2, step], step = first · 2^n up to max: many cameras
 * that were lost together (a switch that restarted) do not all come back in the same instant. The
 * series starts anew once the link has streamed for settle_ns, so a camera that connects and drops
 * at once is not tried twice a second for ever.
 */
#ifndef SP_CONTROL_LINK_H
#define SP_CONTROL_LINK_H

#include <stdint.h>

enum sp_camera_state {
	SP_CAMERA_CONNECTING,
	SP_CAMERA_STREAMING,
	SP_CAMERA_LOST, /* noticed; being stopped and closed */
	SP_CAMERA_BACKING_OFF,
	SP_CAMERA_STOPPED,
};

/* "connecting", "streaming", "lost", "backing_off", "stopped". */
const char *sp_camera_state_name(enum sp_camera_state state);

struct sp_link_config {
	uint64_t first_ns, max_ns; /* of the back-off's step; 0 < first ≤ max */
	uint64_t settle_ns;
	uint64_t check_ns; /* while streaming: how often the camera is asked whether it is alive */
};

/* 0.5 s … 30 s, settled after 10 s, checked every 100 ms. */
extern const struct sp_link_config sp_link_default;

struct sp_link {
	struct sp_link_config config;
	enum sp_camera_state state;
	uint64_t due_ns; /* of the next try, or the next check */
	uint64_t since_ns; /* of the state */
	uint64_t step_ns;
	uint64_t random;
};

enum sp_link_action { SP_LINK_WAIT, SP_LINK_CONNECT, SP_LINK_CHECK };

/* Connecting, due at once. */
void sp_link_init(struct sp_link *link, const struct sp_link_config *config, uint64_t seed,
		  uint64_t now_ns);

/*
 * What is due: CONNECT (answer with sp_link_connected or _failed), CHECK (answer with _lost if the
 * camera is gone), or WAIT, with the time to wait in *@ret_wait_ns.
 */
enum sp_link_action sp_link_next(struct sp_link *link, uint64_t now_ns, uint64_t *ret_wait_ns);

void sp_link_connected(struct sp_link *link, uint64_t now_ns);
/* A try came to nothing: back off. */
void sp_link_failed(struct sp_link *link, uint64_t now_ns);
/* Streaming ended by itself; the caller stops and closes the camera, then calls sp_link_failed. */
void sp_link_lost(struct sp_link *link, uint64_t now_ns);
/* For good. */
void sp_link_stopped(struct sp_link *link, uint64_t now_ns);

#endif
