/* SPDX-License-Identifier: Apache-2.0 */
#include "app/models.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"

const char *sp_models_shared(void)
{
	const char *shared = getenv("SALLYPORT_SHARED");

	return shared && *shared ? shared : "../shared";
}

int sp_models_find(const char *directory, const char *name, char *path, size_t size,
		   struct sp_err *err)
{
	const char *environment = getenv("SALLYPORT_MODELS");
	char shared[1024];
	const char *places[] = { directory, environment, "/var/lib/sallyport/models", "models",
				 shared };
	char looked[300] = "";

	if (strchr(name, '/')) {
		if (access(name, R_OK))
			return sp_err_set(err, -ENOENT, "model %s: %s", name, strerror(errno));
		return snprintf(path, size, "%s", name) < (int)size ? 0 : -ENAMETOOLONG;
	}
	snprintf(shared, sizeof(shared), "%s/models", sp_models_shared());
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t used = strlen(looked);

		if (!places[i] || !*places[i])
			continue;
		if (snprintf(path, size, "%s/%s", places[i], name) < (int)size &&
		    !access(path, R_OK))
			return 0;
		snprintf(looked + used, sizeof(looked) - used, "%s%s", used ? ", " : "", places[i]);
	}
	return sp_err_set(
		err, -ENOENT,
		"model %s is not in %s; put the file there or set SALLYPORT_MODELS (README, "
		"\"Models\")",
		name, looked);
}
