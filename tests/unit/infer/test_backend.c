/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPU backend's side of the compute port: errors at open, tombstones, limits, what goes home.
 *
 * TSAN: yes
 */
#include <errno.h>
#include <math.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/region.h"
#include "frame/frame.h"
#include "image/image.h"
#include "infer/compute.h"
#include "allocations.h"
#include "test.h"
#include "wire/pfnc.h"

static const struct sp_compute_ops *const cpu = &sp_compute_cpu;

static struct sp_compute_config models(void)
{
	return (struct sp_compute_config){
		.detector = sp_test_shared("models/yunet_n_dynamic.onnx"),
		.embedder = sp_test_shared("models/mobilefacenet.onnx"),
		.quality = sp_test_shared("models/lightqnet_dm025.onnx"),
		.workers = 2,
		.in_flight = 4,
	};
}

static struct sp_compute *open_cpu(const struct sp_compute_config *config)
{
	struct sp_compute *compute;
	struct sp_err err;

	if (cpu->open(config, &compute, &err))
		FAIL("%s", err.text);
	return compute;
}

static struct sp_result *wait_for(struct sp_compute *compute)
{
	struct sp_result *result;

	while (!cpu->poll(compute, &result, 1))
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	return result;
}

/* @config cannot be opened, and the message has these words. */
static void check_refused(const struct sp_compute_config *config, int code, const char *word,
			  const char *other)
{
	struct sp_compute *compute = NULL;
	struct sp_err err = { "" };
	int rc = cpu->open(config, &compute, &err);

	if (!rc)
		cpu->close(compute);
	CHECK_EQ(rc, code);
	CHECK(!compute);
	if (!strstr(err.text, word) || !strstr(err.text, other) || strchr(err.text, '\n'))
		FAIL("the message is \"%s\", without \"%s\" or \"%s\"", err.text, word, other);
}

TEST(open_tells_what_is_wrong)
{
	struct sp_compute_config config = { .detector = "/nowhere/yunet.onnx" };

	check_refused(&config, -ENOENT, "/nowhere/yunet.onnx", "sallyport model install");
	config.detector = NULL;
	check_refused(&config, -EINVAL, "detector", "SALLYPORT_MODELS");
	config = models();
	config.embedder = "/nowhere/embedder.onnx";
	check_refused(&config, -ENOENT, "/nowhere/embedder.onnx", "SALLYPORT_MODELS");
	config = models();
	config.quality = "/nowhere/quality.onnx";
	check_refused(&config, -ENOENT, "/nowhere/quality.onnx", "quality");
	/* Models of another kind. */
	config = models();
	config.detector = config.embedder;
	check_refused(&config, -EINVAL, "mobilefacenet.onnx", "cls_8");
	config = models();
	config.embedder = config.quality;
	check_refused(&config, -EINVAL, "lightqnet_dm025.onnx", "no embedder");
	config = models();
	config.quality = config.embedder;
	check_refused(&config, -EINVAL, "mobilefacenet.onnx", "no quality network");
	config = models();
	config.embedder = config.detector;
	check_refused(&config, -EINVAL, "yunet_n_dynamic.onnx", "no embedder");
	/* Sizes. */
	config = models();
	config.detect_width = 640;
	check_refused(&config, -EINVAL, "detector", "640 x 0");
	config = models();
	config.detector = sp_test_shared("models/yunet_n_640_640.onnx");
	config.detect_width = config.detect_height = 320;
	check_refused(&config, -EINVAL, "640 x 640", "320 x 320");
	config = models();
	config.in_flight = 1 << 20;
	check_refused(&config, -EINVAL, "1048576", "in flight");
}

TEST(info_names_the_embedder)
{
	static const uint8_t sha256[4] = { 0xb7, 0x12, 0x0c, 0x09 }; /* its first bytes */
	struct sp_compute_config config = models();
	struct sp_compute *compute = open_cpu(&config);

	CHECK_STR(compute->info.backend, "cpu");
	CHECK_EQ(compute->info.embedding_size, 128);
	CHECK(!memcmp(compute->info.embedder_id, sha256, sizeof(sha256)));
	cpu->close(compute);
	config.embedder = NULL;
	compute = open_cpu(&config);
	CHECK_EQ(compute->info.embedding_size, 0);
	cpu->close(compute);
}

/* A photograph in a region of packets of @stride bytes. */
struct scene {
	struct sp_image image;
	struct sp_region region;
	struct sp_frame frame;
	uint64_t *offset, *missing, packets;
};

static void scene_init(struct scene *scene, const char *name, uint32_t stride)
{
	struct sp_image *image = &scene->image;
	struct sp_err err;
	uint64_t bytes;

	if (sp_image_read(sp_test_shared(name), image, &err))
		FAIL("%s", err.text);
	bytes = (uint64_t)image->width * image->height * 3;
	scene->packets = (bytes + stride - 1) / stride;
	scene->region = (struct sp_region){ .base = image->rgb, .size = bytes };
	scene->offset = calloc(scene->packets, sizeof(uint64_t));
	scene->missing = calloc((scene->packets + 63) / 64, sizeof(uint64_t));
	for (uint64_t p = 0; p < scene->packets; p++)
		scene->offset[p] = p * stride;
	scene->frame = (struct sp_frame){
		.stream = 3,
		.lane = 1,
		.camera = 2,
		.block_id = 4711,
		.device_ticks = 12,
		.exposure_ns = 100,
		.last_ns = 200,
		.flags = SP_FRAME_NO_TRAILER,
		.pixel_format = SP_PFNC_RGB8,
		.width = image->width,
		.height = image->height,
		.parts_n = 1,
		.parts = { { .region = &scene->region, .stride = stride, .bytes = bytes } },
		.packets = (uint32_t)scene->packets,
		.offset = scene->offset,
		.missing = scene->missing,
	};
}

static void scene_uninit(struct scene *scene)
{
	sp_image_uninit(&scene->image);
	free(scene->offset);
	free(scene->missing);
}

static struct sp_result *look(struct sp_compute *compute, struct scene *scene)
{
	struct sp_frame *frame = &scene->frame;

	CHECK_EQ(cpu->submit(compute, &frame, 1), 1);
	return wait_for(compute);
}

TEST(a_result_describes_its_frame_and_face)
{
	struct sp_compute_config config = models();
	struct sp_compute *compute;
	struct sp_result *r;
	struct scene scene;
	double length = 0;

	scene_init(&scene, "data/obama.jpg", 1444);
	compute = open_cpu(&config);
	r = look(compute, &scene);
	CHECK(r->frame == &scene.frame);
	CHECK_EQ(r->stream, 3);
	CHECK_EQ(r->lane, 1);
	CHECK_EQ(r->camera, 2);
	CHECK_EQ(r->width, scene.image.width);
	CHECK_EQ(r->height, scene.image.height);
	CHECK_EQ(r->block_id, 4711);
	CHECK_EQ(r->device_ticks, 12);
	CHECK_EQ(r->exposure_ns, 100);
	CHECK_EQ(r->last_ns, 200);
	CHECK_EQ(r->frame_flags, SP_FRAME_NO_TRAILER);
	CHECK(r->done_ns >= r->submitted_ns && r->submitted_ns);
	CHECK_EQ(r->cause, SP_RESULT_FACES);
	CHECK_EQ(r->error, 0);
	CHECK_EQ(r->faces_n, 1);
	CHECK_EQ(r->faces[0].reasons, 0);
	CHECK(r->faces[0].embedded);
	for (int i = 0; i < 128; i++)
		length += (double)r->faces[0].embedding[i] * (double)r->faces[0].embedding[i];
	CHECK_NEAR(length, 1, 1e-5);
	CHECK(r->faces[0].quality.network > 0.2f && r->faces[0].quality.network < 1);
	CHECK(r->faces[0].quality.score > 0 && r->faces[0].quality.score <= 1);
	CHECK_NEAR(r->faces[0].quality.occlusion, 0, 0);
	CHECK(r->faces[0].portrait->width <= SP_PORTRAIT_MAX);
	CHECK(r->faces[0].portrait->height == SP_PORTRAIT_MAX);
	cpu->put(compute, r);
	cpu->close(compute);
	scene_uninit(&scene);
}

TEST(missing_packets_make_a_face_invalid)
{
	struct sp_compute_config config = models();
	struct sp_compute *compute;
	struct sp_result *r;
	struct scene scene;

	scene_init(&scene, "data/obama.jpg", 2730); /* a packet is a line */
	/* A line through the forehead, far from it, and through the forehead again. */
	scene.missing[1000 / 64] |= 1ull << (1000 % 64);
	scene.frame.missing_n = 1;
	scene.frame.flags |= SP_FRAME_INCOMPLETE;
	compute = open_cpu(&config);
	r = look(compute, &scene);
	CHECK_EQ(r->faces_n, 1);
	CHECK_EQ(r->faces[0].reasons, 0);
	CHECK(r->faces[0].embedded);
	cpu->put(compute, r);
	scene.missing[140 / 64] |= 1ull << (140 % 64);
	scene.frame.missing_n = 2;
	r = look(compute, &scene);
	CHECK_EQ(r->faces_n, 1);
	CHECK_EQ(r->faces[0].reasons, SP_FACE_DAMAGED);
	CHECK(!r->faces[0].embedded);
	CHECK(r->faces[0].quality.occlusion > 0.001f && r->faces[0].quality.occlusion < 0.01f);
	cpu->put(compute, r);
	cpu->close(compute);
	/* Unless it is asked for. */
	config.embed_invalid = true;
	compute = open_cpu(&config);
	r = look(compute, &scene);
	CHECK_EQ(r->faces[0].reasons, SP_FACE_DAMAGED);
	CHECK(r->faces[0].embedded);
	cpu->put(compute, r);
	cpu->close(compute);
	scene_uninit(&scene);
}

TEST(limits_reach_the_faces)
{
	struct sp_compute_config config = models();
	struct sp_compute *compute;
	struct sp_result *r;
	struct scene scene;

	scene_init(&scene, "data/obama.jpg", 9000);
	config.limits.eye_distance_min = 500;
	config.limits.network_min = 0.99f;
	compute = open_cpu(&config);
	r = look(compute, &scene);
	CHECK_EQ(r->faces[0].reasons, SP_FACE_TOO_SMALL | SP_FACE_POOR);
	CHECK(!r->faces[0].embedded);
	cpu->put(compute, r);
	cpu->close(compute);
	/* Without a quality network there is no such reason. */
	config.quality = NULL;
	compute = open_cpu(&config);
	r = look(compute, &scene);
	CHECK_EQ(r->faces[0].reasons, SP_FACE_TOO_SMALL);
	cpu->put(compute, r);
	cpu->close(compute);
	scene_uninit(&scene);
}

TEST(unreadable_frames_come_back_as_tombstones)
{
	struct sp_compute_config config = models();
	struct sp_compute *compute;
	struct sp_result *r;
	struct scene scene;

	scene_init(&scene, "data/obama.jpg", 9000);
	compute = open_cpu(&config);
	scene.frame.pixel_format = 0x02180021; /* planar RGB */
	r = look(compute, &scene);
	CHECK_EQ(r->cause, SP_RESULT_UNREADABLE);
	CHECK_EQ(r->error, -ENOTSUP);
	CHECK_EQ(r->faces_n, 0);
	CHECK(r->frame == &scene.frame);
	cpu->put(compute, r);
	scene.frame.pixel_format = SP_PFNC_RGB8;
	scene.frame.height++;
	r = look(compute, &scene);
	CHECK_EQ(r->cause, SP_RESULT_UNREADABLE);
	CHECK_EQ(r->error, -EINVAL);
	cpu->put(compute, r);
	/* And the next good one is seen. */
	scene.frame.height--;
	r = look(compute, &scene);
	CHECK_EQ(r->cause, SP_RESULT_FACES);
	CHECK_EQ(r->faces_n, 1);
	cpu->put(compute, r);
	cpu->close(compute);
	scene_uninit(&scene);
}

/* Cameras of more sizes than a worker keeps executors for, and a picture smaller than a stride. */
TEST(frames_of_many_sizes_are_seen)
{
	struct sp_compute_config config = models();
	struct sp_compute *compute;
	struct scene scene;

	scene_init(&scene, "data/obama.jpg", 9000);
	config.workers = 1;
	compute = open_cpu(&config);
	for (int round = 0; round < 6; round++) {
		struct sp_result *r;

		scene.frame.height = 500 + 40 * (uint32_t)(round % 5);
		r = look(compute, &scene);
		CHECK_EQ(r->cause, SP_RESULT_FACES);
		CHECK_EQ(r->faces_n, 1);
		cpu->put(compute, r);
	}
	scene.frame.width = scene.frame.height = 1;
	struct sp_result *r = look(compute, &scene);

	CHECK_EQ(r->cause, SP_RESULT_FACES);
	CHECK_EQ(r->faces_n, 0);
	cpu->put(compute, r);
	cpu->close(compute);
	scene_uninit(&scene);
}

TEST(no_more_frames_than_agreed_are_inside)
{
	struct sp_compute_config config = models();
	struct sp_result *held[4];
	struct sp_compute *compute;
	struct sp_frame *frames[6];
	struct scene scene;

	scene_init(&scene, "data/two_people.jpg", 9000);
	config.detect_width = config.detect_height = 320;
	compute = open_cpu(&config);
	for (int i = 0; i < 6; i++)
		frames[i] = &scene.frame;
	CHECK_EQ(cpu->submit(compute, frames, 6), 4);
	for (int i = 0; i < 4; i++)
		held[i] = wait_for(compute);
	/* Results that the caller holds count too. */
	CHECK_EQ(cpu->submit(compute, frames, 1), 0);
	cpu->put(compute, held[0]);
	CHECK_EQ(cpu->submit(compute, frames, 2), 1);
	held[0] = wait_for(compute);
	for (int i = 0; i < 4; i++)
		cpu->put(compute, held[i]);
	/* Each portrait goes home: many more faces than portraits pass. */
	for (int i = 0; i < 24; i++) {
		struct sp_result *r = look(compute, &scene);

		CHECK_EQ(r->faces_n, 2);
		CHECK(r->faces[0].portrait && r->faces[1].portrait);
		CHECK(r->faces[0].portrait != r->faces[1].portrait);
		cpu->put(compute, r);
	}
	/* Frames may be inside when it ends. */
	CHECK_EQ(cpu->submit(compute, frames, 4), 4);
	cpu->close(compute);
	scene_uninit(&scene);
}

TEST(a_model_of_one_size_takes_frames_of_any)
{
	struct sp_compute_config config = models();
	struct sp_compute *compute;
	struct sp_result *r;
	struct scene scene;

	scene_init(&scene, "data/two_people.jpg", 9000);
	config.detector = sp_test_shared("models/face_detection_yunet_2023mar.onnx");
	compute = open_cpu(&config);
	r = look(compute, &scene);
	CHECK_EQ(r->cause, SP_RESULT_FACES);
	CHECK_EQ(r->faces_n, 2);
	for (uint32_t i = 0; i < r->faces_n; i++)
		CHECK(r->faces[i].box[0] + r->faces[i].box[2] < (float)r->width &&
		      r->faces[i].box[1] + r->faces[i].box[3] < (float)r->height);
	cpu->put(compute, r);
	cpu->close(compute);
	scene_uninit(&scene);
}

#if SP_ALLOCATIONS_COUNTED
/* Whoever asks the C library for memory is counted, oneDNN and its C++ too. */
TEST(a_frame_costs_no_allocation)
{
	struct sp_compute_config config = models();
	struct sp_compute *compute;
	struct scene scene;

	scene_init(&scene, "data/two_people.jpg", 9000);
	config.workers = 1;
	config.tiles = (struct sp_tile_config){ .areas_n = 1,
						.areas = { { { 100, 0, 900, 600 }, 0.9f } } };
	compute = open_cpu(&config);
	sp_allocations.everyone = true;
	sp_allocations.armed = true;
	for (int i = 0; i < 4; i++) {
		uint64_t before = sp_allocations.n;
		struct sp_result *r = look(compute, &scene);

		CHECK_EQ(r->faces_n, 2);
		cpu->put(compute, r);
		/* The first of its size makes the executor. */
		if (i)
			CHECK_EQ(sp_allocations.n, before);
		else
			CHECK(sp_allocations.n > before);
	}
	cpu->close(compute);
	scene_uninit(&scene);
}
#endif

TEST(search_goes_through_the_port)
{
	const float rows[3][2] = { { 1, 0 }, { 0, 1 }, { 0.6f, 0.8f } };
	const float queries[2][2] = { { 0, 1 }, { 1, 0 } };
	struct sp_gallery *gallery;
	struct sp_compute_config config = models();
	struct sp_compute *compute = open_cpu(&config);
	struct sp_hit hits[4];

	CHECK_EQ(cpu->gallery_open(compute, rows[0], 3, 2, &gallery, NULL), 0);
	CHECK_EQ(cpu->search(compute, gallery, queries[0], 2, 2, hits), 2);
	CHECK_EQ(hits[0].index, 1);
	CHECK_EQ(hits[1].index, 2);
	CHECK_NEAR(hits[1].similarity, 0.8, 1e-6);
	CHECK_EQ(hits[2].index, 0);
	CHECK_EQ(hits[3].index, 2);
	CHECK_EQ(cpu->search(compute, gallery, queries[0], 1, SP_HITS_MAX + 1, hits), -EINVAL);
	cpu->gallery_close(compute, gallery);
	CHECK_EQ(cpu->gallery_open(compute, NULL, 3, 2, &gallery, NULL), -EINVAL);
	CHECK_EQ(cpu->gallery_open(compute, rows[0], 3, 0, &gallery, NULL), -EINVAL);
	cpu->close(compute);
}

TEST_MAIN()
