/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include "gvsp_block.h"

__s64 sp_gvsp_block_distance(__u64 id, __u64 from, bool extended)
{
	__s64 distance;

	if (extended)
		return (__s64)(id - from);
	id &= 0xFFFF;
	from &= 0xFFFF;
	distance = (__s16)(__u16)(id - from);
	/* The shorter way leads over the wrap, where 0 is left out. */
	if (id && from && distance > 0 && id < from)
		distance--;
	if (id && from && distance < 0 && id > from)
		distance++;
	return distance;
}

enum sp_gvsp_place sp_gvsp_block_place(__u64 id, __u64 newest, bool extended, __u32 reach,
				       __s64 *ret_distance)
{
	__s64 distance = sp_gvsp_block_distance(id, newest, extended);

	*ret_distance = distance;
	if (distance > (__s64)reach || distance <= -(__s64)reach)
		return SP_GVSP_RESTART;
	return distance > 0 ? SP_GVSP_AHEAD : SP_GVSP_KNOWN;
}

/* Bits [0, n) of a word; n in [0, 63]. */
static __u64 low_bits(__u32 n)
{
	return ((__u64)1 << n) - 1;
}

void sp_gvsp_block_init(struct sp_gvsp_block *block, __u64 *missing, __u32 packets)
{
	__u32 full = packets / 64;

	for (__u32 i = 0; i < full; i++)
		missing[i] = ~(__u64)0;
	if (packets % 64)
		missing[full] = low_bits(packets % 64);
	block->missing = missing;
	block->packets = packets;
	block->missing_n = packets;
}

void sp_gvsp_block_shrink(struct sp_gvsp_block *block, __u32 packets)
{
	__u32 words = sp_gvsp_words(block->packets);

	block->missing_n -= block->packets - packets;
	for (__u32 i = sp_gvsp_words(packets); i < words; i++)
		block->missing[i] = 0;
	if (packets % 64)
		block->missing[packets / 64] &= low_bits(packets % 64);
	block->packets = packets;
}

/* The first bit in [from, end) that is @set, or @end. */
static __u32 next_bit(const __u64 *bits, __u32 from, __u32 end, bool set)
{
	while (from < end) {
		__u64 word = bits[from / 64];

		if (!set)
			word = ~word;
		word >>= from % 64;
		if (word) {
			from += (__u32)__builtin_ctzll(word);
			return from < end ? from : end;
		}
		from = (from | 63) + 1;
	}
	return end;
}

bool sp_gvsp_next_run(const __u64 *bits, __u32 from, __u32 end, __u32 *ret_first, __u32 *ret_last)
{
	__u32 first = next_bit(bits, from, end, true);

	if (first >= end)
		return false;
	*ret_first = first;
	*ret_last = next_bit(bits, first + 1, end, false) - 1;
	return true;
}
