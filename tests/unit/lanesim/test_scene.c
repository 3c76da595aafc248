/* SPDX-License-Identifier: Apache-2.0 */
/* Vehicles with people in them: the same seed the same picture, and a truth that fits it. */
#include "image/image.h"
#include "lanesim/scene/eye.h"
#include "lanesim/scene/post.h"
#include "lanesim/scene/scene.h"
#include "lanesim/scene/truth.h"
#include "test.h"

enum { WIDTH = 240, HEIGHT = 200 };

struct look {
	struct sp_image image;
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	uint32_t truths_n, occupants_n;
	uint64_t identities[LANESIM_OCCUPANTS_MAX];
};

static struct look look(const struct lanesim_scene_config *config, enum lanesim_post post,
			float seconds)
{
	struct lanesim_scene *scene;
	struct lanesim_eye *eye;
	struct look look = { .truths_n = 99 };

	CHECK_EQ(sp_image_init(&look.image, WIDTH, HEIGHT), 0);
	CHECK_EQ(lanesim_scene_create(config, &scene), 0);
	CHECK_EQ(lanesim_eye_create(&eye), 0);
	CHECK_EQ(lanesim_scene_look(scene, eye, post, seconds, &look.image, look.truths,
				    &look.truths_n),
		 0);
	look.occupants_n = lanesim_scene_occupants(scene);
	for (uint32_t i = 0; i < look.occupants_n; i++)
		look.identities[i] = lanesim_scene_identity(scene, i);
	lanesim_eye_destroy(eye);
	lanesim_scene_destroy(scene);
	return look;
}

/* How many bytes of the pictures differ. */
static size_t differences(const struct sp_image *a, const struct sp_image *b)
{
	size_t n = 0;

	for (size_t i = 0; i < (size_t)WIDTH * HEIGHT * 3; i++)
		n += a->rgb[i] != b->rgb[i];
	return n;
}

TEST(same_seed_same_bytes)
{
	struct lanesim_scene_config config = { .seed = 11, .occupants = 2 };
	struct look a = look(&config, LANESIM_WINDSHIELD_LEFT, .5f);
	struct look b = look(&config, LANESIM_WINDSHIELD_LEFT, .5f), c;

	CHECK_EQ(differences(&a.image, &b.image), 0);
	CHECK_EQ(a.truths_n, b.truths_n);
	for (uint32_t i = 0; i < a.truths_n; i++)
		CHECK(!memcmp(a.truths[i].landmark, b.truths[i].landmark,
			      sizeof(a.truths[i].landmark)));
	sp_image_uninit(&b.image);

	b = look(&config, LANESIM_WINDSHIELD_LEFT, 1.75f);
	CHECK(differences(&a.image, &b.image) > WIDTH * HEIGHT / 10);
	CHECK(a.truths[0].landmark[0][0] != b.truths[0].landmark[0][0]);
	config.seed = 12;
	c = look(&config, LANESIM_WINDSHIELD_LEFT, .5f);
	CHECK(differences(&a.image, &c.image) > WIDTH * HEIGHT);
	sp_image_uninit(&a.image);
	sp_image_uninit(&b.image);
	sp_image_uninit(&c.image);
}

TEST(nobody_gives_no_truth)
{
	struct lanesim_scene_config empty = { .seed = 5, .occupants = 0 };
	struct lanesim_scene_config lane = { .seed = 5, .occupants = -1, .no_vehicle = true };
	struct look a = look(&empty, LANESIM_SIDE_LEFT, 0), b = look(&lane, LANESIM_SIDE_LEFT, 0);

	CHECK_EQ(a.truths_n, 0);
	CHECK_EQ(b.truths_n, 0);
	CHECK_EQ(a.occupants_n, 0);
	CHECK_EQ(b.occupants_n, 0);
	CHECK(differences(&a.image, &b.image) > WIDTH * HEIGHT); /* a vehicle, and none */
	sp_image_uninit(&a.image);
	sp_image_uninit(&b.image);
}

TEST(occupants_follow_the_config)
{
	uint32_t counts[LANESIM_OCCUPANTS_MAX + 1] = { 0 };

	for (int n = 1; n <= LANESIM_OCCUPANTS_MAX; n += 5) {
		struct lanesim_scene_config config = { .seed = (uint64_t)n, .occupants = n };
		struct lanesim_scene *scene;

		CHECK_EQ(lanesim_scene_create(&config, &scene), 0);
		CHECK_EQ(lanesim_scene_occupants(scene), n);
		lanesim_scene_destroy(scene);
	}
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct lanesim_scene_config config = { .seed = seed, .occupants = -1 };
		struct lanesim_scene *scene;

		CHECK_EQ(lanesim_scene_create(&config, &scene), 0);
		CHECK(lanesim_scene_occupants(scene) >= 1);
		counts[lanesim_scene_occupants(scene)]++;
		lanesim_scene_destroy(scene);
	}
	CHECK(counts[1] < 8); /* not always the same */
}

TEST(identities_are_seated_in_order)
{
	static const uint64_t identities[] = { 77, 5, 1234 };
	struct lanesim_scene_config config = { .seed = 3,
					       .identities = identities,
					       .identities_n = 3,
					       .occupants = -1,
					       .plain = true };
	struct look a = look(&config, LANESIM_WINDSHIELD_RIGHT, 2);
	int seat = -1;

	CHECK_EQ(a.occupants_n, 3);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_EQ(a.identities[i], identities[i]);
	CHECK(a.truths_n >= 2);
	for (uint32_t i = 0; i < a.truths_n; i++) {
		CHECK(a.truths[i].seat > seat);
		seat = a.truths[i].seat;
		CHECK_EQ(a.truths[i].mask, false);
		CHECK_EQ(a.truths[i].sunglasses, false);
	}
	sp_image_uninit(&a.image);
}

TEST(truths_fit_the_picture)
{
	unsigned int frontal = 0;

	for (uint64_t seed = 40; seed < 43; seed++) {
		struct lanesim_scene_config config = { .seed = seed,
						       .occupants = 2,
						       .plain = true };
		struct look a = look(&config, LANESIM_WINDSHIELD_LEFT, 1);

		printf("seed %" PRIu64 ": %u faces\n", seed, a.truths_n);
		for (uint32_t i = 0; i < a.truths_n; i++) {
			const struct lanesim_truth *truth = &a.truths[i];

			for (unsigned int j = 0; j < LANESIM_LANDMARKS; j++) {
				float x = truth->landmark[j][0] - truth->box[0];
				float y = truth->landmark[j][1] - truth->box[1];

				CHECK(x >= 0 && x <= truth->box[2]);
				CHECK(y >= 0 && y <= truth->box[3]);
			}
			/* Front rows: 40 … 50 pixels in a picture 1224 wide. */
			CHECK(truth->eye_distance > 36.f * WIDTH / 1224 * .8f);
			CHECK(truth->eye_distance < 52.f * WIDTH / 1224 * 1.2f);
			if (truth->yaw > 30 || truth->yaw < -30)
				continue;
			frontal++;
			CHECK(truth->landmark[0][0] < truth->landmark[1][0]);
			CHECK(truth->landmark[3][0] < truth->landmark[4][0]);
			CHECK(truth->landmark[0][1] < truth->landmark[3][1]);
			CHECK(truth->visibility > .5f);
		}
		sp_image_uninit(&a.image);
	}
	CHECK(frontal >= 3);
}

/* A face-like plate of marks at the origin, a camera a metre before it, and a film with @depth. */
static bool measure(float depth_left, float depth_right, float yaw, struct lanesim_truth *truth)
{
	static const struct vec places[LANESIM_LANDMARKS] = {
		{ -3, 0, 0 }, { 3, 0, 0 }, { 0, -4, 0 }, { -2.5f, -7, 0 }, { 2.5f, -7, 0 }
	};
	struct rigid turn = lanesim_place(vec_make(0, 0, 0), yaw, 0);
	struct lanesim_view view = { .width = 100,
				     .height = 100,
				     .camera = RIGID_IDENTITY,
				     .focal = 250,
				     .cx = 50,
				     .cy = 50 };
	struct lanesim_marks marks = { .facing = { 0, 0, 1 } };
	struct lanesim_film film;
	bool is_face;

	view.camera.t.z = -100;
	CHECK_EQ(lanesim_film_init(&film, 100, 100), 0);
	for (uint32_t i = 0; i < 100 * 100; i++)
		film.depth[i] = i % 100 < 50 ? depth_left : depth_right;
	for (unsigned int i = 0; i < LANESIM_LANDMARKS; i++)
		marks.landmark[i] = places[i];
	for (unsigned int i = 0; i < LANESIM_PROBES; i++)
		marks.probe[i] = vec_make(i & 1 ? 2 : -2, (float)i * -.2f, 0);
	for (unsigned int i = 0; i < 8; i++)
		marks.outline[i] = vec_make(i & 1 ? 6 : -6, i & 2 ? 5 : -11, 0);
	is_face = lanesim_truth_measure(&marks, &turn, &view, &film, truth);
	lanesim_film_uninit(&film);
	return is_face;
}

TEST(occluders_lower_visibility)
{
	struct lanesim_truth truth;

	CHECK(measure(100, 100, 0, &truth));
	CHECK_NEAR(truth.visibility, 1, 1e-6);
	CHECK_NEAR(truth.eye_distance, 15, .01);
	CHECK_NEAR(truth.yaw, 0, .01);
	CHECK_NEAR(truth.roll, 0, .01);
	CHECK(truth.landmark_visible[0] && truth.landmark_visible[1]);
	CHECK(measure(70, 100, 0, &truth)); /* a pillar before the picture's left half */
	CHECK_NEAR(truth.visibility, .5, 1e-6);
	CHECK(!truth.landmark_visible[0] && truth.landmark_visible[1]);
	CHECK(!truth.landmark_visible[3] && truth.landmark_visible[4]);
}

TEST(turns_are_measured_towards_the_camera)
{
	struct lanesim_truth truth;

	CHECK(measure(50, 50, .5f, &truth));
	CHECK_NEAR(truth.yaw, .5 * 57.29578, .05);
	CHECK_NEAR(truth.pitch, 0, .05);
	CHECK_NEAR(truth.roll, 0, .05);
	CHECK_NEAR(truth.visibility, 0, 1e-6);
	CHECK(!measure(100, 100, 2.2f, &truth)); /* away */
}

TEST(truth_is_told_as_json)
{
	struct lanesim_truth truth;
	json_t *json;

	CHECK(measure(70, 100, 0, &truth));
	truth.identity = 42;
	truth.seat = 3;
	json = lanesim_truth_json(&truth);
	CHECK(json != NULL);
	CHECK_EQ(json_integer_value(json_object_get(json, "identity")), 42);
	CHECK_EQ(json_integer_value(json_object_get(json, "seat")), 3);
	CHECK_EQ(json_array_size(json_object_get(json, "landmarks")), LANESIM_LANDMARKS);
	CHECK_NEAR(json_real_value(json_object_get(json, "visibility")), .5, 1e-6);
	json_decref(json);
}

TEST_MAIN()
