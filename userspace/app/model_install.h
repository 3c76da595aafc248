/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a pinned model file in its place: by its sha256, whole or not at all. */
#ifndef SP_APP_MODEL_INSTALL_H
#define SP_APP_MODEL_INSTALL_H

#include <stdint.h>

struct sp_err;
struct sp_known_model;

/*
 * 0 if the file at @path is @model, -ENOENT if there is none, -EEXIST if it has another content,
 * -errno if it cannot be read; @err is filled.
 */
int sp_model_verify(const struct sp_known_model *model, const char *path, struct sp_err *err);

/*
 * Reads @fd to its end into @directory, which is made if it is not there, and gives the file its
 * name once size and sha256 are those pinned: a reader finds the old content or the new, mode 0644,
 * also after a loss of power. -EBADMSG: other bytes, -EFBIG: more bytes than pinned; nothing is
 * kept. @progress (may be NULL) hears how many bytes there are so far.
 */
int sp_model_put(const struct sp_known_model *model, int fd, const char *directory,
		 void (*progress)(void *arg, uint64_t bytes), void *arg, struct sp_err *err);

#endif
