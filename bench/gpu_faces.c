/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What faces pass through, alone: turned upright, measured, as a network's input, as portraits;
 * embeddings of length 1. The two numbers of each: at the head of its file in cuda/.
 */
#include <errno.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/face.h"
#include "cuda/gather.h"
#include "cuda/move.h"
#include "gpu.h"
#include "infer/compute.h"

enum { FRAMES = 16, FACES = 512, PORTRAITS = 64, ACROSS = 200, PORTRAIT = 256, NUMBERS = 128 };

struct faces {
	uint32_t n, portraits_n, width, height;
	uint64_t room; /* of a frame */
	uint8_t *pixels, *aligned, *rgb;
	struct sp_warp_face *warps, *warps_view;
	struct sp_portrait_face *portraits, *portraits_view;
	struct sp_aligned_measures *measures_view;
	struct sp_device_tensor input, embedding;
	float *lengthened;
	uint32_t *valid;
	struct gpu_memory memory;
};

static const struct sp_pfnc *format(void)
{
	return sp_pfnc_by_code(SP_PFNC_BAYER_RG8);
}

static int take_memory(struct faces *faces, struct sp_err *err)
{
	struct gpu_memory *memory = &faces->memory;
	size_t n = faces->n, portraits = faces->portraits_n;
	void *measures, *rgb;

	faces->pixels = gpu_take(memory, FRAMES * faces->room, err);
	if (!faces->pixels || gpu_fill(faces->pixels, FRAMES * faces->room, err))
		return -ENOMEM;
	faces->aligned = gpu_take(memory, n * SP_ALIGNED_BYTES, err);
	if (!faces->aligned || gpu_fill(faces->aligned, n * SP_ALIGNED_BYTES, err))
		return -ENOMEM;
	faces->warps = gpu_take_pinned(memory, n * sizeof(*faces->warps), &faces->warps_view, err);
	if (!faces->warps)
		return -ENOMEM;
	faces->portraits = gpu_take_pinned(memory, portraits * sizeof(*faces->portraits),
					   &faces->portraits_view, err);
	if (!faces->portraits)
		return -ENOMEM;
	rgb = gpu_take_pinned(memory, portraits * 3 * PORTRAIT * PORTRAIT, &faces->rgb, err);
	if (!rgb)
		return -ENOMEM;
	measures = gpu_take_pinned(memory, n * sizeof(*faces->measures_view), &faces->measures_view,
				   err);
	if (!measures)
		return -ENOMEM;
	faces->input.at = gpu_take(memory, sp_tensor_bytes(&faces->input), err);
	if (!faces->input.at)
		return -ENOMEM;
	faces->embedding.at = gpu_take(memory, sp_tensor_bytes(&faces->embedding), err);
	if (!faces->embedding.at ||
	    gpu_fill(faces->embedding.at, sp_tensor_bytes(&faces->embedding), err))
		return -ENOMEM;
	faces->lengthened = gpu_take(memory, n * NUMBERS * sizeof(float), err);
	faces->valid = faces->lengthened ? gpu_take(memory, n * sizeof(uint32_t), err) : NULL;
	return faces->valid ? 0 : -ENOMEM;
}

/* Faces turned a little, all over the frames. */
static void place_faces(struct faces *faces)
{
	uint32_t across = faces->width / 2 < ACROSS ? faces->width / 2 : ACROSS, chance = 1;
	float scale = (float)across / SP_ALIGNED_SIDE;

	for (uint32_t i = 0; i < faces->n; i++) {
		uint32_t x, y;

		chance = chance * 1664525 + 1013904223;
		x = (chance >> 8) % (faces->width - across);
		chance = chance * 1664525 + 1013904223;
		y = (chance >> 8) % (faces->height - across);
		faces->warps[i].picture = sp_picture_of(format(), faces->width, faces->height, 0,
							faces->pixels + i % FRAMES * faces->room);
		faces->warps[i].to_frame = (struct sp_similarity){ 0.98f * scale, 0.17f * scale,
								   (float)x, (float)y };
	}
}

static void place_portraits(struct faces *faces, uint32_t side, uint32_t from)
{
	for (uint32_t i = 0; i < faces->portraits_n; i++)
		faces->portraits[i] = (struct sp_portrait_face){
			.picture = faces->warps[i].picture,
			.rect = { i * 8 % (faces->width - from) / 2 * 2,
				  i * 6 % (faces->height - from) / 2 * 2, from, from },
			.width = side,
			.height = side,
			.rgb = faces->rgb + (size_t)i * 3 * PORTRAIT * PORTRAIT,
		};
}

static int init(struct gpu_bench *bench, struct faces *faces, struct sp_err *err)
{
	int rc;

	faces->n = bench->small ? 2 : FACES;
	faces->portraits_n = bench->small ? 2 : PORTRAITS;
	faces->width = bench->small ? 128 : 2448;
	faces->height = bench->small ? 96 : 2048;
	faces->room = ((uint64_t)faces->width * faces->height + SP_GATHER_SLACK + 255) / 256 * 256;
	faces->input = (struct sp_device_tensor){ .type = SP_TENSOR_BF16,
						  .n = faces->n,
						  .h = SP_ALIGNED_SIDE,
						  .w = SP_ALIGNED_SIDE,
						  .c = 3,
						  .pitch = 4 };
	faces->embedding = (struct sp_device_tensor){ .type = SP_TENSOR_BF16,
						      .n = faces->n,
						      .h = 1,
						      .w = 1,
						      .c = NUMBERS,
						      .pitch = NUMBERS };
	rc = take_memory(faces, err);
	if (!rc)
		place_faces(faces);
	return rc;
}

/* ---- work ----------------------------------------------------------------------------------- */

static int warp(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct faces *faces = arg;

	return SP_CUDA(err, sp_warp_launch(stream, faces->warps_view, faces->n, faces->aligned));
}

static int measure(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct faces *faces = arg;

	return SP_CUDA(err,
		       sp_measure_launch(stream, faces->aligned, faces->n, faces->measures_view));
}

static int form(void *arg, cudaStream_t stream, struct sp_err *err)
{
	static const struct sp_input_form signed_form = {
		.scale = { 2 / 255.0f, 2 / 255.0f, 2 / 255.0f }, .shift = { -1, -1, -1 }
	};
	struct faces *faces = arg;

	return SP_CUDA(err, sp_face_input_launch(stream, faces->aligned, faces->n, &signed_form,
						 &faces->input));
}

static int portrait(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct faces *faces = arg;

	return SP_CUDA(err, sp_portrait_launch(stream, faces->portraits_view, faces->portraits_n));
}

static int normalise(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct faces *faces = arg;

	return SP_CUDA(err, sp_normalise_launch(stream, &faces->embedding, faces->lengthened,
						faces->valid));
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Of one face, or portrait. */
static int bench_one(struct gpu_bench *bench, struct faces *faces, const char *label, uint32_t n,
		     gpu_work work, struct gpu_numbers numbers, struct sp_err *err)
{
	numbers.operations *= n;
	numbers.bytes *= n;
	numbers.bus *= n;
	return gpu_measure(bench, label, work, faces, 20, &numbers, err);
}

static int bench_portraits(struct gpu_bench *bench, struct faces *faces, struct sp_err *err)
{
	uint32_t side = bench->small ? 32 : PORTRAIT, from = 2 * side;
	const struct gpu_numbers numbers = { .operations = 12.0 * side * side,
					     .bytes = (double)from * from,
					     .bus = 3.0 * side * side };
	char label[96];

	place_portraits(faces, side, from);
	snprintf(label, sizeof(label), "portrait %u, from %u x %u BayerRG8 to %u",
		 faces->portraits_n, from, from, side);
	return bench_one(bench, faces, label, faces->portraits_n, portrait, numbers, err);
}

void gpu_faces(struct gpu_bench *bench)
{
	const double pixels = SP_ALIGNED_PIXELS;
	struct faces faces = { 0 };
	char label[96];
	struct sp_err err;
	int rc = init(bench, &faces, &err);

	snprintf(label, sizeof(label), "warp %u faces out of BayerRG8", faces.n);
	if (!rc)
		rc = bench_one(bench, &faces, label, faces.n, warp,
			       (struct gpu_numbers){ pixels * (3 * 9 + 4 * 12),
						     2.0 * ACROSS * ACROSS + SP_ALIGNED_BYTES, 0 },
			       &err);
	snprintf(label, sizeof(label), "quality %u faces", faces.n);
	if (!rc)
		rc = bench_one(
			bench, &faces, label, faces.n, measure,
			(struct gpu_numbers){ 155620, 38304, sizeof(struct sp_aligned_measures) },
			&err);
	snprintf(label, sizeof(label), "form %u faces", faces.n);
	if (!rc)
		rc = bench_one(bench, &faces, label, faces.n, form,
			       (struct gpu_numbers){ pixels * 6, SP_ALIGNED_BYTES + 8 * pixels, 0 },
			       &err);
	if (!rc)
		rc = bench_portraits(bench, &faces, &err);
	snprintf(label, sizeof(label), "normalise %u x %d", faces.n, NUMBERS);
	if (!rc)
		rc = bench_one(bench, &faces, label, faces.n, normalise,
			       (struct gpu_numbers){ 3.0 * NUMBERS, 6.0 * NUMBERS + 4, 0 }, &err);
	if (rc)
		gpu_failed(bench, "faces", &err);
	gpu_give_back(&faces.memory);
}
