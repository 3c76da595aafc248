/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend on the (emulated) device finds, measures and embeds the same faces as the CPU's, for
 * frames made of packets in every kind of format, with losses, tiles, several cameras and sizes.
 */
#include <math.h>

#include "backend_scene.h"
#include "card.h"
#include "emulator.h"
#include "test.h"

enum { FRAMES_MAX = 8 };

/* How far results may be from the CPU's. */
struct tolerance {
	float box, landmark, score, cosine; /* pixels; pixels; … */
	float measure; /* relative, of each measure of quality */
};

static const struct tolerance tight = { 0.02f, 0.01f, 0.001f, 0.9999f, 0.01f };
static const struct tolerance loose = { 1.0f, 0.25f, 0.02f, 0.998f, 0.1f };

static struct sp_compute *open_one(const struct sp_compute_ops *ops,
				   const struct sp_compute_config *config)
{
	struct sp_compute *compute;
	struct sp_err err;

	if (ops->open(config, &compute, &err))
		FAIL("%s: %s", ops->name, err.text);
	return compute;
}

static float cosine(const float *a, const float *b, unsigned int n)
{
	double sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return (float)sum;
}

static void check_near(const char *what, unsigned int frame, unsigned int face, float got,
		       float want, float tolerance)
{
	if (!(fabsf(got - want) <= tolerance))
		FAIL("frame %u, face %u: %s is %g, the CPU's %g (± %g)", frame, face, what,
		     (double)got, (double)want, (double)tolerance);
}

static void check_quality(unsigned int frame, unsigned int i, const struct sp_quality *got,
			  const struct sp_quality *want, const struct tolerance *t)
{
	static const struct {
		const char *name;
		size_t at;
		float floor; /* the least that the tolerance is of */
	} members[] = {
		{ "eye_distance", offsetof(struct sp_quality, eye_distance), 10 },
		{ "yaw", offsetof(struct sp_quality, yaw), 30 },
		{ "pitch", offsetof(struct sp_quality, pitch), 30 },
		{ "roll", offsetof(struct sp_quality, roll), 30 },
		{ "sharpness", offsetof(struct sp_quality, sharpness), 10 },
		{ "exposure", offsetof(struct sp_quality, exposure), 0.1f },
		{ "occlusion", offsetof(struct sp_quality, occlusion), 0.1f },
		{ "network", offsetof(struct sp_quality, network), 0.2f },
		{ "score", offsetof(struct sp_quality, score), 0.2f },
		{ "yaw_error", offsetof(struct sp_quality, yaw_error), 5 },
		{ "underexposed", offsetof(struct sp_quality, underexposed), 0.1f },
		{ "overexposed", offsetof(struct sp_quality, overexposed), 0.1f },
		{ "dynamic_range", offsetof(struct sp_quality, dynamic_range), 4 },
		{ "contrast", offsetof(struct sp_quality, contrast), 0.1f },
		{ "evenness", offsetof(struct sp_quality, evenness), 0.5f },
		{ "aligned_occlusion", offsetof(struct sp_quality, aligned_occlusion), 0.1f },
		{ "margin_left", offsetof(struct sp_quality, margin_left), 2 },
		{ "margin_below", offsetof(struct sp_quality, margin_below), 2 },
	};

	CHECK_EQ(got->detailed, want->detailed);
	for (size_t m = 0; m < sizeof(members) / sizeof(members[0]); m++) {
		float a, b;

		memcpy(&a, (const char *)got + members[m].at, sizeof(a));
		memcpy(&b, (const char *)want + members[m].at, sizeof(b));
		check_near(members[m].name, frame, i, a, b,
			   t->measure * fmaxf(fabsf(b), members[m].floor));
	}
}

/* Levels differ by a little where the box does not. */
static void check_portrait(unsigned int frame, unsigned int i, const struct sp_portrait *got,
			   const struct sp_portrait *want)
{
	unsigned int off = 0;
	size_t n;

	CHECK(!got == !want);
	if (!got || got->width != want->width || got->height != want->height)
		return;
	n = (size_t)got->width * got->height * 3;
	for (size_t k = 0; k < n; k++)
		off += abs(got->rgb[k] - want->rgb[k]) > 2;
	if (off > n / 100)
		FAIL("frame %u, face %u: %u of %zu levels of the portrait are off", frame, i, off,
		     n);
}

static void check_face(unsigned int frame, unsigned int i, const struct sp_face *got,
		       const struct sp_face *want, unsigned int size, const struct tolerance *t)
{
	for (unsigned int c = 0; c < 4; c++)
		check_near("the box", frame, i, got->box[c], want->box[c], t->box);
	for (unsigned int p = 0; p < 5; p++)
		for (unsigned int c = 0; c < 2; c++)
			check_near("a landmark", frame, i, got->landmark[p][c],
				   want->landmark[p][c], t->landmark);
	check_near("the score", frame, i, got->score, want->score, t->score);
	if (got->reasons != want->reasons)
		FAIL("frame %u, face %u: reasons 0x%x, the CPU's 0x%x", frame, i, got->reasons,
		     want->reasons);
	check_quality(frame, i, &got->quality, &want->quality, t);
	CHECK_EQ(got->embedded, want->embedded);
	if (got->embedded && !(cosine(got->embedding, want->embedding, size) >= t->cosine))
		FAIL("frame %u, face %u: cosine %g", frame, i,
		     (double)cosine(got->embedding, want->embedding, size));
	check_portrait(frame, i, got->portrait, want->portrait);
}

static struct sp_result *result_of(struct sp_result **results, unsigned int n, uint64_t block)
{
	for (unsigned int i = 0; i < n; i++)
		if (results[i]->block_id == block)
			return results[i];
	FAIL("no result of frame %llu", (unsigned long long)block);
}

/* Both look at the same frames; returns how many faces there were. */
static unsigned int compare(struct sp_compute *cpu, struct sp_compute *cuda,
			    struct scene_frame *frames, unsigned int n, const struct tolerance *t)
{
	struct sp_result *want[FRAMES_MAX], *got[FRAMES_MAX];
	struct sp_frame *list[FRAMES_MAX];
	unsigned int released, readable = 0, faces = 0;

	for (unsigned int i = 0; i < n; i++) {
		list[i] = &frames[i].frame;
		list[i]->block_id = i;
	}
	scene_run(cpu, list, n, want, &released);
	scene_run(cuda, list, n, got, &released);
	for (unsigned int i = 0; i < n; i++) {
		struct sp_result *a = result_of(got, n, i), *b = result_of(want, n, i);

		CHECK_EQ(a->cause, b->cause);
		CHECK_EQ(a->error, b->error);
		CHECK_EQ(a->faces_n, b->faces_n);
		CHECK_EQ(a->faces_dropped, b->faces_dropped);
		readable += a->cause == SP_RESULT_FACES;
		CHECK(!a->frame == (a->cause == SP_RESULT_FACES));
		for (unsigned int k = 0; k < a->faces_n; k++)
			check_face(i, k, &a->faces[k], &b->faces[k], cpu->info.embedding_size, t);
		faces += a->faces_n;
	}
	CHECK_EQ(released, readable);
	for (unsigned int i = 0; i < n; i++) {
		want[i]->frame = got[i]->frame = NULL;
		cpu->ops->put(cpu, want[i]);
		cuda->ops->put(cuda, got[i]);
	}
	return faces;
}

struct pair {
	struct sp_compute *cpu, *cuda;
};

static struct pair open_pair(const struct sp_compute_config *config, struct scene *scene)
{
	struct pair pair = { open_one(&sp_compute_cpu, config), open_one(scene_backend(), config) };
	struct sp_err err;

	if (pair.cuda->ops->register_region(pair.cuda, &scene->region, &err))
		FAIL("%s", err.text);
	return pair;
}

static void close_pair(struct pair *pair)
{
	pair->cpu->ops->close(pair->cpu);
	pair->cuda->ops->close(pair->cuda);
	CHECK_EQ(sp_emulator_leaks(), 0);
}

TEST(every_kind_of_format)
{
	static const struct {
		uint32_t code, padding, stride;
	} cases[] = {
		{ SP_PFNC_RGB8, 0, 1440 },	 { SP_PFNC_BAYER_RG8, 0, 1437 },
		{ SP_PFNC_MONO8, 8, 8963 },	 { SP_PFNC_YUV422_8, 0, 1000 },
		{ SP_PFNC_BAYER_GB12P, 0, 777 }, { SP_PFNC_MONO10P, 0, 1464 },
	};
	struct sp_compute_config config = scene_config();
	struct scene_frame frames[6];
	struct sp_image image;
	struct scene scene;
	struct pair pair;
	unsigned int faces;

	config.embedder = NULL; /* the quality network sees the same cut-outs */
	scene_photograph("data/obama.jpg", 320, 256, &image);
	scene_init(&scene, 4 << 20);
	for (unsigned int i = 0; i < 6; i++)
		scene_add(&scene, &image, cases[i].code, cases[i].padding, cases[i].stride,
			  &frames[i]);
	pair = open_pair(&config, &scene);
	faces = compare(pair.cpu, pair.cuda, frames, 6, &tight);
	printf("# %u faces in 6 frames\n", faces);
	CHECK(faces >= 6);
	close_pair(&pair);
	for (unsigned int i = 0; i < 6; i++)
		scene_frame_uninit(&frames[i]);
	scene_uninit(&scene);
	sp_image_uninit(&image);
}

/* Some packets are lost, under the face or not, by seed. */
TEST(losses_are_seen_alike)
{
	struct sp_compute_config config = scene_config();
	struct scene_frame frames[4];
	struct sp_image image;
	struct scene scene;
	struct pair pair;
	unsigned int faces;
	uint64_t random = 5;

	config.embed_invalid = false;
	scene_photograph("data/obama.jpg", 320, 256, &image);
	scene_init(&scene, 4 << 20);
	for (unsigned int i = 0; i < 4; i++) {
		scene_add(&scene, &image, i % 2 ? SP_PFNC_BAYER_BG8 : SP_PFNC_RGB8, 0, 500,
			  &frames[i]);
		for (unsigned int k = 0; k < 4 * i; k++)
			scene_lose(&frames[i],
				   (uint32_t)(card_random(&random) % frames[i].frame.packets));
	}
	pair = open_pair(&config, &scene);
	faces = compare(pair.cpu, pair.cuda, frames, 4, &tight);
	CHECK(faces >= 4);
	close_pair(&pair);
	for (unsigned int i = 0; i < 4; i++)
		scene_frame_uninit(&frames[i]);
	scene_uninit(&scene);
	sp_image_uninit(&image);
}

/* A camera that is looked at in tiles, one in a part, one of another size, and one as a whole. */
TEST(cameras_with_looks_and_sizes_of_their_own)
{
	struct sp_compute_camera cameras[] = {
		{ .lane = 1, .camera = 1, .tiles = { .eyes_min = 10 } },
		{ .lane = 1,
		  .camera = 2,
		  .tiles = { .no_whole = true,
			     .areas_n = 1,
			     .areas = { { { 100, 0, 320, 256 }, 0.5f } } } },
	};
	static const uint32_t sizes[4][2] = {
		{ 300, 240 }, { 480, 384 }, { 320, 256 }, { 201, 161 }
	};
	struct sp_compute_config config = scene_config();
	struct scene_frame frames[4];
	struct scene scene;
	struct pair pair;
	unsigned int faces;

	config.cameras = cameras;
	config.cameras_n = 2;
	config.embedder = config.quality = NULL; /* those see the same faces, however found */
	config.frame_bytes = 1 << 20;
	scene_init(&scene, 4 << 20);
	for (unsigned int i = 0; i < 4; i++) {
		struct sp_image image;

		scene_photograph("data/two_people.jpg", sizes[i][0], sizes[i][1], &image);
		scene_add(&scene, &image, SP_PFNC_RGB8, 0, 1440, &frames[i]);
		frames[i].frame.lane = 1;
		frames[i].frame.camera = (uint16_t)(i + 1);
		sp_image_uninit(&image);
	}
	pair = open_pair(&config, &scene);
	faces = compare(pair.cpu, pair.cuda, frames, 4, &tight);
	printf("# %u faces in 4 frames\n", faces);
	CHECK(faces >= 4);
	close_pair(&pair);
	for (unsigned int i = 0; i < 4; i++)
		scene_frame_uninit(&frames[i]);
	scene_uninit(&scene);
}

/* More sizes than are kept, each the frame's own, in turns: networks go and are made again. */
TEST(frames_in_their_own_size)
{
	struct sp_compute_config config = scene_config();
	struct scene_frame frames[8];
	struct scene scene;
	struct pair pair;
	unsigned int faces = 0, rounds = card_long() ? 2 : 1;

	config.detect_width = config.detect_height = 0;
	config.embedder = NULL;
	scene_init(&scene, 4 << 20);
	for (unsigned int i = 0; i < 8; i++) {
		struct sp_image image;

		scene_photograph("data/obama.jpg", 100 + 32 * (i % 6), 128, &image);
		scene_add(&scene, &image, SP_PFNC_MONO8, 0, 1440, &frames[i]);
		sp_image_uninit(&image);
	}
	pair = open_pair(&config, &scene);
	CHECK_EQ(pair.cuda->info.embedding_size, 0);
	for (unsigned int round = 0; round < rounds; round++)
		faces += compare(pair.cpu, pair.cuda, frames, 8, &tight);
	CHECK(faces >= 8 * rounds);
	close_pair(&pair);
	for (unsigned int i = 0; i < 8; i++)
		scene_frame_uninit(&frames[i]);
	scene_uninit(&scene);
}

/*
 * As it comes by default; the same batch again and again is launched as a graph from the second on.
 */
TEST(bfloat16_and_graphs)
{
	struct sp_compute_config config = scene_config();
	struct scene_frame frames[2];
	struct sp_image image;
	struct scene scene;
	struct pair pair;

	config.precision = SP_PRECISION_AUTO;
	config.batch = 2;
	config.in_flight = 2;
	scene_photograph("data/obama.jpg", 320, 256, &image);
	scene_init(&scene, 4 << 20);
	for (unsigned int i = 0; i < 2; i++)
		scene_add(&scene, &image, SP_PFNC_BAYER_RG8, 0, 1440, &frames[i]);
	pair = open_pair(&config, &scene);
	CHECK_EQ(pair.cuda->info.precision, SP_PRECISION_BF16);
	CHECK(strstr(pair.cuda->info.kernels, "cuda sm_90 bf16"));
	for (unsigned int seed = 1; seed <= (card_long() ? 3 : 2); seed++) {
		sp_emulator_seed(seed);
		CHECK(compare(pair.cpu, pair.cuda, frames, 2, &loose) >= 2);
	}
	CHECK(sp_emulator_alive().execs > 0);
	close_pair(&pair);
	for (unsigned int i = 0; i < 2; i++)
		scene_frame_uninit(&frames[i]);
	scene_uninit(&scene);
	sp_image_uninit(&image);
}

/* YuNet and LightQNet, which has points and a side of its own. */
TEST(networks_of_others)
{
	struct sp_compute_config config = scene_config();
	struct scene_frame frame;
	struct sp_image image;
	struct scene scene;
	struct pair pair;

	config.detector = sp_test_shared("models/yunet_n_dynamic.onnx");
	config.quality = sp_test_shared("models/lightqnet_dm025.onnx");
	config.embedder = NULL;
	config.in_flight = 1;
	scene_photograph("data/obama.jpg", 320, 256, &image);
	scene_init(&scene, 1 << 20);
	scene_add(&scene, &image, SP_PFNC_RGB8, 0, 1440, &frame);
	pair = open_pair(&config, &scene);
	CHECK_EQ(compare(pair.cpu, pair.cuda, &frame, 1, &tight), 1);
	close_pair(&pair);
	scene_frame_uninit(&frame);
	scene_uninit(&scene);
	sp_image_uninit(&image);
}

/* What cannot be read has the cause and the error that the CPU gives it. */
TEST(what_cannot_be_read)
{
	struct sp_compute_config config = scene_config();
	struct scene_frame frames[5];
	struct sp_image image;
	struct scene scene;
	struct pair pair;

	scene_photograph("data/obama.jpg", 160, 128, &image);
	scene_init(&scene, 1 << 20);
	for (unsigned int i = 0; i < 5; i++)
		scene_add(&scene, &image, SP_PFNC_RGB8, 0, 1440, &frames[i]);
	frames[0].frame.pixel_format = 0x12345678;
	frames[1].frame.width = 0;
	frames[2].frame.height += 1;
	frames[3].frame.parts_n = 0;
	pair = open_pair(&config, &scene);
	CHECK(compare(pair.cpu, pair.cuda, frames, 5, &tight) >= 1);
	close_pair(&pair);
	for (unsigned int i = 0; i < 5; i++)
		scene_frame_uninit(&frames[i]);
	scene_uninit(&scene);
	sp_image_uninit(&image);
}

TEST_MAIN()
