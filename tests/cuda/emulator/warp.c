/* SPDX-License-Identifier: Apache-2.0 */
/* What a warp does together, once all lanes of the mask have come. */
#include <string.h>

#include "block.h"

typedef float eight __attribute__((vector_size(32), aligned(4)));

/* What a lane without one gives: a NaN, and no sensible integer. */
static const uint64_t nothing = UINT64_MAX;

static void shuffle(struct sp_warp_part *const parts[SP_WARP])
{
	uint64_t values[SP_WARP];

	for (unsigned int i = 0; i < SP_WARP; i++)
		values[i] = parts[i] ? parts[i]->value : nothing;
	for (unsigned int i = 0; i < SP_WARP; i++) {
		if (!parts[i])
			continue;
		parts[i]->value = parts[i]->from < SP_WARP ? values[parts[i]->from] : nothing;
	}
}

static uint32_t combined(enum sp_warp_kind kind, uint32_t a, uint32_t b)
{
	switch (kind) {
	case SP_WARP_ADD:
		return a + b;
	case SP_WARP_MIN_SIGNED:
		return (int32_t)a < (int32_t)b ? a : b;
	case SP_WARP_MIN_UNSIGNED:
		return a < b ? a : b;
	case SP_WARP_MAX_SIGNED:
		return (int32_t)a > (int32_t)b ? a : b;
	case SP_WARP_MAX_UNSIGNED:
		return a > b ? a : b;
	case SP_WARP_AND:
		return a & b;
	case SP_WARP_OR:
		return a | b;
	default:
		return a ^ b;
	}
}

static void reduce(struct sp_warp_part *const parts[SP_WARP], enum sp_warp_kind kind)
{
	uint32_t result = 0;
	bool first = true;

	for (unsigned int i = 0; i < SP_WARP; i++) {
		if (!parts[i])
			continue;
		if (kind == SP_WARP_BALLOT)
			result |= parts[i]->value ? 1u << i : 0;
		else
			result = first ? (uint32_t)parts[i]->value
				       : combined(kind, result, (uint32_t)parts[i]->value);
		first = false;
	}
	for (unsigned int i = 0; i < SP_WARP; i++)
		if (parts[i])
			parts[i]->value = result;
}

static float bf16(uint32_t bits)
{
	float x;

	bits <<= 16;
	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* Products of two bfloat16 are exact in float32; their sums are rounded after each. */
static void multiply(struct sp_warp_part *const parts[SP_WARP])
{
	float a[16][16], b[16][8], d[16][8];

	for (unsigned int lane = 0; lane < SP_WARP; lane++) {
		const struct sp_warp_part *part = parts[lane];
		unsigned int g = lane / 4, t = lane % 4;

		for (unsigned int i = 0; i < 4; i++) {
			float *at = &a[g + i % 2 * 8][2 * t + i / 2 * 8];

			at[0] = bf16(part->a[i] & 0xffff);
			at[1] = bf16(part->a[i] >> 16);
			d[g + i / 2 * 8][2 * t + i % 2] = part->d[i];
		}
		for (unsigned int i = 0; i < 2; i++) {
			b[2 * t + i * 8][g] = bf16(part->b[i] & 0xffff);
			b[2 * t + i * 8 + 1][g] = bf16(part->b[i] >> 16);
		}
	}
	for (unsigned int row = 0; row < 16; row++) {
		eight sum = *(const eight *)d[row];

		for (unsigned int k = 0; k < 16; k++)
			sum += a[row][k] * *(const eight *)b[k];
		*(eight *)d[row] = sum;
	}
	for (unsigned int lane = 0; lane < SP_WARP; lane++)
		for (unsigned int i = 0; i < 4; i++)
			parts[lane]->d[i] = d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
}

static void load_matrices(struct sp_warp_part *const parts[SP_WARP])
{
	uint32_t rows[SP_WARP][4];

	for (unsigned int lane = 0; lane < SP_WARP; lane++) {
		if ((uintptr_t)parts[lane]->row % 16)
			sp_emulator_fault("the row of lane %u is not aligned to 16 bytes: %p", lane,
					  parts[lane]->row);
		memcpy(rows[lane], parts[lane]->row, sizeof(rows[lane]));
	}
	for (unsigned int lane = 0; lane < SP_WARP; lane++)
		for (unsigned int i = 0; i < 4; i++)
			parts[lane]->to[i] = rows[8 * i + lane / 4][lane % 4];
}

void sp_emulator_warp_complete(struct sp_warp_part *const parts[SP_WARP])
{
	enum sp_warp_kind kind = SP_WARP_SYNC;

	for (unsigned int i = 0; i < SP_WARP; i++)
		if (parts[i])
			kind = parts[i]->kind;
	switch (kind) {
	case SP_WARP_SYNC:
		break;
	case SP_WARP_SHUFFLE:
		shuffle(parts);
		break;
	case SP_WARP_MMA:
		multiply(parts);
		break;
	case SP_WARP_LOAD_MATRICES:
		load_matrices(parts);
		break;
	default:
		reduce(parts, kind);
	}
}
