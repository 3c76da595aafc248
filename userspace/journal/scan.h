/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment's file, read in order through a window, and the judgement of how it ends.
 *
 * Invalid data at the end is a torn tail: a crash leaves that. Invalid data before a batch that
 * knows of more acknowledged records than came before the damage is corruption: records were lost
 * that had been durable. (With several commits in flight a crash may also leave a hole before an
 * intact batch, but none that was acknowledged: such batches belong to the torn tail.)
 */
#ifndef SP_JOURNAL_SCAN_H
#define SP_JOURNAL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/batch.h"
#include "journal/segment.h"

struct sp_err;

struct sp_segment_file {
	int fd;
	uint64_t sequence, size; /* size: of the file now */
	uint32_t seed;
	struct sp_segment_header header;
	uint8_t *window;
	size_t window_room, window_n;
	uint64_t window_at;
};

/*
 * Opens and checks the header: 0, -EBADMSG or -ENOTSUP (see sp_segment_header_parse), another
 * -errno. @err names the file, but not the directory.
 */
int sp_segment_open(struct sp_segment_file *file, int directory, uint64_t sequence,
		    struct sp_err *err);
/* Nothing happens if it is not open (fd < 0). */
void sp_segment_close(struct sp_segment_file *file);

/* Forgets what was read: the next look goes to the file, which a writer may have changed. */
void sp_segment_refresh(struct sp_segment_file *file);

/*
 * The batch at @offset (a multiple of SP_BLOCK): 1 with its bytes in the window until the next
 * call, 0 if there is no intact one, -errno.
 */
int sp_segment_batch(struct sp_segment_file *file, uint64_t offset, struct sp_batch *ret_batch);

/* How far a segment is intact. Start from { .offset = SP_BLOCK }. */
struct sp_segment_position {
	uint64_t offset;  /* bytes; of the next batch */
	uint64_t batches; /* before it */
	uint64_t records; /* before it */
	uint64_t bytes;	  /* of their payloads */
	bool sealed;	  /* the last batch says that nothing follows */
};

/*
 * The batch at the position if it is the one that belongs there: 1, 0, -errno. Does not move it.
 */
int sp_segment_look(struct sp_segment_file *file, const struct sp_segment_position *position,
		    struct sp_batch *ret_batch);
/* Moves it behind that batch. */
void sp_segment_pass(struct sp_segment_position *position, const struct sp_batch *batch);

struct sp_segment_tail {
	bool corrupt;
	struct sp_segment_position resume; /* if corrupt: of the next intact batch */
	uint64_t end;			   /* of the last block that is not zero */
};

/*
 * Judges what follows a position where sp_segment_look gave 0. @progress (may be NULL) is called
 * with the offset now and then. 0 or -errno.
 */
int sp_segment_judge(struct sp_segment_file *file, const struct sp_segment_position *position,
		     void (*progress)(void *arg, uint64_t offset), void *arg,
		     struct sp_segment_tail *ret_tail);

#endif
