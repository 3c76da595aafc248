/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faces that are small in a frame of twelve megapixels: nobody sees them in the whole frame made
 * small, and tiles find each exactly once.
 */
#include <math.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/region.h"
#include "frame/frame.h"
#include "image/image.h"
#include "infer/compute.h"
#include "lanesim/scene/scene.h"
#include "test.h"
#include "wire/pfnc.h"

enum { WIDTH = 4096, HEIGHT = 3000, INPUT = 640, PEOPLE_MAX = 16 };

static const struct sp_compute_ops *const cpu = &sp_compute_cpu;

struct person {
	float x, y; /* a point of the face, pixels of the frame */
	float eyes; /* pixels between them */
};

struct street {
	struct sp_image image;
	struct person people[PEOPLE_MAX];
	int people_n;
	struct sp_region region;
	struct sp_frame_wrap wrap;
};

/* A wall of smooth shades, in which there is no face. */
static void street_init(struct street *street)
{
	memset(street, 0, sizeof(*street));
	CHECK_EQ(sp_image_init(&street->image, WIDTH, HEIGHT), 0);
	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++)
			memset(street->image.rgb + ((size_t)y * WIDTH + x) * 3,
			       (int)(70 + (x / 37 + y / 23) % 90), 3);
}

static void street_uninit(struct street *street)
{
	sp_image_uninit(&street->image);
}

static struct sp_frame *street_frame(struct street *street, uint16_t camera)
{
	street->region = (struct sp_region){ .base = street->image.rgb,
					     .size = (size_t)WIDTH * HEIGHT * 3 };
	CHECK_EQ(sp_frame_wrap(&street->wrap, &street->region, 0, WIDTH, HEIGHT, SP_PFNC_RGB8), 0);
	street->wrap.frame.camera = camera;
	return &street->wrap.frame;
}

static void add_person(struct street *street, float x, float y, float eyes)
{
	CHECK(street->people_n < PEOPLE_MAX);
	street->people[street->people_n++] = (struct person){ x, y, eyes };
}

static struct sp_compute *open_cpu(const struct sp_compute_config *config)
{
	struct sp_compute *compute;
	struct sp_err err;

	if (cpu->open(config, &compute, &err))
		FAIL("%s", err.text);
	return compute;
}

static struct sp_result *look(struct sp_compute *compute, struct sp_frame *frame)
{
	struct sp_result *result;

	CHECK_EQ(cpu->submit(compute, &frame, 1), 1);
	while (!cpu->poll(compute, &result, 1))
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	CHECK_EQ(result->cause, SP_RESULT_FACES);
	return result;
}

/*
 * How many of the people are found. Each must be found once, and nobody else, in the frame of
 * @camera.
 */
static int find(struct sp_compute *compute, struct street *street, uint16_t camera)
{
	struct sp_result *result = look(compute, street_frame(street, camera));
	int found = 0, elsewhere = (int)(result->faces_n + result->faces_dropped);

	for (int i = 0; i < street->people_n; i++) {
		const struct person *p = &street->people[i];
		int times = 0;

		for (uint32_t k = 0; k < result->faces_n; k++) {
			const float *box = result->faces[k].box;

			times += p->x > box[0] && p->x < box[0] + box[2] && p->y > box[1] &&
				 p->y < box[1] + box[3];
		}
		if (times > 1)
			FAIL("a face of %g pixels between the eyes at %g, %g is found %d times",
			     (double)p->eyes, (double)p->x, (double)p->y, times);
		found += times;
		elsewhere -= times;
	}
	CHECK_EQ(elsewhere, 0);
	cpu->put(compute, result);
	return found;
}

/* ---- photographs ---- */

/* Of LFW's development photographs, 250 × 250, with one face each: its eyes, by YuNet. */
static const struct {
	const char *name;
	float eyes[4]; /* x, y of the person's right, then left */
} photographs[] = {
	{ "Abdullah_al-Attiyah/Abdullah_al-Attiyah_0001.jpg", { 111, 111, 153, 110 } },
	{ "Akbar_Hashemi_Rafsanjani/Akbar_Hashemi_Rafsanjani_0001.jpg", { 101, 108, 147, 109 } },
	{ "Al_Sharpton/Al_Sharpton_0001.jpg", { 107, 111, 154, 113 } },
	{ "Al_Sharpton/Al_Sharpton_0004.jpg", { 102, 116, 145, 114 } },
	{ "Alec_Baldwin/Alec_Baldwin_0003.jpg", { 105, 116, 145, 114 } },
	{ "Allyson_Felix/Allyson_Felix_0002.jpg", { 107, 113, 148, 114 } },
	{ "Ana_Palacio/Ana_Palacio_0001.jpg", { 103, 114, 146, 115 } },
	{ "Annette_Bening/Annette_Bening_0001.jpg", { 105, 113, 150, 113 } },
	{ "Anthony_Hopkins/Anthony_Hopkins_0002.jpg", { 102, 112, 147, 107 } },
	{ "Antonio_Banderas/Antonio_Banderas_0004.jpg", { 104, 114, 145, 114 } },
	{ "Azra_Akin/Azra_Akin_0001.jpg", { 103, 118, 146, 116 } },
	{ "Begum_Khaleda_Zia/Begum_Khaleda_Zia_0001.jpg", { 91, 118, 140, 115 } },
};

enum { PHOTOGRAPHS = sizeof(photographs) / sizeof(photographs[0]), PHOTOGRAPH_SIDE = 250 };

/* Photograph @i made so small that @eyes pixels are between the eyes, at (x, y). */
static void put_up(struct street *street, int i, int x, int y, float eyes)
{
	const float *e = photographs[i].eyes;
	float scale = eyes / hypotf(e[2] - e[0], e[3] - e[1]);
	uint32_t side = (uint32_t)lrintf(PHOTOGRAPH_SIDE * scale);
	struct sp_image photograph, small;
	char name[128];
	struct sp_err err;

	snprintf(name, sizeof(name), "data/lfw_dev_small/%s", photographs[i].name);
	if (sp_image_read(sp_test_shared(name), &photograph, &err))
		FAIL("%s", err.text);
	CHECK_EQ(photograph.width, PHOTOGRAPH_SIDE);
	CHECK_EQ(sp_image_init(&small, side, side), 0);
	sp_image_letterbox(&small, &photograph);
	sp_image_draw_image(&street->image, x, y, &small);
	add_person(street, (float)x + scale * (e[0] + e[2]) / 2,
		   (float)y + scale * ((e[1] + e[3]) / 2 + 20), eyes);
	sp_image_uninit(&small);
	sp_image_uninit(&photograph);
}

static struct sp_compute_config small_input(const char *detector)
{
	return (struct sp_compute_config){
		.detector = detector,
		.precision = SP_PRECISION_F32,
		.workers = 1,
		.in_flight = 1,
		.detect_width = INPUT,
		.detect_height = INPUT,
	};
}

TEST(photographs_of_16_to_24_pixels_between_the_eyes)
{
	/* The third camera looks at the left half of the frame alone, at every second pixel. */
	struct sp_compute_camera cameras[] = {
		{ .camera = 1, .tiles = { .eyes_min = 16 } },
		{ .camera = 2,
		  .tiles = { .no_whole = true,
			     .areas_n = 1,
			     .areas = { { { 0, 0, WIDTH / 2, HEIGHT }, 0.5f } } } },
	};
	/* sp_test_shared keeps a few names only. */
	char *detector = strdup(sp_test_shared("models/yunet_n_dynamic.onnx"));
	struct sp_compute_config config = small_input(detector);
	struct sp_compute *compute;
	struct street street;

	street_init(&street);
	/* Four columns, three lines: some across the borders of tiles. */
	for (int i = 0; i < PHOTOGRAPHS; i++)
		put_up(&street, i, 150 + i % 4 * 1020, 100 + i / 4 * 1010, 16 + 4 * (float)(i % 3));
	config.cameras = cameras;
	config.cameras_n = 2;
	compute = open_cpu(&config);
	CHECK_EQ(find(compute, &street, 0), 0);
	CHECK_EQ(find(compute, &street, 1), PHOTOGRAPHS);
	CHECK_EQ(find(compute, &street, 2), PHOTOGRAPHS / 2);
	cpu->close(compute);
	street_uninit(&street);
	free(detector);
}

/* Tiles see parts of it only, and the whole frame all of it. */
TEST(a_photograph_larger_than_a_tile)
{
	char *detector = strdup(sp_test_shared("models/yunet_n_dynamic.onnx"));
	struct sp_compute_config config = small_input(detector);
	struct sp_compute *compute;
	struct street street;

	street_init(&street);
	put_up(&street, 3, 200, 300, 20);
	put_up(&street, 0, 1300, 700, 280);
	config.tiles = (struct sp_tile_config){ .areas_n = 1,
						.areas = { { { 0, 0, 4000, 2000 }, 1 } } };
	compute = open_cpu(&config);
	CHECK_EQ(find(compute, &street, 0), 2);
	cpu->close(compute);
	street_uninit(&street);
	free(detector);
}

/* Beyond an area's border nobody looks: what reaches it is found, and not valid. */
TEST(a_photograph_that_an_area_cuts)
{
	char *detector = strdup(sp_test_shared("models/yunet_n_dynamic.onnx"));
	struct sp_compute_config config = small_input(detector);
	struct sp_compute *compute;
	struct sp_result *result;
	struct sp_frame *frame;
	struct street street;

	street_init(&street);
	put_up(&street, 0, 1000, 1000, 60);
	/* Up to the mouth of a face 180 pixels high, then all of it. */
	for (int whole = 0; whole < 2; whole++) {
		uint32_t bottom = whole ? 600 : (uint32_t)street.people[0].y + 22 - 900;

		config.tiles =
			(struct sp_tile_config){ .no_whole = true,
						 .areas_n = 1,
						 .areas = { { { 900, 900, 500, bottom }, 1 } } };
		compute = open_cpu(&config);
		frame = street_frame(&street, 0);
		result = look(compute, frame);
		CHECK_EQ(result->faces_n, 1);
		CHECK_EQ(result->faces[0].reasons, whole ? 0 : SP_FACE_CUT);
		cpu->put(compute, result);
		cpu->close(compute);
	}
	street_uninit(&street);
	free(detector);
}

/* ---- our own detector, and travellers that a program draws: what a bare clone has ---- */

enum { VIEW_WIDTH = 576, VIEW_HEIGHT = 480 };

/* What the camera at a post sees of a vehicle, at (x, y) of the frame. */
static void drive_by(struct street *street, uint64_t seed, int x, int y)
{
	const struct lanesim_scene_config config = { .seed = seed, .occupants = 2, .plain = true };
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	struct lanesim_scene *scene;
	struct lanesim_eye *eye;
	struct sp_image view;
	uint32_t n;

	CHECK_EQ(sp_image_init(&view, VIEW_WIDTH, VIEW_HEIGHT), 0);
	CHECK_EQ(lanesim_scene_create(&config, &scene), 0);
	CHECK_EQ(lanesim_eye_create(&eye), 0);
	CHECK_EQ(lanesim_scene_look(scene, eye, LANESIM_WINDSHIELD_LEFT, 0.5f, &view, truths, &n),
		 0);
	sp_image_draw_image(&street->image, x, y, &view);
	for (uint32_t i = 0; i < n; i++) {
		const struct lanesim_truth *t = &truths[i];
		add_person(street, (float)x + t->box[0] + t->box[2] / 2,
			   (float)y + t->box[1] + t->box[3] / 2, t->eye_distance);
	}
	lanesim_eye_destroy(eye);
	lanesim_scene_destroy(scene);
	sp_image_uninit(&view);
}

TEST(travellers_that_our_detector_finds)
{
	static const uint64_t seeds[4] = { 100, 103, 104, 106 };
	/* They have 17 to 23 pixels between the eyes; our detector wants 10. */
	struct sp_compute_camera camera = { .camera = 1, .tiles = { .eyes_min = 12 } };
	struct sp_compute_config config = small_input("models/sallyport_detector.onnx");
	struct sp_compute *compute;
	struct street street;

	if (access(config.detector, R_OK))
		SKIP("%s is not there (tools/train/recipe)", config.detector);
	street_init(&street);
	for (int i = 0; i < 4; i++)
		drive_by(&street, seeds[i], 100 + i % 2 * 1700, 130 + i / 2 * 1300);
	config.cameras = &camera;
	config.cameras_n = 1;
	compute = open_cpu(&config);
	CHECK_EQ(find(compute, &street, 0), 0);
	CHECK_EQ(find(compute, &street, 1), street.people_n);
	CHECK_EQ(street.people_n, 8);
	cpu->close(compute);
	street_uninit(&street);
}

TEST_MAIN()
