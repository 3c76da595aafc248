/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/chunk.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { TAG_BYTES = 8 };

/* Chunks from the end backwards, into the end of the caller's array. */
struct walk {
	struct sp_chunk *chunks;
	unsigned int max, n;
};

static uint32_t big_endian(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/* Whether what is before byte @at of the chunk part is an image that is no chunk. */
static bool ends_image(const struct sp_frame *frame, uint32_t part, uint64_t at)
{
	const struct sp_frame_part *chunks = &frame->parts[part];

	for (uint32_t i = 0; i < frame->parts_n; i++)
		if (frame->parts[i].kind != SP_FRAME_PART_CHUNKS &&
		    frame->parts[i].first_packet == chunks->first_packet &&
		    frame->parts[i].bytes == at)
			return true;
	return false;
}

static int walk_part(struct walk *walk, const struct sp_frame *frame, uint32_t part)
{
	uint64_t at = frame->parts[part].bytes;

	while (at && !ends_image(frame, part, at)) {
		uint8_t tag[TAG_BYTES];
		uint32_t length;

		if (at < TAG_BYTES || walk->n == SP_CHUNKS_MAX)
			return -EBADMSG;
		at -= TAG_BYTES;
		if (sp_frame_read(frame, part, at, TAG_BYTES, tag))
			return -EBADMSG;
		length = big_endian(tag + 4);
		if (length > at)
			return -EBADMSG;
		at -= length;
		if (walk->n < walk->max)
			walk->chunks[walk->max - 1 - walk->n] = (struct sp_chunk){
				.id = big_endian(tag),
				.part = part,
				.from = at,
				.length = length,
			};
		walk->n++;
	}
	return 0;
}

int sp_chunk_list(const struct sp_frame *frame, struct sp_chunk *chunks, unsigned int max)
{
	struct walk walk = { .chunks = chunks, .max = max };

	for (uint32_t i = frame->parts_n; i-- > 0;)
		if (frame->parts[i].kind == SP_FRAME_PART_CHUNKS && walk_part(&walk, frame, i))
			return -EBADMSG;
	if (walk.n < max)
		memmove(chunks, chunks + max - walk.n, walk.n * sizeof(*chunks));
	return (int)walk.n;
}
