/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames with people in them, and the program's side of the plugin: for tests of the whole backend.
 */
#ifndef SP_TESTS_CUDA_BACKEND_SCENE_H
#define SP_TESTS_CUDA_BACKEND_SCENE_H

#include <math.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/region.h"
#include "compute_abi.h"
#include "frame/frame.h"
#include "image/image.h"
#include "infer/compute.h"
#include "infer/model.h"
#include "infer/plugin.h"
#include "test.h"
#include "wire/pfnc.h"

const struct sp_compute_ops *sp_compute_plugin(uint64_t abi, const struct sp_compute_host *host);

/* ---- the program ---- */

/* Lines of level error and warning since the test began, and the last of them. */
static _Atomic unsigned int scene_lines;
static char scene_line[1024];
static _Atomic uint64_t scene_ahead_ns; /* of the true time */

static void scene_log(int level, const char *text)
{
	if (level > SP_LOG_WARNING)
		return;
	printf("# %s\n", text);
	fflush(stdout);
	snprintf(scene_line, sizeof(scene_line), "%s", text);
	atomic_fetch_add(&scene_lines, 1);
}

static uint64_t scene_now(void)
{
	return sp_clock_now() + atomic_load(&scene_ahead_ns);
}

/* The program's, but for its log and clock. */
static struct sp_compute_host scene_host;

__attribute__((unused)) static const struct sp_compute_ops *scene_backend(void)
{
	const struct sp_compute_ops *ops;

	scene_host = sp_plugin_host;
	scene_host.log = scene_log;
	scene_host.now_ns = scene_now;
	ops = sp_compute_plugin(SP_COMPUTE_ABI, &scene_host);
	CHECK(ops);
	return ops;
}

/* Small networks of ours, and a small input, so that the emulator is done in time. */
static struct sp_compute_config scene_config(void)
{
	return (struct sp_compute_config){
		.detector = "models/sallyport_detector.onnx",
		.embedder = "models/sallyport_embedder.onnx",
		.quality = "models/sallyport_quality.onnx",
		.precision = SP_PRECISION_F32,
		.workers = 1,
		.in_flight = 8,
		.detect_width = 160,
		.detect_height = 128,
		.frame_bytes = 1 << 19,
		.embed_invalid = true,
	};
}

/* ---- frames ---- */

struct scene_frame {
	struct sp_frame frame;
	uint64_t *offset, *missing;
};

/* All frames of a test lie in one region, packet by packet. */
struct scene {
	struct sp_region region;
	uint64_t used;
};

static void scene_init(struct scene *scene, size_t size)
{
	*scene = (struct scene){ .region = { .size = size } };
	scene->region.base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0);
	CHECK(scene->region.base != MAP_FAILED);
	memset(scene->region.base, 0xA5, size);
}

static void scene_uninit(struct scene *scene)
{
	munmap(scene->region.base, scene->region.size);
}

static uint8_t scene_luma(const uint8_t *rgb)
{
	return (uint8_t)((77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2]) >> 8);
}

/* Sample @x of line @y in eight bits; of YUV none. */
static uint8_t scene_sample(const struct sp_pfnc *format, const uint8_t *rgb, uint32_t x,
			    uint32_t y)
{
	unsigned int red_x = (x & 1) == format->red_x, red_y = (y & 1) == format->red_y;

	if (format->kind != SP_PFNC_BAYER)
		return scene_luma(rgb);
	return rgb[red_x && red_y ? 0 : red_x || red_y ? 1 : 2];
}

static void scene_put_bits(uint8_t *bytes, uint64_t at, unsigned int bits, uint32_t value)
{
	for (unsigned int i = 0; i < bits; i++)
		if (value >> i & 1)
			bytes[(at + i) / 8] |= (uint8_t)(1u << (at + i) % 8);
}

/* BT.601 at full range, as two pixels Y U Y V. */
static void scene_put_yuyv(const uint8_t *rgb, uint8_t *to)
{
	float r = rgb[0], g = rgb[1], b = rgb[2], luma = 0.299f * r + 0.587f * g + 0.114f * b;

	to[0] = scene_luma(rgb);
	to[2] = scene_luma(rgb + 3);
	to[1] = (uint8_t)fminf(fmaxf(128 + (b - luma) / 1.772f, 0), 255);
	to[3] = (uint8_t)fminf(fmaxf(128 + (r - luma) / 1.402f, 0), 255);
}

/* The picture as @format has it, @padding bytes after each line; zeroed bytes to begin with. */
static void scene_encode(const struct sp_image *image, const struct sp_pfnc *format,
			 uint32_t padding, uint8_t *bytes)
{
	uint64_t line = padding ? (sp_pfnc_line_bytes(format->code, image->width) + padding) * 8
				: (uint64_t)image->width * format->bits_per_pixel;

	for (uint32_t y = 0; y < image->height; y++) {
		for (uint32_t x = 0; x < image->width; x++) {
			const uint8_t *rgb = image->rgb + 3 * ((size_t)y * image->width + x);
			uint64_t at = y * line + (uint64_t)x * format->bits_per_pixel;
			uint32_t sample = scene_sample(format, rgb, x, y);

			if (format->kind == SP_PFNC_RGB)
				memcpy(bytes + at / 8, rgb, 3);
			else if (format->kind == SP_PFNC_BGR)
				memcpy(bytes + at / 8, (uint8_t[]){ rgb[2], rgb[1], rgb[0] }, 3);
			else if (format->kind == SP_PFNC_YUYV && x % 2 == 0)
				scene_put_yuyv(rgb, bytes + at / 8);
			else if (format->kind != SP_PFNC_YUYV)
				scene_put_bits(bytes, at, format->bits,
					       sample << (format->bits - 8));
		}
	}
}

/* In packets of @stride bytes, in disorder, odd distances apart. */
static void scene_add(struct scene *scene, const struct sp_image *image, uint32_t code,
		      uint32_t padding, uint32_t stride, struct scene_frame *ret_frame)
{
	const struct sp_pfnc *format = sp_pfnc_by_code(code);
	uint64_t size = padding ? image->height * (sp_pfnc_line_bytes(code, image->width) + padding)
				: sp_pfnc_image_bytes(code, image->width, image->height);
	uint32_t packets = (uint32_t)((size + stride - 1) / stride);
	uint8_t *bytes = calloc(1, size + 8);

	*ret_frame = (struct scene_frame){
		.offset = calloc(packets, sizeof(uint64_t)),
		.missing = calloc((packets + 63) / 64, sizeof(uint64_t)),
	};
	scene_encode(image, format, padding, bytes);
	CHECK(scene->used + (uint64_t)packets * (stride + 13) + 16 <= scene->region.size);
	for (uint32_t p = 0; p < packets; p++) {
		uint64_t left = size - (uint64_t)p * stride;

		ret_frame->offset[p] = scene->used + 16 +
				       (uint64_t)(packets - 1 - p) * (stride + 13);
		memcpy(scene->region.base + ret_frame->offset[p], bytes + (uint64_t)p * stride,
		       left < stride ? left : stride);
	}
	scene->used += (uint64_t)packets * (stride + 13) + 16;
	ret_frame->frame = (struct sp_frame){
		.pixel_format = code,
		.width = image->width,
		.height = image->height,
		.padding_x = padding,
		.parts_n = 1,
		.parts = { { .region = &scene->region, .stride = stride, .bytes = size } },
		.packets = packets,
		.offset = ret_frame->offset,
		.missing = ret_frame->missing,
	};
	free(bytes);
}

__attribute__((unused)) static void scene_lose(struct scene_frame *frame, uint32_t packet)
{
	if (!sp_frame_packet_missing(&frame->frame, packet))
		frame->frame.missing_n++;
	frame->missing[packet / 64] |= 1ull << packet % 64;
	frame->frame.flags |= SP_FRAME_INCOMPLETE;
}

static void scene_frame_uninit(struct scene_frame *frame)
{
	free(frame->offset);
	free(frame->missing);
}

/* A photograph made as small as @width × @height, or a skip. */
__attribute__((unused)) static void scene_photograph(const char *name, uint32_t width,
						     uint32_t height, struct sp_image *ret_image)
{
	struct sp_image image;
	struct sp_err err;

	if (sp_image_read(sp_test_shared(name), &image, &err))
		FAIL("%s", err.text);
	CHECK_EQ(sp_image_init(ret_image, width, height), 0);
	sp_image_letterbox(ret_image, &image);
	sp_image_uninit(&image);
}

/* ---- work ---- */

/* Submits all frames in order and waits for all results; frames that are released are counted. */
__attribute__((unused)) static void scene_run(struct sp_compute *compute,
					      struct sp_frame *const *frames, unsigned int n,
					      struct sp_result **results,
					      unsigned int *ret_released)
{
	uint64_t deadline = sp_clock_now() + 60 * SP_NS_PER_S;
	unsigned int submitted = 0, polled = 0;
	struct sp_frame *back[8];

	*ret_released = 0;
	while (polled < n) {
		submitted += compute->ops->submit(compute, frames + submitted, n - submitted);
		polled += compute->ops->poll(compute, results + polled, n - polled);
		if (compute->ops->release)
			*ret_released += compute->ops->release(compute, back, 8);
		if (sp_clock_now() > deadline)
			FAIL("%u of %u frames submitted, %u results after 60 s", submitted, n,
			     polled);
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS / 10);
	}
	if (compute->ops->release)
		*ret_released += compute->ops->release(compute, back, 8);
}

#endif
