/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <errno.h>
#include <stdio.h>

#include "app/config.h"
#include "base/diag.h"

enum what { JOURNAL, SOCKET };

static int find(const struct sp_place_options *options, enum what what, char *path, size_t size,
		struct sp_err *err)
{
	struct sp_config *config;
	int status, n;

	if (options->data) {
		n = snprintf(path, size, "%s/%s", options->data,
			     what == JOURNAL ? "journal" : "control.sock");
	} else {
		status = sp_config_load(options->config ?: "/etc/sallyport.yaml", &config, err);
		if (status)
			return status;
		n = snprintf(path, size, "%s",
			     what == JOURNAL ? config->journal.directory : config->socket);
		sp_config_free(config);
	}
	if (n < 0 || (size_t)n >= size)
		return sp_err_set(err, -ENAMETOOLONG, "the path is too long");
	return 0;
}

int sp_place_journal(const struct sp_place_options *options, char *path, size_t size,
		     struct sp_err *err)
{
	return find(options, JOURNAL, path, size, err);
}

int sp_place_socket(const struct sp_place_options *options, char *path, size_t size,
		    struct sp_err *err)
{
	return find(options, SOCKET, path, size, err);
}
