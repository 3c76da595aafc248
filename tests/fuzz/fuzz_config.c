/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file of any content: refused with a reason, or resolved so that it can be
 * planned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/config.h"
#include "base/diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;
	struct sp_config *config;
	struct sp_config_plan plan;
	struct sp_err err = { "" };

	/* sp_config_load takes a path: a file in memory has one. */
	if (fd < 0) {
		fd = memfd_create("fuzz_config", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (sp_config_load(path, &config, &err)) {
		if (!err.text[0])
			abort();
		return 0;
	}
	if (!config->purpose || !config->socket || !config->journal.directory ||
	    !config->lanes_count)
		abort();
	for (uint32_t i = 0; i < config->lanes_count; i++)
		for (uint32_t k = 0; k < config->lanes[i].cameras_count; k++)
			if (!config->lanes[i].cameras[k].packets_per_frame)
				abort();
	if (sp_config_plan(config, &plan, &err) && !err.text[0])
		abort();
	sp_config_free(config);
	return 0;
}
