/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as chunk data. The first says how many bytes a packet holds, the next two how large the
 * image before the chunks is (0: none), eight more which packets are missing.
 */
#include "frame/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/region.h"

enum { HEAD = 11, PACKETS_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check(const struct sp_frame *frame, uint32_t image)
{
	const struct sp_frame_part *part = &frame->parts[frame->parts_n - 1];
	struct sp_chunk chunks[SP_CHUNKS_MAX], last;
	int n = sp_chunk_list(frame, chunks, SP_CHUNKS_MAX);
	uint64_t at;

	if (n <= 0)
		return;
	/* The promise: they lie in the part, one behind the other, and end with it. */
	at = chunks[0].from;
	require(!at || at == image);
	for (int i = 0; i < n; i++) {
		uint8_t *bytes = malloc(chunks[i].length ? chunks[i].length : 1);

		require(bytes && chunks[i].from == at);
		require(sp_frame_read(frame, chunks[i].part, at, chunks[i].length, bytes) >= 0);
		at += (uint64_t)chunks[i].length + 8;
		free(bytes);
	}
	require(at == part->bytes);
	require(sp_chunk_list(frame, &last, 1) == n);
	require(last.id == chunks[n - 1].id && last.from == chunks[n - 1].from &&
		last.length == chunks[n - 1].length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t offset[PACKETS_MAX], missing[PACKETS_MAX / 64];
	struct sp_region region;
	struct sp_frame frame = { .offset = offset, .missing = missing };
	uint32_t stride, image;
	size_t n;

	if (size < HEAD)
		return 0;
	n = size - HEAD;
	stride = data[0] + 1u;
	image = (uint32_t)data[1] << 8 | data[2];
	if (n > (size_t)PACKETS_MAX * stride)
		return 0;
	memset(missing, 0, sizeof(missing));
	memcpy(missing, data + 3, 8);
	/* Exactly as long as it says, so that reading past the end is seen. */
	region = (struct sp_region){ .base = malloc(n ? n : 1), .size = n };
	require(region.base != NULL);
	memcpy(region.base, data + HEAD, n);
	frame.packets = (uint32_t)((n + stride - 1) / stride);
	for (uint32_t p = 0; p < frame.packets; p++)
		offset[p] = (uint64_t)p * stride;
	if (image)
		frame.parts[frame.parts_n++] = (struct sp_frame_part){
			.region = &region,
			.stride = stride,
			.bytes = image,
		};
	frame.parts[frame.parts_n++] = (struct sp_frame_part){
		.region = &region,
		.stride = stride,
		.bytes = n,
		.kind = SP_FRAME_PART_CHUNKS,
	};
	check(&frame, image);
	free(region.base);
	return 0;
}
