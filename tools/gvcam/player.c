/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/player.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "image/image.h"

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static uint32_t turn_shows(const struct gvcam_pictures *pictures)
{
	return pictures->stay + pictures->between;
}

/* The picture of a show. */
static size_t picture_of(const struct gvcam_player *player, uint64_t show)
{
	const struct gvcam_player_config *config = &player->config;
	uint32_t shows = turn_shows(config->pictures);
	uint64_t at = show % player->period, turns = config->pictures->n / shows;
	uint64_t turn = (config->camera + at / shows * config->cameras) % turns;

	return turn * shows + at % shows;
}

/*
 * Shows are numbered on; but when a camera has no more pictures than slots, each picture stays in
 * its slot, and the show of the first round stands for the later ones.
 */
static uint64_t show_key(const struct gvcam_player *player, uint64_t show)
{
	if (player->period <= GVCAM_SLOTS)
		show %= player->period;
	return show | (uint64_t)player->generation << 40;
}

static struct gvcam_slot *slot_of(struct gvcam_player *player, uint64_t show)
{
	if (player->period <= GVCAM_SLOTS)
		show %= player->period;
	return &player->slots[show % GVCAM_SLOTS];
}

int gvcam_player_init(struct gvcam_player *player, struct gvcam_loader *loader,
		      const struct gvcam_player_config *config)
{
	uint32_t shows = turn_shows(config->pictures);
	uint64_t turns = config->pictures->n / shows;

	*player = (struct gvcam_player){ .config = *config, .loader = loader };
	player->period = turns / gcd(turns, config->cameras) * shows;
	for (unsigned int i = 0; i < GVCAM_SLOTS && i < player->period; i++) {
		player->slots[i].bytes = malloc((size_t)config->width_max * config->height_max * 3);
		if (!player->slots[i].bytes) {
			gvcam_player_uninit(player);
			return -ENOMEM;
		}
	}
	return 0;
}

void gvcam_player_uninit(struct gvcam_player *player)
{
	for (unsigned int i = 0; i < GVCAM_SLOTS; i++)
		free(player->slots[i].bytes);
	*player = (struct gvcam_player){ 0 };
}

void gvcam_player_configure(struct gvcam_player *player, uint32_t width, uint32_t height,
			    uint32_t pixel_format)
{
	pthread_mutex_lock(&player->loader->lock);
	if (player->width != width || player->height != height ||
	    player->pixel_format != pixel_format) {
		player->width = width;
		player->height = height;
		player->pixel_format = pixel_format;
		player->direct = player->config.pictures->ops->pixels &&
				 width == player->config.pictures->width &&
				 height == player->config.pictures->height &&
				 pixel_format == player->config.pictures->pixel_format;
		player->generation++;
	}
	player->show = 0;
	pthread_cond_signal(&player->loader->work);
	pthread_mutex_unlock(&player->loader->lock);
}

/* The show of frame @n; true if there is a picture for it. */
static bool find_show(const struct gvcam_player *player, uint64_t n, uint64_t *ret_show)
{
	const struct gvcam_pictures *pictures = player->config.pictures;
	uint64_t hold = player->config.hold, gap = player->config.gap;
	uint64_t first = n / (hold + gap) * turn_shows(pictures), frame = n % (hold + gap);

	if (frame < hold) {
		*ret_show = first + frame * pictures->stay / hold;
		return true;
	}
	*ret_show = first + pictures->stay - 1;
	if (!pictures->between)
		return false;
	*ret_show += 1 + (frame - hold) * pictures->between / gap;
	return true;
}

bool gvcam_player_frame(struct gvcam_player *player, uint64_t n, struct gvcam_shot *ret)
{
	const struct gvcam_pictures *pictures = player->config.pictures;
	uint64_t show;
	bool empty = !find_show(player, n, &show), ready = true;
	struct gvcam_slot *slot = slot_of(player, show);

	*ret = (struct gvcam_shot){ .empty = empty, .show = show };
	pthread_mutex_lock(&player->loader->lock);
	ret->generation = player->generation;
	if (player->show != show) {
		player->show = show;
		pthread_cond_signal(&player->loader->work);
	}
	if (player->direct && !empty) {
		ret->bytes = pictures->ops->pixels(pictures, picture_of(player, show));
	} else if (!empty) {
		ready = slot->ready && slot->key == show_key(player, show);
		ret->bytes = slot->bytes;
	}
	pthread_mutex_unlock(&player->loader->lock);
	return ready;
}

bool gvcam_player_has(const struct gvcam_player *player, const struct gvcam_shot *shot)
{
	/* The sender alone changes these, and it is the sender who asks. */
	if (shot->generation != player->generation)
		return false;
	if (shot->empty || player->direct || player->period <= GVCAM_SLOTS)
		return true;
	/* The loader may be writing to the slots of the next GVCAM_AHEAD shows, no further. */
	return shot->show + GVCAM_SLOTS > player->show + GVCAM_AHEAD;
}

/* ---- the loader ------------------------------------------------------------------------------ */

struct job {
	struct gvcam_player *player;
	struct gvcam_slot *slot;
	uint64_t key;
	size_t picture;
	uint32_t width, height, pixel_format;
};

/* Under the lock: the most urgent picture that is missing; its slot is taken. */
static bool find_job(struct gvcam_loader *loader, struct job *ret)
{
	for (uint32_t i = 0; i < loader->n; i++) {
		struct gvcam_player *player = &loader->players[(loader->next + i) % loader->n];

		for (uint64_t show = player->show; show <= player->show + GVCAM_AHEAD; show++) {
			struct gvcam_slot *slot = slot_of(player, show);
			uint64_t key = show_key(player, show);

			if (!player->width || player->direct || (slot->ready && slot->key == key))
				continue;
			slot->ready = false;
			loader->next = (loader->next + i + 1) % loader->n;
			*ret = (struct job){
				.player = player,
				.slot = slot,
				.key = key,
				.picture = picture_of(player, show),
				.width = player->width,
				.height = player->height,
				.pixel_format = player->pixel_format,
			};
			return true;
		}
	}
	return false;
}

/* Without the lock: nobody else touches the bytes of a slot that is not ready. */
static void load(const struct job *job)
{
	const struct gvcam_pictures *pictures = job->player->config.pictures;
	struct sp_image target = { 0 }, source = { 0 };
	struct sp_err err;
	size_t bytes = (size_t)job->width * job->height;
	int res = pictures->ops->load(pictures, job->picture, &source, &err);

	if (!res) {
		res = sp_image_init(&target, job->width, job->height);
		if (res)
			sp_err_set(&err, res, "no memory for a picture of %u × %u", job->width,
				   job->height);
	}
	if (res) {
		fprintf(stderr, "gvcam: %s; an empty frame is sent in its place\n", err.text);
		/* Room for RGB8 is there in every format. */
		memset(job->slot->bytes, GVCAM_EMPTY_LEVEL, bytes * 3);
	} else {
		sp_image_letterbox(&target, &source);
		gvcam_picture_convert(&target, job->pixel_format, job->slot->bytes);
	}
	sp_image_uninit(&target);
	sp_image_uninit(&source);
}

static void loader_run(struct sp_thread *thread)
{
	struct gvcam_loader *loader = thread->arg;
	struct job job;

	pthread_mutex_lock(&loader->lock);
	while (!sp_thread_should_stop(thread)) {
		if (!find_job(loader, &job)) {
			pthread_cond_wait(&loader->work, &loader->lock);
			continue;
		}
		pthread_mutex_unlock(&loader->lock);
		load(&job);
		pthread_mutex_lock(&loader->lock);
		/* If the geometry changed meanwhile, nobody looks for this key. */
		job.slot->key = job.key;
		job.slot->ready = true;
	}
	pthread_mutex_unlock(&loader->lock);
}

int gvcam_loader_start(struct gvcam_loader *loader, struct gvcam_player *players, uint32_t n)
{
	int res;

	*loader = (struct gvcam_loader){ .players = players, .n = n };
	pthread_mutex_init(&loader->lock, NULL);
	pthread_cond_init(&loader->work, NULL);
	res = sp_thread_start(&loader->thread, "gvcam-loader", -1, loader_run, loader, NULL);
	if (res) {
		pthread_cond_destroy(&loader->work);
		pthread_mutex_destroy(&loader->lock);
	}
	return res;
}

void gvcam_loader_stop(struct gvcam_loader *loader)
{
	if (!loader->n)
		return;
	sp_thread_ask_stop(&loader->thread);
	pthread_mutex_lock(&loader->lock);
	pthread_cond_signal(&loader->work);
	pthread_mutex_unlock(&loader->lock);
	sp_thread_stop(&loader->thread);
	pthread_cond_destroy(&loader->work);
	pthread_mutex_destroy(&loader->lock);
	loader->n = 0;
}
