/* SPDX-License-Identifier: Apache-2.0 */
/* Portraits out of frames of every format, against exact means of areas. */
#include <math.h>

#include "card.h"
#include "cuda/face.h"
#include "infer/compute.h"
#include "test.h"
#include "unit/infer/naive_pixels.h"

enum { GUARD = 64, BEFORE = 0x5A, ROOM = 4 * GUARD + 3 * SP_PORTRAIT_MAX * SP_PORTRAIT_MAX };

struct shape {
	uint32_t width, height, padding; /* of the frame */
	struct sp_scale_rect rect;
	uint32_t to_width, to_height;
	uint32_t unaligned; /* bytes that the portrait begins after a word */
};

static const struct shape shapes[] = {
	{ 64, 48, 0, { 0, 0, 64, 48 }, 16, 12, 0 }, { 66, 45, 0, { 0, 0, 66, 45 }, 31, 20, 1 },
	{ 66, 46, 5, { 3, 5, 41, 33 }, 40, 32, 2 }, { 66, 46, 3, { 4, 6, 41, 33 }, 17, 15, 0 },
	{ 40, 24, 0, { 1, 3, 33, 17 }, 33, 17, 3 }, { 42, 22, 0, { 0, 0, 42, 22 }, 42, 22, 0 },
	{ 2, 2, 0, { 0, 0, 2, 2 }, 1, 1, 0 },	    { 4, 4, 0, { 3, 3, 1, 1 }, 1, 1, 0 },
	{ 300, 40, 1, { 0, 0, 300, 40 }, 7, 3, 0 },
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* The same for fewer formats: the largest, and a face across a whole frame. */
static const struct shape large[] = {
	{ 300, 290, 0, { 10, 7, 280, 270 }, 256, 246, 0 },
	{ 512, 300, 0, { 0, 0, 512, 300 }, 256, 150, 0 },
	{ 700, 20, 0, { 0, 0, 700, 20 }, 256, 7, 0 },
};

static void check_pixels(const struct packet_frame *pf, const struct shape *shape,
			 const uint8_t *rgb, const char *what)
{
	bool twice = pf->frame.pixel_format == SP_PFNC_YUV422_8;
	uint32_t pixels = shape->to_width * shape->to_height, step = 1 + pixels / 2000;
	struct naive_picture naive;

	naive_picture_init(&naive, pf, &shape->rect, shape->to_width, shape->to_height);
	for (uint32_t i = 0; i < pixels; i += step) {
		for (int c = 0; c < 3; c++) {
			double want = naive_area(&naive, (int)(i % shape->to_width),
						 (int)(i / shape->to_width), c);

			if (fabs(rgb[3 * i + (uint32_t)c] - want) > (twice ? 1.5 : 0.5) + 1e-6)
				FAIL("%s, %u × %u from %u × %u: pixel %u colour %d is %d, not %.4f",
				     what, shape->to_width, shape->to_height, shape->rect.width,
				     shape->rect.height, i, c, rgb[3 * i + (uint32_t)c], want);
		}
	}
	naive_picture_uninit(&naive);
}

static void check_shape(const struct sp_pfnc *format, const struct shape *shape, uint64_t seed)
{
	size_t bytes = 3 * (size_t)shape->to_width * shape->to_height;
	size_t place = GUARD + shape->unaligned;
	uint8_t *there, *here = card_pinned(ROOM, &there), *at;
	struct sp_portrait_face *faces_there,
		*faces = card_pinned(2 * sizeof(*faces), &faces_there);
	struct packet_frame pf;

	packet_frame_init_padded(&pf, format->code, shape->width, shape->height, shape->padding,
				 1000, seed);
	at = card_memory(pf.size);
	CARD(cudaMemcpy(at, pf.bytes, pf.size, cudaMemcpyHostToDevice));
	memset(here, BEFORE, ROOM);
	/* The first has no picture, so nothing is written. */
	faces[0] = faces[1] = (struct sp_portrait_face){
		sp_picture_of(format, shape->width, shape->height, shape->padding, at), shape->rect,
		shape->to_width, shape->to_height, there + place
	};
	faces[0].picture.at = NULL;
	faces[0].rgb = there;
	CARD(sp_portrait_launch(0, faces_there, 2));
	CARD(cudaStreamSynchronize(0));
	for (size_t i = 0; i < ROOM; i++)
		if (i < place || i >= place + bytes)
			CHECK_EQ(here[i], BEFORE);
	check_pixels(&pf, shape, here + place, format->name);
	card_free(at);
	card_free_pinned(faces);
	card_free_pinned(here);
	packet_frame_uninit(&pf);
}

/* Of the shapes three for each format, other ones for the next; or all. */
TEST(every_format_shrinks_by_area)
{
	for (uint32_t f = 0; f < sp_pfnc_table_n; f++)
		for (uint32_t s = 0; s < SHAPES; s++)
			if (card_long() || (f * 7 + s * 5) % SHAPES < 3)
				check_shape(&sp_pfnc_table[f], &shapes[s], 100 * f + s);
}

TEST(large_portraits)
{
	static const uint32_t formats[] = { SP_PFNC_BAYER_RG8, SP_PFNC_MONO10P, SP_PFNC_RGB8 };

	for (uint32_t s = 0; s < sizeof(large) / sizeof(large[0]); s++)
		check_shape(sp_pfnc_by_code(formats[s]), &large[s], s);
}

TEST(no_faces_are_no_work)
{
	CARD(sp_portrait_launch(0, NULL, 0));
}

TEST_MAIN()
