/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel B: every format, size and place against means in double precision of whole pictures. */
#include "cuda/preprocess.h"

#include <math.h>

#include "card.h"
#include "cuda/gather.h"
#include "infer/element.h"
#include "test.h"

enum { INPUT_WIDTH = 408, INPUT_HEIGHT = 36 };

struct shape {
	const char *what;
	uint32_t width, height, padding;
	struct sp_scale_rect from;
	uint32_t to_width, to_height;
};

static const struct shape shapes[] = {
	{ "quarter", 64, 48, 0, { 0, 0, 64, 48 }, 16, 12 },
	{ "odd sizes in one stream", 67, 45, 0, { 0, 0, 67, 45 }, 31, 20 },
	{ "an odd rectangle, padded", 66, 46, 5, { 3, 5, 41, 33 }, 40, 32 },
	{ "an even rectangle, padded", 66, 46, 3, { 4, 6, 40, 32 }, 17, 15 },
	{ "a part as it is", 40, 24, 0, { 1, 3, 33, 17 }, 33, 17 },
	{ "all as it is", 42, 23, 0, { 0, 0, 42, 23 }, 42, 23 },
	{ "one quad", 2, 2, 0, { 0, 0, 2, 2 }, 1, 1 },
	{ "one pixel", 3, 3, 0, { 2, 2, 1, 1 }, 1, 1 },
	{ "longer than a warp's units", 1102, 6, 1, { 1, 0, 1101, 6 }, 3, 2 },
	{ "quads, longer than those", 1100, 6, 0, { 0, 0, 1100, 6 }, 3, 2 },
	{ "more lines than a block's", 130, 70, 0, { 0, 0, 130, 70 }, 64, 35 },
	{ "more columns than a block's", 300, 4, 0, { 0, 0, 300, 4 }, 150, 2 },
	{ "as many as they are", 402, 3, 0, { 0, 0, 402, 3 }, 402, 3 },
	{ "an odd side of quads", 5, 5, 0, { 0, 0, 5, 5 }, 2, 2 },
	{ "narrow columns", 34, 130, 0, { 2, 2, 5, 127 }, 2, 33 },
	{ "the last corner", 50, 50, 0, { 43, 41, 7, 9 }, 5, 9 },
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static const struct sp_input_form forms[] = {
	{ true, { 1, 1, 1 }, { 0, 0, 0 } },
	{ false, { 0.0171f, 0.0175f, 0.0174f }, { -2.118f, -2.036f, -1.804f } },
};

struct frame {
	const struct sp_pfnc *format;
	struct shape shape;
	uint8_t *bytes; /* of the host; as many as may be read */
	uint8_t *rgb; /* all pixels */
	struct sp_picture here, there;
};

static uint8_t level_at(const struct sp_picture *picture, uint32_t x, uint32_t y)
{
	const uint8_t *line = picture->at + (size_t)y * picture->line_bytes;
	uint32_t i = picture->line_bytes ? x : y * picture->width + x;

	switch (picture->bits_per_pixel) {
	case 10:
		return sp_sample_10p(line, i);
	case 12:
		return sp_sample_12p(line, i);
	case 16:
		return sp_sample_16(line, i, picture->bits);
	default:
		return line[i];
	}
}

static void mosaic_colour(const struct sp_picture *picture, uint32_t x, uint32_t y, uint8_t *rgb)
{
	uint8_t level[3][3];

	for (uint32_t i = 0; i < 3; i++) {
		for (uint32_t k = 0; k < 3; k++) {
			uint32_t line = y + i ? y + i - 1 : 1, column = x + k ? x + k - 1 : 1;

			level[i][k] = level_at(picture, column < picture->width ? column : x - 1,
					       line < picture->height ? line : y - 1);
		}
	}
	sp_demosaic(level[0], level[1], level[2], 0, 1, 2, (y & 1) == picture->red_y,
		    (x & 1) == picture->red_x, rgb);
}

static void colour_at(const struct sp_picture *picture, uint32_t x, uint32_t y, uint8_t *rgb)
{
	const uint8_t *line = picture->at + (size_t)y * picture->line_bytes;
	uint32_t i = picture->line_bytes ? x : y * picture->width + x;
	uint8_t pair[6];

	switch (picture->kind) {
	case SP_PFNC_BAYER:
		mosaic_colour(picture, x, y, rgb);
		return;
	case SP_PFNC_RGB:
	case SP_PFNC_BGR:
		for (int c = 0; c < 3; c++)
			rgb[picture->kind == SP_PFNC_BGR ? 2 - c : c] = line[3 * i + (uint32_t)c];
		return;
	case SP_PFNC_YUYV:
		sp_yuyv_to_rgb(line + i / 2 * 4, pair);
		memcpy(rgb, pair + i % 2 * 3, 3);
		return;
	default:
		memset(rgb, level_at(picture, x, y), 3);
	}
}

static bool by_quads(const struct frame *frame)
{
	const struct shape *shape = &frame->shape;

	return frame->format->kind == SP_PFNC_BAYER && shape->from.x % 2 == 0 &&
	       shape->from.y % 2 == 0 && shape->to_width <= shape->from.width / 2 &&
	       shape->to_height <= shape->from.height / 2;
}

/* Quads as pixels twice as large: all four of them have its colour. */
static void spread_quads(const struct frame *frame)
{
	const struct sp_picture *picture = &frame->here;
	uint32_t red_x = picture->red_x, red_y = picture->red_y;

	for (uint32_t y = 0; y + 1 < picture->height; y += 2) {
		for (uint32_t x = 0; x + 1 < picture->width; x += 2) {
			uint8_t rgb[3] = {
				level_at(picture, x + red_x, y + red_y),
				sp_quad_green(level_at(picture, x + !red_x, y + red_y),
					      level_at(picture, x + red_x, y + !red_y)),
				level_at(picture, x + !red_x, y + !red_y),
			};

			for (uint32_t i = 0; i < 4; i++)
				memcpy(frame->rgb + 3 * ((size_t)(y + i / 2) * picture->width + x +
							 i % 2),
				       rgb, 3);
		}
	}
}

static void make_frame(struct frame *frame, const struct sp_pfnc *format, const struct shape *shape,
		       uint64_t *random)
{
	uint32_t even = format->kind == SP_PFNC_YUYV ? shape->width % 2 : 0;
	size_t size, read;
	void *device;

	frame->format = format;
	frame->shape = *shape;
	frame->shape.width += even;
	size = shape->padding
		       ? (sp_pfnc_line_bytes(format->code, frame->shape.width) + shape->padding) *
				 shape->height
		       : sp_pfnc_image_bytes(format->code, frame->shape.width, shape->height);
	read = size + SP_GATHER_SLACK;
	frame->bytes = malloc(read);
	for (size_t i = 0; i < read; i++)
		frame->bytes[i] = (uint8_t)card_random(random);
	/* What missing packets leave. */
	memset(frame->bytes + size / 3, 0, size / 8);
	frame->here = sp_picture_of(format, frame->shape.width, shape->height, shape->padding,
				    frame->bytes);
	frame->rgb = malloc((size_t)3 * frame->shape.width * shape->height);
	for (uint32_t y = 0; y < shape->height; y++)
		for (uint32_t x = 0; x < frame->shape.width && !by_quads(frame); x++)
			colour_at(&frame->here, x, y,
				  frame->rgb + 3 * ((size_t)y * frame->shape.width + x));
	if (by_quads(frame))
		spread_quads(frame);
	device = card_memory(read);
	CARD(cudaMemcpy(device, frame->bytes, read, cudaMemcpyHostToDevice));
	frame->there = frame->here;
	frame->there.at = device;
}

static void free_frame(struct frame *frame)
{
	free(frame->bytes);
	free(frame->rgb);
	card_free((void *)(uintptr_t)frame->there.at);
}

/* How much of [from, to) is in pixel @i. */
static double common(double from, double to, uint32_t i)
{
	return fmax(0, fmin(to, i + 1.0) - fmax(from, i));
}

/* The mean of the area that pixel (@x, @y) of the result covers. */
static void reference(const struct frame *frame, uint32_t x, uint32_t y, double *rgb)
{
	const struct shape *shape = &frame->shape;
	uint32_t width = shape->from.width, height = shape->from.height;
	double from_x = (double)x * width / shape->to_width;
	double to_x = (double)(x + 1) * width / shape->to_width;
	double from_y = (double)y * height / shape->to_height;
	double to_y = (double)(y + 1) * height / shape->to_height, all = 0;

	if (by_quads(frame)) {
		to_x = fmin(to_x, width / 2 * 2);
		to_y = fmin(to_y, height / 2 * 2);
	}
	rgb[0] = rgb[1] = rgb[2] = 0;
	for (uint32_t i = (uint32_t)from_y; i < height && i < to_y; i++) {
		for (uint32_t k = (uint32_t)from_x; k < width && k < to_x; k++) {
			double part = common(from_y, to_y, i) * common(from_x, to_x, k);
			const uint8_t *pixel = frame->rgb +
					       3 * ((size_t)(shape->from.y + i) * shape->width +
						    shape->from.x + k);

			all += part;
			for (int c = 0; c < 3; c++)
				rgb[c] += part * pixel[c];
		}
	}
	for (int c = 0; c < 3; c++)
		rgb[c] /= all;
}

struct input {
	struct sp_device_tensor tensor;
	void *numbers; /* of the host */
};

static void make_input(struct input *input, enum sp_tensor_type type, uint32_t n)
{
	size_t size;

	input->tensor = (struct sp_device_tensor){
		.type = type, .n = n, .h = INPUT_HEIGHT, .w = INPUT_WIDTH, .c = 3, .pitch = 4
	};
	size = sp_tensor_bytes(&input->tensor);
	input->tensor.at = card_memory(size);
	input->numbers = malloc(size);
	CARD(cudaMemset(input->tensor.at, 0xA5, size));
}

static void free_input(struct input *input)
{
	card_free(input->tensor.at);
	free(input->numbers);
}

static float number_at(const struct input *input, size_t i)
{
	if (input->tensor.type == SP_TENSOR_BF16)
		return sp_bf16_to_float(((uint16_t *)input->numbers)[i]);
	return ((float *)input->numbers)[i];
}

/* @frame: NULL is black. */
static void check_pixel(const struct input *input, uint32_t picture, const struct frame *frame,
			const struct sp_input_form *form, uint32_t x, uint32_t y)
{
	size_t at = (((size_t)picture * INPUT_HEIGHT + y) * INPUT_WIDTH + x) * 4;
	bool inside = frame && x < frame->shape.to_width && y < frame->shape.to_height;
	bool exact = frame && frame->shape.to_width == frame->shape.from.width &&
		     frame->shape.to_height == frame->shape.from.height;
	double rgb[3] = { 0, 0, 0 };

	if (inside)
		reference(frame, x, y, rgb);
	if (number_at(input, at + 3) != 0)
		FAIL("channel 3 of (%u, %u) is not 0", x, y);
	for (int c = 0; c < 3; c++) {
		double scale = (double)form->scale[c], shift = (double)form->shift[c];
		double want = rgb[form->bgr ? 2 - c : c] * scale + shift;
		double off = fabs((double)number_at(input, at + (size_t)c) - want);
		/* A thousandth of a level, and what the type rounds. */
		double most = (exact || !inside ? 0 : 1e-3 * scale) + fabs(want) * 0x1p-23 +
			      (scale < 1 ? 1e-6 : 0);

		if (input->tensor.type == SP_TENSOR_BF16)
			most += fabs(want) * 0x1p-8;
		if (!(off <= most))
			FAIL("%s, %s: (%u, %u) channel %d is %.6f, not %.6f",
			     frame ? frame->format->name : "none",
			     frame ? frame->shape.what : "black", x, y, c,
			     (double)number_at(input, at + (size_t)c), want);
	}
}

static void check_picture(const struct input *input, uint32_t picture, const struct frame *frame,
			  const struct sp_input_form *form)
{
	for (uint32_t y = 0; y < INPUT_HEIGHT; y++)
		for (uint32_t x = 0; x < INPUT_WIDTH; x++)
			check_pixel(input, picture, frame, form, x, y);
}

static struct sp_preprocess_look look_of(const struct frame *frame)
{
	struct sp_preprocess_look look = { .picture = frame->there };

	look.fit.input_width = INPUT_WIDTH;
	look.fit.input_height = INPUT_HEIGHT;
	look.fit.from = frame->shape.from;
	look.fit.width = frame->shape.to_width;
	look.fit.height = frame->shape.to_height;
	return look;
}

static void launch(struct input *input, const struct sp_preprocess_look *looks,
		   const struct sp_input_form *form)
{
	CARD(sp_preprocess_launch(NULL, looks, input->tensor.n, form, &input->tensor));
	CARD(cudaStreamSynchronize(NULL));
	CARD(cudaMemcpy(input->numbers, input->tensor.at, sp_tensor_bytes(&input->tensor),
			cudaMemcpyDeviceToHost));
}

/* All shapes in one launch. */
static void check_format(const struct sp_pfnc *format, enum sp_tensor_type type,
			 const struct sp_input_form *form, uint64_t seed)
{
	struct sp_preprocess_look *looks, *device;
	struct frame frames[SHAPES];
	struct input input;

	looks = card_pinned(SHAPES * sizeof(*looks), &device);
	make_input(&input, type, SHAPES);
	for (uint32_t i = 0; i < SHAPES; i++) {
		make_frame(&frames[i], format, &shapes[i], &seed);
		looks[i] = look_of(&frames[i]);
	}
	launch(&input, device, form);
	for (uint32_t i = 0; i < SHAPES; i++) {
		check_picture(&input, i, &frames[i], form);
		free_frame(&frames[i]);
	}
	free_input(&input);
	card_free_pinned(looks);
}

TEST(formats_and_shapes_in_float32)
{
	for (size_t i = 0; i < sp_pfnc_table_n; i++)
		check_format(&sp_pfnc_table[i], SP_TENSOR_F32, &forms[0], i + 1);
}

TEST(formats_and_shapes_in_bfloat16)
{
	for (size_t i = 0; i < sp_pfnc_table_n; i++)
		check_format(&sp_pfnc_table[i], SP_TENSOR_BF16, &forms[1], i + 100);
}

TEST(looks_that_cannot_be_made_are_black)
{
	enum { LOOKS = 5, GOOD = 3 };
	struct sp_preprocess_look *looks, *device;
	uint64_t seed = 7;
	struct frame frame;
	struct input input;

	looks = card_pinned(LOOKS * sizeof(*looks), &device);
	make_input(&input, SP_TENSOR_F32, LOOKS);
	make_frame(&frame, sp_pfnc_by_code(SP_PFNC_BAYER_GB8), &shapes[0], &seed);
	for (uint32_t i = 0; i < LOOKS; i++)
		looks[i] = look_of(&frame);
	looks[0].picture.at = NULL;
	looks[1].fit.from.x = 1; /* beyond the picture */
	looks[2].fit.width = 65; /* larger than it was */
	looks[4].fit.height = 0;
	launch(&input, device, &forms[1]);
	for (uint32_t i = 0; i < LOOKS; i++)
		check_picture(&input, i, i == GOOD ? &frame : NULL, &forms[1]);
	free_frame(&frame);
	free_input(&input);
	card_free_pinned(looks);
}

TEST(nothing_to_do)
{
	struct sp_device_tensor none = { .type = SP_TENSOR_F32, .c = 3, .pitch = 4 };

	CARD(sp_preprocess_launch(NULL, NULL, 0, &forms[0], &none));
}

TEST_MAIN()
