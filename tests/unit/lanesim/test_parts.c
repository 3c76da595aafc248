/* SPDX-License-Identifier: Apache-2.0 */
/* Hair, ears, torso and what is worn: of every style, sound and the same each time. */
#include "test.h"

#include "base/random.h"
#include "lanesim/person/build.h"
#include "lanesim/render/approx.h"

enum { VERTICES_MAX = 15000 };

static void start(struct lanesim_build *build, const struct lanesim_identity *identity,
		  const struct lanesim_wear *wear)
{
	memset(build, 0, sizeof(*build));
	build->identity = identity;
	build->wear = wear;
	lanesim_mesh_init(&build->mesh);
}

static void build_parts(struct lanesim_build *build)
{
	lanesim_build_ears(build);
	lanesim_build_hair(build);
	lanesim_build_torso(build);
	lanesim_build_wear(build);
}

static void end(struct lanesim_build *build)
{
	for (uint32_t i = 0; i < build->textures_n; i++)
		lanesim_texture_uninit(&build->textures[i]);
	lanesim_mesh_uninit(&build->mesh);
	free(build->with_head);
}

static bool finite_vec(struct vec a)
{
	return isfinite(a.x) && isfinite(a.y) && isfinite(a.z);
}

static void check_build(const struct lanesim_build *build)
{
	const struct lanesim_mesh *mesh = &build->mesh;

	CHECK(!build->failed);
	CHECK(!mesh->failed);
	CHECK(mesh->vertices_n > 1000);
	CHECK(mesh->vertices_n <= VERTICES_MAX);
	for (uint32_t i = 0; i < mesh->vertices_n; i++) {
		const struct lanesim_vertex *vertex = &mesh->vertices[i];

		CHECK(finite_vec(vertex->p));
		CHECK(vec_length(vertex->p) < 80);
		CHECK_NEAR(vec_length(vertex->n), 1, 1e-3);
		CHECK_NEAR(vec_length(vertex->soft), 1, 1e-3);
		CHECK(vertex->sky >= 0 && vertex->sky <= 1.001f);
		CHECK(build->with_head[i] >= 0 && build->with_head[i] <= 1);
	}
	for (uint32_t i = 0; i < mesh->triangles_n; i++) {
		const struct lanesim_triangle *triangle = &mesh->triangles[i];
		const struct lanesim_texture *texture = mesh->surfaces[triangle->surface].texture;

		CHECK(triangle->surface < mesh->surfaces_n);
		for (int k = 0; k < 3; k++) {
			const struct lanesim_vertex *vertex = &mesh->vertices[triangle->vertex[k]];

			CHECK(triangle->vertex[k] < mesh->vertices_n);
			CHECK(!texture || (vertex->u >= 0 && vertex->u <= (float)texture->width));
			CHECK(!texture || (vertex->v >= 0 && vertex->v <= (float)texture->height));
		}
	}
}

TEST(every_style_with_every_hat_and_beard)
{
	for (uint32_t i = 0; i < LANESIM_HAIRS * LANESIM_HATS * LANESIM_BEARDS; i++) {
		struct lanesim_identity identity;
		struct lanesim_wear wear;
		struct lanesim_build build;

		lanesim_identity_draw(&identity, 900 + i);
		identity.hair = i % LANESIM_HAIRS;
		lanesim_wear_draw(&wear, &identity, i);
		wear.hat = i / LANESIM_HAIRS % LANESIM_HATS;
		identity.beard = i / (LANESIM_HAIRS * LANESIM_HATS);
		wear.mask = i % 3 == 0;
		wear.sunglasses = i % 5 == 0;
		start(&build, &identity, &wear);
		build_parts(&build);
		check_build(&build);
		end(&build);
	}
}

static uint64_t digest_bytes(uint64_t sum, const void *data, size_t n)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * 0x100000001B3u;
	return sp_random_mix(sum);
}

static uint64_t digest(const struct lanesim_build *build)
{
	const struct lanesim_mesh *mesh = &build->mesh;
	uint64_t sum = digest_bytes(1, mesh->vertices, mesh->vertices_n * sizeof(*mesh->vertices));

	sum = digest_bytes(sum, mesh->triangles, mesh->triangles_n * sizeof(*mesh->triangles));
	sum = digest_bytes(sum, build->with_head, mesh->vertices_n * sizeof(*build->with_head));
	for (uint32_t i = 0; i < build->textures_n; i++)
		sum = digest_bytes(sum, build->textures[i].texels,
				   (size_t)build->textures[i].width * build->textures[i].height *
					   sizeof(struct lanesim_texel));
	return sum;
}

TEST(same_person_same_bytes)
{
	uint64_t before = 0;

	for (uint32_t seed = 1; seed < 25; seed++) {
		uint64_t sums[2];

		for (int k = 0; k < 2; k++) {
			struct lanesim_identity identity;
			struct lanesim_wear wear;
			struct lanesim_build build;

			lanesim_identity_draw(&identity, seed);
			lanesim_wear_draw(&wear, &identity, 3);
			start(&build, &identity, &wear);
			build_parts(&build);
			sums[k] = digest(&build);
			end(&build);
		}
		if (sums[0] != sums[1] || sums[0] == before)
			FAIL("seed %u", seed);
		before = sums[0];
	}
}

TEST(hairline_keeps_off_the_face)
{
	for (uint32_t seed = 0; seed < 200; seed++) {
		struct lanesim_identity identity;
		float line;

		lanesim_identity_draw(&identity, seed);
		line = lanesim_get(&identity, LANESIM_P_HAIR_LINE);
		for (float y = -10; y <= line - 1.5f; y += 0.25f)
			for (float angle = -0.7f; angle <= 0.7f; angle += 0.05f)
				if (lanesim_hair_mask(&identity, angle, y) >= 0)
					FAIL("seed %u: hair at angle %.2f, height %.2f", seed,
					     angle, y);
		if (identity.hair != LANESIM_HAIR_NONE)
			CHECK(lanesim_hair_mask(&identity, LANESIM_PI, 8) > 0);
	}
}

TEST(hairline_is_continuous)
{
	for (uint32_t seed = 0; seed < 60; seed++) {
		struct lanesim_identity identity;

		lanesim_identity_draw(&identity, seed);
		for (float y = -11; y < 11; y += 0.5f) {
			float before = lanesim_hair_mask(&identity, -LANESIM_PI, y), seam = before;

			for (int i = 1; i <= 2000; i++) {
				float angle = LANESIM_PI * (2 * (float)i / 2000 - 1);
				float here = lanesim_hair_mask(&identity, angle, y);

				if (!(here - before < 0.4f && before - here < 0.4f))
					FAIL("seed %u: a step at angle %.3f, height %.2f", seed,
					     angle, y);
				before = here;
			}
			CHECK_NEAR(before, seam, 0.7);
		}
	}
}

TEST(hair_lies_near_the_head)
{
	for (uint32_t seed = 0; seed < 40; seed++) {
		struct lanesim_identity identity;
		struct lanesim_wear wear = { .seed = seed };
		struct lanesim_build build;

		lanesim_identity_draw(&identity, seed);
		identity.hair = LANESIM_HAIR_CROPPED;
		start(&build, &identity, &wear);
		lanesim_build_hair(&build);
		CHECK(!build.failed && build.mesh.triangles_n > 2000);
		for (uint32_t i = 0; i < build.mesh.vertices_n; i++) {
			struct vec p = build.mesh.vertices[i].p;

			CHECK(vec_length(vec_make(p.x, p.y, p.z + 0.5f)) < 14);
			CHECK(build.with_head[i] > 0.99f || p.y < -5);
		}
		end(&build);
	}
}

TEST(clothes_come_as_often_as_they_should)
{
	enum { N = 4000 };
	uint32_t masks = 0, sunglasses = 0, hats[LANESIM_HATS] = { 0 };

	for (uint32_t i = 0; i < N; i++) {
		struct lanesim_identity identity;
		struct lanesim_wear wear;

		lanesim_identity_draw(&identity, i / 4);
		lanesim_wear_draw(&wear, &identity, i % 4);
		masks += wear.mask;
		sunglasses += wear.sunglasses;
		hats[wear.hat]++;
		for (int b = 0; b < LANESIM_BANDS; b++)
			CHECK(wear.cloth_albedo[b] > 0 && wear.cloth_albedo[b] < 1);
	}
	CHECK_NEAR((double)masks / N, 0.06, 0.02);
	CHECK_NEAR((double)sunglasses / N, 0.06, 0.02);
	CHECK_NEAR((double)hats[LANESIM_HAT_CAP] / N, 0.08, 0.02);
	CHECK_NEAR((double)hats[LANESIM_HAT_BEANIE] / N, 0.04, 0.02);
	CHECK_NEAR((double)hats[LANESIM_HAT_SCARF] / N, 0.05, 0.02);
}

TEST(faces_are_hidden_as_often_as_on_the_road)
{
	enum { N = 4000 };
	uint32_t masks = 0, sunglasses = 0, hats = 0;

	for (uint32_t i = 0; i < N; i++) {
		struct lanesim_identity identity;
		struct lanesim_wear wear;

		lanesim_identity_draw(&identity, i / 4);
		lanesim_dress(&identity, i % 4, 0, &wear);
		CHECK(!wear.mask && !wear.sunglasses && wear.hat == LANESIM_HAT_NONE);
		lanesim_dress(&identity, i % 4, 1, &wear);
		CHECK(!wear.mask || identity.age >= 0.2f); /* children wear none */
		masks += wear.mask;
		sunglasses += wear.sunglasses;
		hats += wear.hat != LANESIM_HAT_NONE;
	}
	CHECK_NEAR((double)masks / N, 0.04, 0.015);
	CHECK_NEAR((double)sunglasses / N, 0.052, 0.015);
	CHECK_NEAR((double)hats / N, 0.14, 0.025);
}

TEST_MAIN()
