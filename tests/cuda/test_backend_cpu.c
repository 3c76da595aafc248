/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend on the (emulated) device finds, measures and embeds the same faces as the CPU's, for
 * frames made of packets in every kind of format, with losses, tiles, several cameras and sizes.
 */
#include <math.h>

#include "backend_scene.h"
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

TEST_MAIN()
