/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/disk.h"

#include <errno.h>
#include <stdbool.h>

#include "base/diag.h"

const struct sp_disk_ops *const sp_disks[] = {
	&sp_disk_uring,
	&sp_disk_posix,
	NULL,
};

/* The kernel, a container or the file system refuses: another kind of disk may do. */
static bool is_refusal(int ret)
{
	return ret == -ENOSYS || ret == -EPERM || ret == -EINVAL || ret == -EOPNOTSUPP;
}

int sp_disk_open(const struct sp_disk_ops *const *disks, const struct sp_disk_config *config,
		 struct sp_disk **ret_disk, struct sp_err *err)
{
	struct sp_err why;
	int ret;

	do {
		ret = (*disks)->open(config, ret_disk, &why);
		if (!ret)
			return 0;
		if (is_refusal(ret))
			sp_log(SP_LOG_INFO, "%s: no %s disk here: %s", config->path, (*disks)->name,
			       why.text);
	} while (is_refusal(ret) && *++disks);
	return sp_err_set(err, ret, "%s", why.text);
}
