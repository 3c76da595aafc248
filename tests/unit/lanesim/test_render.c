/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "lanesim/kernel.h"
#include "lanesim/render/approx.h"
#include "lanesim/render/noise.h"
#include "lanesim/render/render.h"

enum { WIDTH = 121, HEIGHT = 97, ROWS = 33, COLUMNS = 64, SCENE_MAX = 8 };

#define FOCAL 200.0f
#define FAR 100.0f /* cm from the camera to the origin */

static struct lanesim_mesh meshes[SCENE_MAX];
static struct lanesim_object objects[SCENE_MAX];
static uint32_t objects_n;
static struct lanesim_film film;
static struct lanesim_renderer *renderer;
static struct lanesim_texture texture;

static const struct lanesim_light usual = {
	.key = { 0, 0, 1 },
	.key_power = { .5f, .5f, .5f, .5f },
	.fill = { 0, 1, 0 },
	.fill_power = { .1f, .1f, .1f, .1f },
	.sky = { .2f, .2f, .2f, .2f },
	.ground = { .1f, .1f, .1f, .1f },
	.shadow = 1,
};

static void clear_scene(void)
{
	for (uint32_t i = 0; i < objects_n; i++)
		lanesim_mesh_uninit(&meshes[i]);
	objects_n = 0;
	lanesim_texture_uninit(&texture);
	lanesim_film_uninit(&film);
	lanesim_renderer_destroy(renderer);
	CHECK_EQ(lanesim_renderer_create(&renderer), 0);
	CHECK_EQ(lanesim_film_init(&film, WIDTH, HEIGHT), 0);
}

/* An object with one grey surface; its mesh is still empty. */
static struct lanesim_mesh *add(enum lanesim_shine shine, float albedo, struct vec at)
{
	struct lanesim_mesh *mesh = &meshes[objects_n];
	struct lanesim_surface surface = { .shine = shine, .gloss = .5f };

	lanesim_mesh_init(mesh);
	for (int band = 0; band < LANESIM_BANDS; band++)
		surface.albedo[band] = albedo;
	lanesim_mesh_add_surface(mesh, &surface);
	objects[objects_n] = (struct lanesim_object){ mesh, RIGID_IDENTITY,
						      (uint16_t)(objects_n + 1) };
	objects[objects_n++].place.t = at;
	return mesh;
}

static void add_square(struct lanesim_mesh *mesh, float half)
{
	lanesim_mesh_quad(mesh, vec_make(-half, -half, 0), vec_make(half, -half, 0),
			  vec_make(half, half, 0), vec_make(-half, half, 0), 0);
}

static void add_sphere(struct lanesim_mesh *mesh, float radius)
{
	uint32_t first = lanesim_mesh_add_vertices(mesh, ROWS * COLUMNS);

	for (uint32_t i = 0; i < ROWS * COLUMNS; i++) {
		float polar = .5f * (float)(i / COLUMNS) / (ROWS - 1);
		float turn = (float)(i % COLUMNS) / COLUMNS,
		      flat = radius * approx_sin_turns(polar);

		mesh->vertices[first + i].p = vec_make(flat * approx_sin_turns(turn),
						       radius * approx_sin_turns(polar + .25f),
						       flat * approx_sin_turns(turn + .25f));
		mesh->vertices[first + i].u = 32 * turn;
		mesh->vertices[first + i].v = 64 * polar;
	}
	lanesim_mesh_grid(mesh, first, ROWS, COLUMNS, true, false, 0);
	lanesim_mesh_grid_normals(mesh, first, ROWS, COLUMNS, true, false);
}

static void render_with(const struct lanesim_light *light)
{
	struct lanesim_view view = { WIDTH, HEIGHT,	  RIGID_IDENTITY,
				     FOCAL, WIDTH / 2.0f, HEIGHT / 2.0f };

	view.camera.t.z = -FAR;
	for (uint32_t i = 0; i < objects_n; i++)
		CHECK(!meshes[i].failed);
	CHECK_EQ(lanesim_render(renderer, objects, objects_n, &view, light, NULL, &film), 0);
}

static void render(void)
{
	render_with(&usual);
}

static size_t pixel(uint32_t x, uint32_t y)
{
	return (size_t)y * WIDTH + x;
}

static float light_at(uint32_t x, uint32_t y)
{
	return film.radiance[pixel(x, y) * LANESIM_BANDS + LANESIM_G];
}

static double share_of(uint16_t id)
{
	double n = 0;

	for (size_t i = 0; i < WIDTH * HEIGHT; i++)
		n += film.id[i] == id;
	return n;
}

TEST(nothing_is_background)
{
	static float background[WIDTH * HEIGHT * LANESIM_BANDS];
	struct lanesim_view view = { WIDTH, HEIGHT, RIGID_IDENTITY, FOCAL, 60, 48 };

	clear_scene();
	for (size_t i = 0; i < WIDTH * HEIGHT * LANESIM_BANDS; i++)
		background[i] = (float)(i % 97);
	CHECK_EQ(lanesim_render(renderer, objects, 0, &view, &usual, background, &film), 0);
	CHECK(!memcmp(film.radiance, background, sizeof(background)));
	CHECK(film.depth[0] == INFINITY && film.id[0] == LANESIM_NOBODY);
}

TEST(a_sphere_is_as_large_and_as_far_as_it_is)
{
	const float radius = 10;
	/* Its outline: a circle of radius f r / √(d² − r²). */
	double outline = FOCAL * 10 / sqrt(100.0 * 100 - 10 * 10),
	       area = 3.14159265 * outline * outline;
	double sum = 0;

	clear_scene();
	add_sphere(add(LANESIM_MATTE, .5f, vec_make(0, 0, 0)), radius);
	render();
	CHECK_NEAR(share_of(1), area, area * .015);
	CHECK_NEAR(film.depth[pixel(WIDTH / 2, HEIGHT / 2)], FAR - radius, .05);
	CHECK(film.depth[pixel(2, 2)] == INFINITY);
	/* Edges are shares: their sum is finer than the count of pixels. */
	for (size_t i = 0; i < WIDTH * HEIGHT; i++)
		sum += film.radiance[i * LANESIM_BANDS] > 0;
	CHECK(sum > share_of(1) && sum < share_of(1) + 6.3 * outline * 1.5);
}

TEST(a_point_is_projected_where_it_is_drawn)
{
	struct lanesim_view view = { WIDTH, HEIGHT,	  RIGID_IDENTITY,
				     FOCAL, WIDTH / 2.0f, HEIGHT / 2.0f };
	double x = 0, y = 0, n;
	struct vec at;

	clear_scene();
	view.camera.t.z = -FAR;
	add_square(add(LANESIM_MATTE, .5f, vec_make(12, 7, 3)), 4);
	render();
	n = share_of(1);
	for (uint32_t i = 0; i < HEIGHT; i++)
		for (uint32_t j = 0; j < WIDTH; j++)
			if (film.id[pixel(j, i)] == 1) {
				x += j + .5;
				y += i + .5;
			}
	at = lanesim_project(&view, vec_make(12, 7, 3));
	CHECK_NEAR(n, 16.5 * 16.5, 20);
	CHECK_NEAR(x / n, at.x, .3);
	CHECK_NEAR(y / n, at.y, .3);
	CHECK_NEAR(at.z, FAR - 3, 1e-3);
	CHECK_NEAR(film.depth[pixel((uint32_t)at.x, (uint32_t)at.y)], at.z, .01);
}

TEST(the_nearest_wins_and_backs_are_not_seen)
{
	for (int order = 0; order < 2; order++) {
		clear_scene();
		add_square(add(LANESIM_MATTE, .5f, vec_make(0, 0, order ? 5 : -5)), 10);
		add_square(add(LANESIM_MATTE, .5f, vec_make(0, 0, order ? -5 : 5)), 8);
		render();
		CHECK_EQ(film.id[pixel(WIDTH / 2, HEIGHT / 2)], order ? 1 : 2);
		CHECK_NEAR(film.depth[pixel(WIDTH / 2, HEIGHT / 2)], FAR - 5, .01);
	}
	clear_scene();
	add_square(add(LANESIM_MATTE, .5f, vec_make(0, 0, 0)), 10);
	objects[0].place = (struct rigid){ { -1, 0, 0, 0, 1, 0, 0, 0, -1 }, { 0, 0, 0 } };
	render();
	CHECK_NEAR(share_of(1), 0, 0);
	meshes[0].surfaces[0].two_sided = true;
	render();
	CHECK(share_of(1) > 1500);
	CHECK(light_at(WIDTH / 2, HEIGHT / 2) > .25f); /* lit on the side that is seen */
}

/* No sample falls between neighbours, none is lost where a wall passes the camera. */
TEST(a_wall_has_no_gaps)
{
	struct lanesim_mesh *mesh;

	clear_scene();
	mesh = add(LANESIM_MATTE, 1, vec_make(0, 0, 0));
	for (int i = 0; i < 400; i++) {
		float x = -50 + 5 * (float)(i % 20), y = -50 + 5 * (float)(i / 20);

		lanesim_mesh_quad(mesh, vec_make(x, y, 0), vec_make(x + 5, y, 0),
				  vec_make(x + 5, y + 5, 0), vec_make(x, y + 5, 0), 0);
	}
	render();
	CHECK_NEAR(share_of(1), WIDTH * HEIGHT, 0);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		CHECK_NEAR(film.radiance[i * LANESIM_BANDS], film.radiance[0], .001);
	clear_scene();
	mesh = add(LANESIM_MATTE, 1,
		   vec_make(0, 0, 0)); /* ground, from behind the camera to far off */
	lanesim_mesh_quad(mesh, vec_make(-900, -10, 300), vec_make(900, -10, 300),
			  vec_make(900, -10, -3000), vec_make(-900, -10, -3000), 0);
	render();
	for (uint32_t x = 0; x < WIDTH; x++)
		CHECK_EQ(film.id[pixel(x, HEIGHT - 1)], 1);
	CHECK_NEAR(film.depth[pixel(WIDTH / 2, HEIGHT - 1)], 10 * FOCAL / (HEIGHT / 2.0 - .5), .5);
	CHECK_EQ(film.id[pixel(WIDTH / 2, HEIGHT / 2 - 4)], 0);
}

/* A checkerboard of holes: what is behind shines through half of it. */
TEST(holes_are_seen_through)
{
	double open, behind;

	clear_scene();
	CHECK_EQ(lanesim_texture_init(&texture, 64, 64), 0);
	for (uint32_t i = 0; i < 64 * 64; i++)
		texture.texels[i] = (struct lanesim_texel){ { 32768, 32768, 32768, 32768 },
							    0,
							    (i / 8 + i / 64 / 8) % 2 ? 65535 : 0 };
	lanesim_texture_reduce(&texture);
	CHECK(texture.holes);
	add_square(add(LANESIM_MATTE, .5f, vec_make(0, 0, 5)), 10);
	meshes[0].surfaces[0].texture = &texture;
	for (int i = 0; i < 4; i++) {
		meshes[0].vertices[i].u *= 64;
		meshes[0].vertices[i].v *= 64;
	}
	add_square(add(LANESIM_MATTE, .5f, vec_make(0, 0, -5)), 20);
	render();
	open = share_of(1);
	behind = 42.1 * 42.1;
	CHECK_NEAR(open, behind / 2, behind * .04);
	for (uint32_t i = 0; i < 64 * 64; i++)
		texture.texels[i].cover = 40000; /* more than half: no hole */
	lanesim_texture_reduce(&texture);
	CHECK(!texture.holes);
	render();
	CHECK_NEAR(share_of(1), behind, behind * .04);
}

TEST(clear_things_dim_what_is_behind_and_leave_who_it_is)
{
	float bare, dimmed;

	clear_scene();
	add_square(add(LANESIM_MATTE, .5f, vec_make(0, 0, 0)), 10);
	render();
	bare = light_at(WIDTH / 2, HEIGHT / 2);
	/* A pane of many small faces, as tinted lenses are: one layer, however they meet. */
	add(LANESIM_CLEAR, .3f, vec_make(0, 0, 20));
	meshes[1].surfaces[0].gloss = 0;
	for (int i = 0; i < 64 * 64; i++) {
		float x = -8 + .25f * (float)(i % 64), y = -8 + .25f * (float)(i / 64);

		lanesim_mesh_quad(&meshes[1], vec_make(x, y, 0), vec_make(x + .25f, y, 0),
				  vec_make(x + .25f, y + .25f, 0), vec_make(x, y + .25f, 0), 0);
	}
	render();
	dimmed = light_at(WIDTH / 2, HEIGHT / 2);
	/* Fresnel takes 4 % at either face. */
	CHECK_NEAR(dimmed / bare, .3 * (1 - .08 / 1.04), .01);
	for (uint32_t y = HEIGHT / 2 - 12; y < HEIGHT / 2 + 12; y++)
		for (uint32_t x = WIDTH / 2 - 12; x < WIDTH / 2 + 12; x++)
			CHECK_NEAR(light_at(x, y), dimmed, .01 * bare);
	CHECK_EQ(film.id[pixel(WIDTH / 2, HEIGHT / 2)], 1);
	CHECK_NEAR(film.depth[pixel(WIDTH / 2, HEIGHT / 2)], FAR, .01);
}

/* Large pictures are drawn in bands of rows: what a small one shows looks the same in them. */
TEST(bands_meet_without_a_seam)
{
	enum { WIDE = 361, HIGH = 297, ASIDE = (WIDE - WIDTH) / 2, ABOVE = (HIGH - HEIGHT) / 2 };
	struct lanesim_view view = { WIDE, HIGH, RIGID_IDENTITY, FOCAL, WIDE / 2.0f, HIGH / 2.0f };
	struct lanesim_film large;
	int unlike = 0;

	view.camera.t.z = -FAR;
	clear_scene();
	CHECK_EQ(lanesim_film_init(&large, WIDE, HIGH), 0);
	add_sphere(add(LANESIM_SKIN, .5f, vec_make(0, 0, 0)), 10);
	add_square(add(LANESIM_MATTE, .5f, vec_make(0, 0, -15)), 120);
	add_square(add(LANESIM_CLEAR, .5f, vec_make(0, 0, 25)), 60);
	render();
	CHECK_EQ(lanesim_render(renderer, objects, objects_n, &view, &usual, NULL, &large), 0);
	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++) {
			size_t at = (size_t)(y + ABOVE) * WIDE + x + ASIDE;
			float off = large.radiance[at * LANESIM_BANDS + LANESIM_G] - light_at(x, y);

			unlike += large.id[at] != film.id[pixel(x, y)] || off > .002f ||
				  off < -.002f;
		}
	for (uint32_t i = 0; i < WIDE * HIGH; i++)
		CHECK(large.id[i] == 1 || large.id[i] == 2);
	lanesim_film_uninit(&large);
	CHECK(unlike < 10); /* coordinates round otherwise further from the corner */
}

TEST(shadow_darkens_where_the_key_light_is_hidden)
{
	struct lanesim_light light = usual;
	float lit, dark, half;

	clear_scene();
	add_square(add(LANESIM_MATTE, .5f, vec_make(0, 0, 0)), 40);
	add_square(add(LANESIM_MATTE, .5f, vec_make(10, 0, 20)), 5);
	light.key =
		vec_unit(vec_make(1, 0, 1)); /* its shadow falls 20 cm to the left: on x = −10 */
	render_with(&light);
	lit = light_at(WIDTH / 2 + 1, 10);
	dark = light_at(WIDTH / 2 - 20, HEIGHT / 2);
	CHECK_NEAR(lit - dark, .5 * .5 * .7071, .01);
	for (uint32_t y = 20; y < HEIGHT - 20; y++) /* no acne in the open */
		CHECK_NEAR(light_at(5, y), lit, .02);
	light.shadow = .5f;
	render_with(&light);
	half = light_at(WIDTH / 2 - 20, HEIGHT / 2);
	CHECK_NEAR(half - dark, .25 * .5 * .7071, .01);
	light.shadow = 1;
	meshes[1].surfaces[0].no_shadow = true;
	render_with(&light);
	CHECK_NEAR(light_at(WIDTH / 2 - 20, HEIGHT / 2), lit, .01);
}

/* Every kind of surface, textured and plain, in shadow and out of it. */
static void make_everything(uint64_t seed)
{
	uint64_t series = draw_series(seed, 'T');

	clear_scene();
	CHECK_EQ(lanesim_texture_init(&texture, 32, 32), 0);
	for (uint32_t i = 0; i < 32 * 32; i++)
		texture.texels[i] = (struct lanesim_texel){
			{ (uint16_t)(series = sp_random_mix(series + i)), (uint16_t)(series >> 16),
			  (uint16_t)(series >> 32), 30000 },
			40000,
			series >> 60 ? 65535 : 0
		};
	lanesim_texture_reduce(&texture);
	for (int shine = LANESIM_MATTE; shine <= LANESIM_CLEAR; shine++) {
		struct vec at = vec_make(draw_between(&series, -18, 18),
					 draw_between(&series, -14, 14),
					 draw_between(&series, -20, 20));

		add_sphere(add((enum lanesim_shine)shine, .6f, at), draw_between(&series, 5, 11));
		if (shine % 2)
			meshes[objects_n - 1].surfaces[0].texture = &texture;
	}
	add_square(add(LANESIM_MATTE, .4f, vec_make(0, 0, -25)), 60);
	objects[objects_n - 1].id = LANESIM_NOBODY;
}

TEST(every_instruction_set_gives_the_same_bytes)
{
	static float radiance[WIDTH * HEIGHT * LANESIM_BANDS], depth[WIDTH * HEIGHT];
	static uint16_t id[WIDTH * HEIGHT];
	struct lanesim_light light = usual;
	const struct lanesim_kernels *set;

	light.key = vec_unit(vec_make(-.5f, .7f, .8f));
	light.reflection_seed = 5;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		for (unsigned int i = 0; (set = lanesim_kernels_available(i)); i++) {
			lanesim_kernels_use(set);
			make_everything(seed);
			render_with(&light);
			if (!i) {
				memcpy(radiance, film.radiance, sizeof(radiance));
				memcpy(depth, film.depth, sizeof(depth));
				memcpy(id, film.id, sizeof(id));
			}
			if (memcmp(radiance, film.radiance, sizeof(radiance)) ||
			    memcmp(depth, film.depth, sizeof(depth)) ||
			    memcmp(id, film.id, sizeof(id)))
				FAIL("%s differs from base, seed %" PRIu64, set->isa, seed);
		}
	}
	lanesim_kernels_use(NULL);
	for (size_t i = 0; i < WIDTH * HEIGHT * LANESIM_BANDS; i++)
		CHECK(radiance[i] >= 0 && radiance[i] < 1000); /* and no NaN */
	CHECK(share_of(1) + share_of(2) + share_of(3) > 100);
}

TEST(the_environment_chooses_a_set)
{
	setenv("LANESIM_ISA", "base", 1);
	lanesim_kernels_use(NULL);
	CHECK_STR(lanesim_kernels()->isa, "base");
	setenv("LANESIM_ISA", "none such", 1);
	lanesim_kernels_use(NULL);
	CHECK(lanesim_kernels() != NULL);
	unsetenv("LANESIM_ISA");
	lanesim_kernels_use(NULL);
}

TEST_MAIN()
