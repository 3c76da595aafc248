/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From packets to a detector's input, gathered and made on the device, against the CPU's backend:
 * random formats, sizes, paddings, parts, packets and losses.
 */
#include "cuda/gather.h"
#include "cuda/preprocess.h"

#include <math.h>

#include "../unit/infer/packet_frame.h"
#include "card.h"
#include "infer/element.h"
#include "infer/pixels.h"

enum { LOOKS = 6, BATCHES = 30 };

struct look {
	struct packet_frame packets;
	struct sp_fit fit;
	uint8_t *region, *frame;
	uint64_t *offset, *missing;
	float *want;
};

/* A frame and which part of it is looked at, by chance. */
static void draw(struct look *look, uint64_t *seed, uint32_t input_width, uint32_t input_height)
{
	const struct sp_pfnc *format = &sp_pfnc_table[next_random(seed) % sp_pfnc_table_n];
	uint32_t width = 2 + next_random(seed) % 300, height = 2 + next_random(seed) % 100;
	uint32_t padding = next_random(seed) % 4 ? 0 : next_random(seed) % 8;
	uint32_t loss = next_random(seed) % 3 * 20; /* percent */
	struct sp_scale_rect rect = { 0, 0, 0, 0 };

	if (format->kind == SP_PFNC_YUYV)
		width &= ~1u;
	packet_frame_init_padded(&look->packets, format->code, width, height, padding,
				 1 + next_random(seed) % 2000, next_random(seed));
	for (uint32_t p = 0; p < look->packets.frame.packets; p++)
		if (next_random(seed) % 100 < loss)
			packet_frame_lose(&look->packets, p);
	if (next_random(seed) % 3) {
		rect.x = next_random(seed) % width;
		rect.y = next_random(seed) % height;
		if (next_random(seed) % 2) {
			rect.x &= ~1u;
			rect.y &= ~1u;
		}
	}
	rect.width = 1 + next_random(seed) % (width - rect.x);
	rect.height = 1 + next_random(seed) % (height - rect.y);
	if (next_random(seed) % 2) {
		rect.width = width - rect.x;
		rect.height = height - rect.y;
	}
	sp_fit_init(&look->fit, &rect, input_width, input_height);
}

/* The same memory, mapped, and the frame's place on the device. */
static void bring(struct look *look, struct sp_gather_frame *gather, struct sp_preprocess_look *ret)
{
	const struct packet_frame *packets = &look->packets;
	const struct sp_frame *frame = &packets->frame;
	uint8_t *region;
	uint64_t *offset, *missing;
	size_t bits = (frame->packets + 63) / 64 * sizeof(*missing);

	look->region = card_pinned(packets->region.size + 16, &region);
	look->offset = card_pinned(frame->packets * sizeof(*offset), &offset);
	look->missing = card_pinned(bits, &missing);
	memcpy(look->region, packets->region.base, packets->region.size);
	memcpy(look->offset, packets->offset, frame->packets * sizeof(*offset));
	memcpy(look->missing, packets->missing, bits);
	look->frame = card_memory(packets->size + SP_GATHER_SLACK);
	CARD(cudaMemset(look->frame, 0xA5, packets->size + SP_GATHER_SLACK));
	*gather = (struct sp_gather_frame){
		.base = region,
		.offset = offset,
		.missing = missing,
		.packets = frame->packets,
		.stride = frame->parts[0].stride,
		.bytes = packets->size,
		.to = look->frame,
	};
	*ret = (struct sp_preprocess_look){
		.picture = sp_picture_of(sp_pfnc_by_code(frame->pixel_format), frame->width,
					 frame->height, frame->padding_x, look->frame),
		.fit = look->fit,
	};
}

static void free_look(struct look *look)
{
	packet_frame_uninit(&look->packets);
	card_free_pinned(look->region);
	card_free_pinned(look->offset);
	card_free_pinned(look->missing);
	card_free(look->frame);
	free(look->want);
}

static void on_cpu(struct look *look, const struct sp_input_form *form)
{
	struct sp_pixels pixels;
	struct sp_scale scale;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	look->want = malloc(3 * sizeof(float) * look->fit.input_width * look->fit.input_height);
	CHECK_EQ(sp_pixels_begin(&pixels, &look->packets.frame), 0);
	CHECK_EQ(sp_preprocess(&scale, &pixels, &look->fit, form, look->want), 0);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

/*
 * Same size: the same levels. Else within a 20th of a level: the CPU cuts off each of its products
 * at a 256th, the device computes in float32.
 */
static void compare(const struct look *look, const struct sp_input_form *form,
		    enum sp_tensor_type type, const void *got, uint64_t seed)
{
	const struct sp_fit *fit = &look->fit;
	const struct sp_frame *frame = &look->packets.frame;
	size_t plane = (size_t)fit->input_width * fit->input_height;
	bool same = fit->width == fit->from.width && fit->height == fit->from.height;

	for (size_t i = 0; i < 4 * plane; i++) {
		double is = type == SP_TENSOR_F32
				    ? (double)((const float *)got)[i]
				    : (double)sp_bf16_to_float(((const uint16_t *)got)[i]);
		double want = i % 4 < 3 ? (double)look->want[i % 4 * plane + i / 4] : 0;
		double most = i % 4 < 3 ? (double)form->scale[i % 4] * (same ? 1e-4 : 0.05) : 0;

		if (type == SP_TENSOR_BF16)
			most += fabs(want) * 0x1p-8;
		if (!(fabs(is - want) <= most))
			FAIL("seed %" PRIu64 ", %s %u × %u, part %u, %u, %u × %u to %u × %u: "
			     "(%zu, %zu) channel %zu is %.5f, not %.5f",
			     seed, sp_pfnc_by_code(frame->pixel_format)->name, frame->width,
			     frame->height, fit->from.x, fit->from.y, fit->from.width,
			     fit->from.height, fit->width, fit->height, i / 4 % fit->input_width,
			     i / 4 / fit->input_width, i % 4, is, want);
	}
}

/* Looks with their packets and fits, at inputs of one size. */
static void check_looks(struct look *look, uint32_t n, const struct sp_input_form *form,
			struct sp_device_tensor *input, uint64_t seed)
{
	struct sp_preprocess_look *looks, *looks_device;
	struct sp_gather_frame *frames, *frames_device;
	uint64_t bytes_max = 0;
	uint8_t *numbers;

	input->n = n;
	input->c = 3;
	input->pitch = 4;
	input->at = card_memory(sp_tensor_bytes(input));
	looks = card_pinned(n * sizeof(*looks), &looks_device);
	frames = card_pinned(n * sizeof(*frames), &frames_device);
	for (uint32_t i = 0; i < n; i++) {
		on_cpu(&look[i], form);
		bring(&look[i], &frames[i], &looks[i]);
		if (frames[i].bytes > bytes_max)
			bytes_max = frames[i].bytes;
	}
	CARD(sp_gather(NULL, frames_device, n, bytes_max));
	CARD(sp_preprocess_launch(NULL, looks_device, n, form, input));
	numbers = malloc(sp_tensor_bytes(input));
	CARD(cudaMemcpy(numbers, input->at, sp_tensor_bytes(input), cudaMemcpyDeviceToHost));
	for (uint32_t i = 0; i < n; i++) {
		compare(&look[i], form, input->type,
			numbers + i * sp_tensor_picture(input) * sp_tensor_number(input->type),
			seed);
		free_look(&look[i]);
	}
	free(numbers);
	card_free(input->at);
	card_free_pinned(looks);
	card_free_pinned(frames);
}

static void check_batch(uint64_t seed)
{
	static const struct sp_input_form *const forms[] = { &sp_input_levels, &sp_input_imagenet,
							     &sp_input_signed };
	uint64_t random = seed * 1000003 + 17;
	const struct sp_input_form *form = forms[next_random(&random) % 3];
	struct sp_device_tensor input = { 0 };
	struct look look[LOOKS];

	input.type = next_random(&random) % 4 ? SP_TENSOR_F32 : SP_TENSOR_BF16;
	input.w = 32 * (1 + next_random(&random) % 3);
	input.h = 32 * (1 + next_random(&random) % 3);
	for (uint32_t i = 0; i < LOOKS; i++)
		draw(&look[i], &random, input.w, input.h);
	check_looks(look, LOOKS, form, &input, seed);
}

TEST(from_packets_as_the_cpu)
{
	printf("# seeds 0 … %d\n", BATCHES - 1);
	for (uint64_t seed = 0; seed < BATCHES; seed++)
		check_batch(seed);
}

/* What a lane's camera sends: jumbo packets, three of which are missing. */
TEST(five_megapixels)
{
	struct sp_device_tensor input = { .type = SP_TENSOR_BF16, .w = 640, .h = 640 };
	struct look look;

	packet_frame_init(&look.packets, SP_PFNC_BAYER_RG8, 2448, 2048, 8164, 1);
	for (uint32_t p = 100; p < 103; p++)
		packet_frame_lose(&look.packets, p);
	sp_fit_init(&look.fit, &(struct sp_scale_rect){ 0, 0, 2448, 2048 }, input.w, input.h);
	check_looks(&look, 1, &sp_input_levels, &input, 1);
}

TEST_MAIN()
