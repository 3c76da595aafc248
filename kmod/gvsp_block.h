/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Block ids and the packets of a block: what any GVSP receiver needs, in kernel or userspace. No
 * libc, no allocation, no locks: the caller owns the memory and the object.
 */
#ifndef SP_GVSP_BLOCK_H
#define SP_GVSP_BLOCK_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

/* ---- ids ---- */

/*
 * The id after @id. 16-bit ids go from 65535 to 1, 64-bit ones through 0. (A camera that goes to 0
 * is understood too: see sp_gvsp_block_distance.)
 */
static inline __u64 sp_gvsp_block_next(__u64 id, bool extended)
{
	if (extended)
		return id + 1;
	return id >= 0xFFFF ? 1 : id + 1;
}

/*
 * How many blocks @id is ahead of @from (negative: behind), taking the shorter way round. The id 0
 * that 16-bit counters leave out at the wrap is not counted, unless one of the two is 0 itself.
 */
__s64 sp_gvsp_block_distance(__u64 id, __u64 from, bool extended);

enum sp_gvsp_place {
	SP_GVSP_KNOWN, /* the newest block or at most reach - 1 behind it */
	SP_GVSP_AHEAD, /* newer; 1 … reach blocks ahead */
	SP_GVSP_RESTART, /* further away, either way: the sender began anew */
};

/* Where @id lies to the newest block; *ret_distance as sp_gvsp_block_distance. */
enum sp_gvsp_place sp_gvsp_block_place(__u64 id, __u64 newest, bool extended, __u32 reach,
				       __s64 *ret_distance);

/* ---- the packets of one block ---- */

/*
 * One bit a payload packet, set = still missing, so that what a consumer wants to know is there
 * when the block closes. Bits from `packets` on are 0.
 */
struct sp_gvsp_block {
	__u64 *missing; /* [sp_gvsp_words(packets)] the caller's */
	__u32 packets;
	__u32 missing_n;
};

static inline __u32 sp_gvsp_words(__u32 packets)
{
	return packets / 64 + (packets % 64 != 0);
}

static inline bool sp_gvsp_bit(const __u64 *bits, __u32 i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static inline void sp_gvsp_bit_set(__u64 *bits, __u32 i)
{
	bits[i / 64] |= (__u64)1 << (i % 64);
}

static inline void sp_gvsp_bit_clear(__u64 *bits, __u32 i)
{
	bits[i / 64] &= ~((__u64)1 << (i % 64));
}

/* Every packet missing. @missing has room for sp_gvsp_words(packets). */
void sp_gvsp_block_init(struct sp_gvsp_block *block, __u64 *missing, __u32 packets);

/* Packet @i (< packets) came. False if it had come before: a duplicate. */
static inline bool sp_gvsp_block_receive(struct sp_gvsp_block *block, __u32 i)
{
	if (!sp_gvsp_bit(block->missing, i))
		return false;
	sp_gvsp_bit_clear(block->missing, i);
	block->missing_n--;
	return true;
}

/* Takes packet @i back: it is missing again. */
static inline void sp_gvsp_block_reject(struct sp_gvsp_block *block, __u32 i)
{
	if (sp_gvsp_bit(block->missing, i))
		return;
	sp_gvsp_bit_set(block->missing, i);
	block->missing_n++;
}

/*
 * Fewer packets than thought (@packets ≤ block->packets). Those beyond must have been rejected, if
 * they had come.
 */
void sp_gvsp_block_shrink(struct sp_gvsp_block *block, __u32 packets);

/*
 * The first run of set bits in [from, end): false if there is none, else the run is
 * [*ret_first, *ret_last]. For resend requests: bits of a missing bitmap.
 */
bool sp_gvsp_next_run(const __u64 *bits, __u32 from, __u32 end, __u32 *ret_first, __u32 *ret_last);

#endif
