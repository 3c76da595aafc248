/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which picture a frame shows, and its pixels. Where pictures lie in memory in the shape that a
 * camera sends, they are sent from there. Else a loader thread loads, letterboxes and converts the
 * next ones ahead of time into a few slots a camera, so that the sender never waits for a file and
 * no folder is too large.
 *
 * Frame n of an acquisition belongs to turn n / (hold + gap) of its camera: the first `hold` frames
 * share the pictures of the stay, the `gap` after them shows the empty lane. Camera c of N takes
 * the turns c, c + N, c + 2 N …, round and round. A show is one picture's: turn after turn, its
 * pictures in order.
 */
#ifndef GVCAM_PLAYER_H
#define GVCAM_PLAYER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"
#include "gvcam/picture.h"

enum {
	GVCAM_SLOTS = 8, /* pictures a camera has in memory */
	GVCAM_AHEAD = 2, /* of these, how many are loaded before their turn */
	GVCAM_EMPTY_LEVEL = 40, /* every byte of an empty frame */
};

struct gvcam_player_config {
	const struct gvcam_pictures *pictures; /* at least one; outlives the player */
	uint32_t camera, cameras;
	uint32_t hold, gap; /* frames; hold ≥ 1 */
	uint32_t width_max, height_max;
};

struct gvcam_slot {
	uint8_t *bytes;
	uint64_t key; /* which show, in which geometry: see player.c */
	bool ready;
};

struct gvcam_player {
	struct gvcam_player_config config;
	struct gvcam_loader *loader;
	uint64_t period; /* shows until they repeat */
	bool direct; /* the pictures lie in memory as they are to be sent */
	/* Under the loader's lock. */
	struct gvcam_slot slots[GVCAM_SLOTS];
	uint32_t width, height, pixel_format;
	uint32_t generation; /* of the geometry */
	uint64_t show; /* the current one */
};

struct gvcam_loader {
	struct gvcam_player *players;
	uint32_t n;
	uint32_t next; /* whose turn it is */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct sp_thread thread;
};

/* What a frame shows; kept with sent blocks for resends. */
struct gvcam_shot {
	bool empty; /* no picture: every byte is GVCAM_EMPTY_LEVEL */
	uint32_t generation;
	uint64_t show;
	const uint8_t *bytes; /* of the image; NULL if empty */
};

/* All memory is taken here. 0 or -ENOMEM. */
int gvcam_player_init(struct gvcam_player *player, struct gvcam_loader *loader,
		      const struct gvcam_player_config *config);
void gvcam_player_uninit(struct gvcam_player *player);

/* Sender thread: the geometry of the frames to come; every shot of before is invalid. */
void gvcam_player_configure(struct gvcam_player *player, uint32_t width, uint32_t height,
			    uint32_t pixel_format);
/* Sender thread: what frame @n shows; false if it is not loaded yet. */
bool gvcam_player_frame(struct gvcam_player *player, uint64_t n, struct gvcam_shot *ret);
/* Sender thread: are the pixels of an older shot still there? */
bool gvcam_player_has(const struct gvcam_player *player, const struct gvcam_shot *shot);

/* One thread loads for all @players, which outlive it. 0 or -errno. */
int gvcam_loader_start(struct gvcam_loader *loader, struct gvcam_player *players, uint32_t n);
void gvcam_loader_stop(struct gvcam_loader *loader);

#endif
