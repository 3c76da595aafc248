/* SPDX-License-Identifier: Apache-2.0 */
/* Where model files are found. */
#ifndef SP_APP_MODELS_H
#define SP_APP_MODELS_H

#include <stddef.h>

struct sp_err;

/*
 * The path of @name into @path: as it stands if it holds a '/', else the first of @directory (may
 * be NULL), $SALLYPORT_MODELS, /var/lib/sallyport/models, models/ and $SALLYPORT_SHARED/models
 * (default ../shared/models) that has it. 0, or -ENOENT with @err saying where it was looked for.
 */
int sp_models_find(const char *directory, const char *name, char *path, size_t size,
		   struct sp_err *err);

/* $SALLYPORT_SHARED or "../shared": photographs, weights and golden outputs for demo and tests. */
const char *sp_models_shared(void);

#endif
