/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for uring.c in a build without liburing: the Makefile takes one of the two. */
#include <errno.h>

#include "base/diag.h"
#include "journal/disk.h"

static int refuse(const struct sp_disk_config *config, struct sp_disk **ret_disk, struct sp_err *err)
{
	(void)config;
	(void)ret_disk;
	return sp_err_set(err, -ENOSYS, "built without liburing; run tools/setup and make");
}

const struct sp_disk_ops sp_disk_uring = { .name = "io_uring", .open = refuse };
