/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk data of a frame: values that the camera sends with the picture (exposure time, gain, line
 * status), each followed by its tag: id and length, big-endian. They are found from the end
 * backwards (docs/provenance.md, chunks). Lengths come from the wire: each step is checked against
 * the bytes that are left.
 *
 * The first byte of the walk is the block's, if the image is a chunk itself, or the one behind the
 * image: both are sent.
 */
#ifndef SP_FRAME_CHUNK_H
#define SP_FRAME_CHUNK_H

#include <stdint.h>

#include "frame/frame.h"

/* More are refused: tags of nothing cost time. */
enum { SP_CHUNKS_MAX = 256 };

struct sp_chunk {
	uint32_t id;
	uint32_t part; /* of the frame, for sp_frame_read */
	uint64_t from; /* the data's first byte there */
	uint32_t length; /* bytes of data */
};

/*
 * The frame's chunks in the order in which they were sent. Returns how many there are (at most
 * @max are written, the last ones), 0 if the frame has none, -EBADMSG if their lengths contradict
 * each other, a tag is missing or there are too many; *chunks is undefined then. Bytes of the data
 * may be missing: sp_frame_read tells.
 */
int sp_chunk_list(const struct sp_frame *frame, struct sp_chunk *chunks, unsigned int max);

#endif
