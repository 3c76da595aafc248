/* SPDX-License-Identifier: Apache-2.0 */
/* The writer over disks of the caller's choice: for tests and benchmarks. Others use journal.h. */
#ifndef SP_JOURNAL_WRITER_H
#define SP_JOURNAL_WRITER_H

#include <stdbool.h>

#include "journal/journal.h"

struct sp_disk_ops;

struct sp_journal_backend {
	const struct sp_disk_ops *const *disks; /* tried in order, ending with NULL */
	bool background; /* a thread makes the next segment's file; else rotation waits for it */
};

int sp_journal_writer_open_on(const struct sp_journal_config *config,
			      const struct sp_journal_backend *backend,
			      struct sp_journal_writer **ret_writer, struct sp_err *err);

#endif
