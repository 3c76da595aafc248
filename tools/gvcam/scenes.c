/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/scenes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/region.h"
#include "frame/frame.h"
#include "image/image.h"
#include "infer/pixels.h"
#include "lanesim/crew.h"
#include "lanesim/traffic.h"
#include "wire/pfnc.h"

/*
 * Cameras at the same post share pictures. In memory: vehicle by vehicle, post by post, look by
 * look; then the empty lane, post by post.
 */
struct scenes {
	struct gvcam_scenes_config config;
	struct lanesim_traffic traffic;
	uint8_t posts[LANESIM_POSTS]; /* those that are in use */
	uint32_t posts_n;
	uint8_t view[GVCAM_CAMERAS_MAX]; /* of a camera: which of them */
	uint32_t stay, between;
	size_t picture_bytes;
	uint8_t *pixels;
	FILE *truth; /* NULL: nobody wants it */
};

static void share_posts(struct scenes *scenes)
{
	for (uint32_t c = 0; c < scenes->config.cameras; c++) {
		uint8_t post = scenes->config.posts[c];
		uint32_t view = 0;

		while (view < scenes->posts_n && scenes->posts[view] != post)
			view++;
		if (view == scenes->posts_n)
			scenes->posts[scenes->posts_n++] = post;
		scenes->view[c] = (uint8_t)view;
	}
}

/* The first picture of a vehicle from a post; vehicle `vehicles` is the empty lane. */
static uint8_t *pixels_of(const struct scenes *scenes, uint32_t vehicle, uint32_t view, uint32_t k)
{
	size_t first = (size_t)vehicle * scenes->posts_n * scenes->stay;
	bool empty = vehicle == scenes->config.vehicles;

	first += (size_t)view * (empty ? scenes->between : scenes->stay) + k;
	return scenes->pixels + first * scenes->picture_bytes;
}

static const uint8_t *scene_pixels(const struct gvcam_pictures *pictures, size_t i)
{
	const struct scenes *scenes = pictures->own;
	uint32_t a_turn = scenes->stay + scenes->between, k = (uint32_t)(i % a_turn);
	uint32_t turn = (uint32_t)(i / a_turn);
	uint32_t vehicle = turn / scenes->config.cameras;
	uint32_t view = scenes->view[turn % scenes->config.cameras];

	if (k >= scenes->stay)
		return pixels_of(scenes, scenes->config.vehicles, view, k - scenes->stay);
	return pixels_of(scenes, vehicle, view, k);
}

/* For controllers that set another geometry or format: what can be told from a camera's pixels. */
static int load_scene(const struct gvcam_pictures *pictures, size_t i, struct sp_image *ret_image,
		      struct sp_err *err)
{
	const struct scenes *scenes = pictures->own;
	struct sp_region region = {
		.base = (uint8_t *)scene_pixels(pictures, i),
		.size = scenes->picture_bytes,
	};
	uint32_t width = pictures->width, height = pictures->height;
	struct sp_frame_wrap wrap;
	struct sp_pixels pixels;
	struct sp_image image;
	int res = sp_image_init(&image, width, height);

	if (res)
		return sp_err_set(err, res, "no memory for a picture of %u × %u", width, height);
	res = sp_pixels_init(&pixels);
	if (res)
		goto err_image;
	res = sp_frame_wrap(&wrap, &region, 0, width, height, pictures->pixel_format);
	if (!res)
		res = sp_pixels_begin(&pixels, &wrap.frame);
	for (uint32_t y = 0; y < height && !res; y++)
		res = sp_pixels_read_line(&pixels, y, 0, width, image.rgb + (size_t)y * width * 3);
	sp_pixels_uninit(&pixels);
	if (res)
		goto err_image;
	*ret_image = image;
	return 0;
err_image:
	sp_image_uninit(&image);
	return sp_err_set(err, res, "picture %zu: %s", i, strerror(-res));
}

static void forget_scenes(struct gvcam_pictures *pictures)
{
	struct scenes *scenes = pictures->own;

	if (!scenes)
		return;
	lanesim_traffic_uninit(&scenes->traffic);
	free(scenes->pixels);
	free(scenes);
}

static const struct gvcam_pictures_ops scene_ops = {
	.load = load_scene,
	.pixels = scene_pixels,
	.uninit = forget_scenes,
};

/* What a vehicle's pictures from one post show; NULL without --truth. */
struct lines {
	json_t *array;
};

/* 0 or -ENOMEM. */
static int add_line(struct lines *lines, const struct scenes *scenes, uint32_t vehicle,
		    uint32_t view, uint32_t k, const struct lanesim_truth *truths, uint32_t n)
{
	json_t *line = json_pack("{s:i, s:s, s:i, s:i, s:o}", "vehicle", (int)vehicle, "post",
				 lanesim_post_name(scenes->posts[view]), "look", (int)k, "looks",
				 (int)scenes->stay, "faces", lanesim_truths_json(truths, n));

	return json_array_append_new(lines->array, line) ? -ENOMEM : 0;
}

static int write_lines(void *arg, uint32_t i, void *result, struct sp_err *err)
{
	const struct scenes *scenes = arg;
	struct lines *lines = result;
	json_t *line;
	size_t k;

	(void)i;
	if (!lines->array)
		return 0;
	json_array_foreach(lines->array, k, line)
	{
		json_dumpf(line, scenes->truth, JSON_COMPACT | JSON_REAL_PRECISION(7));
		fputc('\n', scenes->truth);
	}
	json_decref(lines->array);
	return ferror(scenes->truth)
		       ? sp_err_set(err, -EIO, "%s: cannot be written", scenes->config.truth)
		       : 0;
}

static void drop_lines(void *arg, void *result)
{
	struct lines *lines = result;

	(void)arg;
	json_decref(lines->array);
}

static int open_truth(struct scenes *scenes, struct sp_err *err)
{
	if (!scenes->config.truth)
		return 0;
	scenes->truth = fopen(scenes->config.truth, "we");
	return scenes->truth
		       ? 0
		       : sp_err_set(err, -errno, "%s: %s", scenes->config.truth, strerror(errno));
}

static int close_truth(struct scenes *scenes, struct sp_err *err)
{
	FILE *truth = scenes->truth;

	scenes->truth = NULL;
	if (!truth || !fclose(truth))
		return 0;
	return sp_err_set(err, -EIO, "%s: cannot be written", scenes->config.truth);
}

/* Item of the crew: a vehicle, or the empty lane, from one post. */
static int render(void *arg, struct lanesim_hand *hand, uint32_t i, void *result,
		  struct sp_err *err)
{
	struct scenes *scenes = arg;
	const struct gvcam_scenes_config *config = &scenes->config;
	uint32_t vehicle = i / scenes->posts_n, view = i % scenes->posts_n;
	bool empty = vehicle == config->vehicles;
	struct sp_image *image = lanesim_hand_image(hand, config->width, config->height);
	struct lanesim_scene_config scene_config;
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	struct lanesim_scene *scene;
	uint32_t n = empty ? scenes->between : scenes->stay, faces;
	struct lines *lines = result;
	int res;

	lanesim_traffic_vehicle(&scenes->traffic, empty ? 0 : vehicle, &scene_config);
	scene_config.no_vehicle = empty;
	scene_config.night = config->night;
	res = image ? lanesim_scene_create(&scene_config, &scene) : -ENOMEM;
	if (res)
		return sp_err_set(err, res, "--lanesim: out of memory");
	if (scenes->truth)
		lines->array = json_array();
	for (uint32_t k = 0; k < n && !res; k++) {
		float seconds = config->stay_s * ((float)k + 0.5f) / (float)n;

		res = lanesim_scene_look(scene, hand->eye, scenes->posts[view], seconds, image,
					 truths, &faces);
		if (!res && scenes->truth && !empty)
			res = add_line(lines, scenes, vehicle, view, k, truths, faces);
		if (!res)
			gvcam_picture_convert(image, config->pixel_format,
					      pixels_of(scenes, vehicle, view, k));
	}
	if (res)
		json_decref(lines->array);
	lanesim_scene_destroy(scene);
	return res ? sp_err_set(err, res, "--lanesim: out of memory") : 0;
}

static int reserve(struct scenes *scenes, struct sp_err *err)
{
	const struct gvcam_scenes_config *config = &scenes->config;
	const struct sp_pfnc *format = sp_pfnc_by_code(config->pixel_format);
	uint64_t pictures = (uint64_t)scenes->posts_n *
			    (config->vehicles * scenes->stay + scenes->between);
	uint64_t bytes;

	scenes->picture_bytes = sp_pfnc_image_bytes(config->pixel_format, config->width,
						    config->height);
	bytes = pictures * scenes->picture_bytes;
	if (bytes > GVCAM_SCENES_BYTES_MAX)
		return sp_err_set(
			err, -E2BIG,
			"--lanesim: %u vehicles × %u looks × %u posts of %u × %u %s are %.1f GiB, "
			"and at most %.0f GiB are kept in memory; give fewer --vehicles or "
			"--looks",
			config->vehicles, scenes->stay, scenes->posts_n, config->width,
			config->height, format->name, (double)bytes / (1 << 30),
			(double)GVCAM_SCENES_BYTES_MAX / (1 << 30));
	scenes->pixels = malloc(bytes);
	if (!scenes->pixels)
		return sp_err_set(err, -ENOMEM, "--lanesim: no memory for %.1f GiB of pictures",
				  (double)bytes / (1 << 30));
	return 0;
}

int gvcam_scenes_init(struct gvcam_pictures *pictures, const struct gvcam_scenes_config *config,
		      struct sp_err *err)
{
	struct scenes *scenes = calloc(1, sizeof(*scenes));
	struct lanesim_crew crew = {
		.label = "gvcam: rendering vehicles",
		.threads = config->threads,
		.arg = scenes,
		.result_bytes = sizeof(struct lines),
		.make = render,
		.take = write_lines,
		.drop = drop_lines,
	};
	int res;

	if (!scenes)
		return sp_err_set(err, -ENOMEM, "--lanesim: out of memory");
	scenes->config = *config;
	scenes->stay = config->looks;
	scenes->between = config->between ? GVCAM_SCENES_BETWEEN : 0;
	share_posts(scenes);
	*pictures = (struct gvcam_pictures){
		.ops = &scene_ops,
		.n = (size_t)config->vehicles * config->cameras * (scenes->stay + scenes->between),
		.stay = scenes->stay,
		.between = scenes->between,
		.width = config->width,
		.height = config->height,
		.pixel_format = config->pixel_format,
		.own = scenes,
	};
	res = reserve(scenes, err);
	if (!res)
		res = lanesim_traffic_init(&scenes->traffic, config->seed, config->vehicles, err);
	crew.n = (config->vehicles + (scenes->between > 0)) * scenes->posts_n;
	if (!res)
		res = open_truth(scenes, err);
	if (!res)
		res = lanesim_crew_run(&crew, err);
	if (close_truth(scenes, res ? NULL : err) && !res)
		res = -EIO;
	if (res)
		gvcam_pictures_uninit(pictures);
	return res;
}

int gvcam_scenes_parse_posts(const char *text, uint32_t cameras, uint8_t *posts, struct sp_err *err)
{
	uint32_t n = 0;

	for (const char *at = text; *at;) {
		size_t length = strcspn(at, ",");
		unsigned int post = 0;

		while (post < LANESIM_POSTS && (strlen(lanesim_post_name(post)) != length ||
						memcmp(at, lanesim_post_name(post), length)))
			post++;
		if (post == LANESIM_POSTS)
			return sp_err_set(err, -EINVAL,
					  "--lane-posts: '%.*s' is none of windshield-left, "
					  "windshield-right, side-left, side-right",
					  (int)length, at);
		if (n < cameras)
			posts[n++] = (uint8_t)post;
		at += length + (at[length] == ',');
	}
	if (!n)
		return sp_err_set(err, -EINVAL, "--lane-posts: no post is named");
	for (uint32_t c = n; c < cameras; c++)
		posts[c] = posts[c - n];
	return 0;
}
