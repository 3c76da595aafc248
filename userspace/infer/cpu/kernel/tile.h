/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMX's tiles: eight registers of up to 16 rows × 64 bytes (Intel SDM volume 1, chapter 18). Where
 * the compiler may not use them, the same in software, so that what is built on them can be tested
 * on any machine. Numbers of tiles are constants.
 */
#ifndef SP_INFER_CPU_KERNEL_TILE_H
#define SP_INFER_CPU_KERNEL_TILE_H

#include <stdint.h>

enum { SP_TILES = 8, SP_TILE_ROWS = 16, SP_TILE_ROW = 64 /* bytes */ };

/* As LDTILECFG reads it. */
struct sp_tile_shapes {
	uint8_t palette; /* 1 */
	uint8_t start_row;
	uint8_t reserved[14];
	uint16_t columns[16]; /* bytes, of each tile */
	uint8_t rows[16];
};
_Static_assert(sizeof(struct sp_tile_shapes) == 64, "64 bytes in memory");

#ifdef SP_REAL_TILES

#include <immintrin.h>

/* Loads of tiles say nothing to the compiler about memory: what is written before must be there. */
#define sp_tile_begin(shapes)                                                                      \
	do {                                                                                       \
		__asm__ volatile("" : : "r"(shapes) : "memory");                                   \
		_tile_loadconfig(shapes);                                                          \
	} while (0)
#define sp_tile_load(tile, from, stride)                                                           \
	do {                                                                                       \
		__asm__ volatile("" : : : "memory");                                               \
		_tile_loadd(tile, from, stride);                                                   \
	} while (0)
#define sp_tile_store(tile, to, stride) _tile_stored(tile, to, stride)
#define sp_tile_dot(sums, a, b) _tile_dpbf16ps(sums, a, b)
#define sp_tile_end() _tile_release()

#else

#include "infer/cpu/kernel/tile_software.h"

#define sp_tile_begin(shapes) sp_software_begin(shapes)
#define sp_tile_load(tile, from, stride) sp_software_load(tile, from, stride)
#define sp_tile_store(tile, to, stride) sp_software_store(tile, to, stride)
#define sp_tile_dot(sums, a, b) sp_software_dot(sums, a, b)
#define sp_tile_end() sp_software_end()

#endif

#endif
