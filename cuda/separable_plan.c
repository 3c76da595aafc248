/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/separable.h"

#include "cuda/fragments.h"

enum {
	CHANNELS_MAX = 1024,
	SIDE_MAX = 32, /* of a tile */
	SEGMENTS_MAX = 16, /* of a tile's height */
	WARPS = SP_SEPARABLE_THREADS / 32,
};

static uint32_t up(uint32_t x, uint32_t to)
{
	return (x + to - 1) / to;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * Channels of a piece: 64 bfloat16 or 32 float32 are a row of 128 bytes; fewer if that wastes less.
 */
static uint32_t piece_width(const struct sp_separable *separable)
{
	uint32_t outputs = separable->depthwise.oc;
	bool half = separable->pointwise.type == SP_TENSOR_BF16;

	if (outputs <= 16)
		return 16;
	return half && up(outputs, 32) % 2 == 0 ? 64 : 32;
}

static uint32_t granules_of(const struct sp_conv *pointwise)
{
	uint32_t channels = sp_fragments_channels(pointwise->type, pointwise->c);

	return channels * (uint32_t)sp_tensor_number(pointwise->type) / 16;
}

/*
 * What a warp does for a tile, in instructions as counted in the kernels' loops: products, the
 * lines of the depthwise one, copies. Only ratios matter.
 */
static uint64_t work_of(const struct sp_separable *separable,
			const struct sp_separable_tiling *tiling)
{
	bool half = separable->pointwise.type == SP_TENSOR_BF16;
	/* Tiles of 16 rows by warps of 32 outputs, or rows by threads of 4. */
	uint32_t groups = half ? WARPS / up(tiling->width, 32)
			       : SP_SEPARABLE_THREADS / (tiling->width / 4);
	uint32_t parts = half ? up(tiling->rows, 16) : tiling->rows;
	uint32_t product = half ? 40 + 8 * tiling->granules : 8 + 18 * tiling->granules;
	uint32_t slots = SP_SEPARABLE_THREADS / (tiling->width / 2);
	uint32_t copies = up(tiling->rows * tiling->granules, SP_SEPARABLE_THREADS);

	return (uint64_t)up(parts, groups) * product +
	       (uint64_t)up(tiling->units, slots) * (tiling->segment * 70 + 40) +
	       (uint64_t)copies * 16;
}

static void set_segment(struct sp_separable_tiling *tiling, uint32_t segment)
{
	tiling->segment = segment;
	tiling->segments = up(tiling->tile_h, segment);
	tiling->units = up(tiling->tile_w, 2) * tiling->segments;
}

/* The segment of least work for the tile. */
static uint64_t divide_tile(const struct sp_separable *separable,
			    struct sp_separable_tiling *tiling)
{
	uint64_t least = UINT64_MAX;
	uint32_t best = 1, even = separable->pool ? 2 : 1;

	for (uint32_t n = 1; n <= SEGMENTS_MAX && n <= tiling->tile_h; n++) {
		uint64_t work;

		set_segment(tiling, up(up(tiling->tile_h, n), even) * even);
		work = work_of(separable, tiling);
		if (work < least) {
			least = work;
			best = tiling->segment;
		}
	}
	set_segment(tiling, best);
	return least;
}

/* Sizes that follow from a tile's. False if there is no room for it. */
static bool size_tile(const struct sp_separable *separable, size_t shared_max,
		      struct sp_separable_tiling *tiling)
{
	const struct sp_conv *depthwise = &separable->depthwise;

	tiling->region_w = (tiling->tile_w - 1) * depthwise->stride[1] + 3;
	tiling->rows = ((tiling->tile_h - 1) * depthwise->stride[0] + 3) * tiling->region_w;
	tiling->line = up(65536, tiling->region_w);
	tiling->tiles_h = up(depthwise->oh, tiling->tile_h);
	tiling->tiles_w = up(depthwise->ow, tiling->tile_w);
	/* The product reads whole tiles of 16 rows. */
	tiling->stage = up(tiling->rows, 16) * 16 << tiling->log << 4;
	tiling->shared = 2 * (size_t)tiling->stage +
			 (size_t)tiling->rows *
				 sp_separable_between(depthwise->type, tiling->width);
	return tiling->rows <= SP_SEPARABLE_ROWS && tiling->shared <= shared_max;
}

bool sp_separable_tile(const struct sp_separable *separable, size_t shared_max,
		       struct sp_separable_tiling *ret_tiling)
{
	const struct sp_conv *depthwise = &separable->depthwise;
	struct sp_separable_tiling tiling = { 0 };
	uint32_t height = smaller(up(depthwise->oh, 2) * 2, SIDE_MAX);
	uint32_t width = smaller(up(depthwise->ow, 2) * 2, SIDE_MAX);
	uint64_t least = UINT64_MAX;

	tiling.width = piece_width(separable);
	tiling.pieces = up(depthwise->oc, tiling.width);
	tiling.granules = granules_of(&separable->pointwise);
	for (tiling.log = 1; tiling.log < 3 && 1U << tiling.log < tiling.granules;)
		tiling.log++;
	for (uint32_t h = separable->pool ? 2 : 1; h <= height; h += separable->pool ? 2 : 1) {
		for (uint32_t w = 2; w <= width; w += 2) {
			uint64_t work;

			tiling.tile_h = h;
			tiling.tile_w = w;
			if (!size_tile(separable, shared_max, &tiling))
				break;
			work = divide_tile(separable, &tiling) * tiling.tiles_h * tiling.tiles_w;
			/* With one block a processor there is nothing to do while it waits. */
			if (2 * tiling.shared > shared_max)
				work += work / 2;
			if (work > least)
				continue;
			least = work;
			*ret_tiling = tiling;
		}
	}
	return least < UINT64_MAX;
}

static bool plain_pointwise(const struct sp_conv *conv)
{
	return conv->kernel[0] == 1 && conv->kernel[1] == 1 && conv->stride[0] == 1 &&
	       conv->stride[1] == 1 && !conv->pad[0] && !conv->pad[1] && conv->group == 1 &&
	       !conv->picture && conv->oh == conv->h && conv->ow == conv->w;
}

static bool plain_depthwise(const struct sp_conv *conv)
{
	return conv->kernel[0] == 3 && conv->kernel[1] == 3 && conv->dilation[0] == 1 &&
	       conv->dilation[1] == 1 && conv->stride[0] == conv->stride[1] &&
	       (conv->stride[0] == 1 || conv->stride[0] == 2) && conv->group == conv->c &&
	       conv->oc == conv->c && !conv->picture;
}

bool sp_separable_can(const struct sp_device *device, const struct sp_separable *separable)
{
	const struct sp_conv *pointwise = &separable->pointwise, *depthwise = &separable->depthwise;
	struct sp_separable_tiling tiling;

	if (!plain_pointwise(pointwise) || !plain_depthwise(depthwise) ||
	    pointwise->type != depthwise->type || pointwise->oc != depthwise->c ||
	    pointwise->oh != depthwise->h || pointwise->ow != depthwise->w)
		return false;
	if (pointwise->c > CHANNELS_MAX || depthwise->c > CHANNELS_MAX || !depthwise->oh ||
	    !depthwise->ow || (separable->pool && depthwise->stride[0] != 1))
		return false;
	return device->threads_max >= SP_SEPARABLE_THREADS &&
	       sp_separable_tile(separable, device->shared_max, &tiling);
}

static uint32_t channels_packed(const struct sp_separable *separable)
{
	uint32_t width = piece_width(separable);

	return up(separable->depthwise.oc, width) * width;
}

size_t sp_separable_bytes(const struct sp_separable *separable)
{
	const struct sp_conv *pointwise = &separable->pointwise;
	uint32_t channels = channels_packed(separable);

	return sp_fragments_piece(pointwise->type, pointwise->c, channels) +
	       sizeof(float) * SP_SEPARABLE_FLOATS * channels;
}

void sp_separable_pack(const struct sp_separable *separable, const float *const weights[2],
		       const float *const bias[2], void *packed)
{
	const struct sp_conv *pointwise = &separable->pointwise;
	uint32_t channels = channels_packed(separable), c = separable->depthwise.c;
	float *floats = (float *)((uint8_t *)packed +
				  sp_fragments_piece(pointwise->type, pointwise->c, channels));

	sp_fragments_pack(pointwise->type, pointwise->c, pointwise->oc, piece_width(separable),
			  weights[0], packed);
	for (uint32_t i = 0; i < channels; i++) {
		bool there = i < c;

		floats[i] = there && bias[0] ? bias[0][i] : 0.0f;
		for (uint32_t tap = 0; tap < SP_SEPARABLE_TAPS; tap++)
			floats[(1 + tap) * channels + i] =
				there ? weights[1][i * SP_SEPARABLE_TAPS + tap] : 0.0f;
		floats[(1 + SP_SEPARABLE_TAPS) * channels + i] = there && bias[1] ? bias[1][i]
										  : 0.0f;
	}
}
