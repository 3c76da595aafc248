/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's directory: `lock`, the segments, and `spare.spj`, a file of zeros of a segment's
 * size that becomes the next one. What a rename or a new name needs to be durable is done here.
 */
#ifndef SP_JOURNAL_DIRECTORY_H
#define SP_JOURNAL_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

#include "journal/segment.h"

struct sp_err;

/* Opens it for reading. The descriptor, or -errno (-ENOENT: it is not there) with @err filled. */
int sp_directory_open(const char *path, struct sp_err *err);

/*
 * Makes it (0700; its parent must be there) and its entry in the parent durable, then opens it. One
 * that is there is opened if nobody but its owner may enter it; -EACCES otherwise.
 */
int sp_directory_make(const char *path, struct sp_err *err);

/*
 * Takes the lock, which holds until the returned descriptor is closed or the process ends. -EBUSY
 * with the holder's process id in @err.
 */
int sp_directory_lock(int directory, const char *path, struct sp_err *err);

/*
 * The sequence numbers of the segments in ascending order, in memory that the caller frees (NULL if
 * none). Returns their count or -errno.
 */
int64_t sp_directory_list(int directory, uint64_t **ret_sequences);

/*
 * Makes the spare: @size zeros that need no allocation when they are overwritten, durable. At once
 * if it is there already. 0, -ENOSPC or another -errno.
 */
int sp_directory_prepare(int directory, uint64_t size);

/*
 * Makes the spare the segment @sequence: writes @block (aligned to SP_BLOCK) as its header, renames
 * it and makes both durable. @flags: O_DIRECT or 0. Returns a descriptor open for writing, or
 * -errno.
 */
int sp_directory_publish(int directory, uint64_t sequence, const uint8_t *block, int flags);

#endif
