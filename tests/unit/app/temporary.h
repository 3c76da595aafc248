/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own; the last one goes with all that is in it, also if a test failed. */
#ifndef SP_TESTS_APP_TEMPORARY_H
#define SP_TESTS_APP_TEMPORARY_H

#include <ftw.h>
#include <stdlib.h>

#include "test.h"

static char temporary[64];

static int temporary_unlink(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void temporary_remove(void)
{
	if (*temporary)
		nftw(temporary, temporary_unlink, 8, FTW_DEPTH | FTW_PHYS);
	*temporary = '\0';
}

static const char *temporary_directory(void)
{
	static bool registered;

	if (!registered)
		atexit(temporary_remove);
	registered = true;
	temporary_remove();
	snprintf(temporary, sizeof(temporary), "/tmp/sallyport-test-XXXXXX");
	if (!mkdtemp(temporary)) {
		*temporary = '\0';
		FAIL("no temporary directory");
	}
	return temporary;
}

#endif
