/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/failover_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sp_failover_config_init(struct sp_failover_config *kept, const struct sp_compute_config *config,
			    unsigned int second_work)
{
	struct sp_compute_config *copy = &kept->config;
	const char **texts[SP_FAILOVER_TEXTS] = { &copy->detector, &copy->embedder, &copy->quality,
						  &copy->cache };

	*kept = (struct sp_failover_config){ .config = *config, .second_work = second_work };
	for (unsigned int i = 0; i < SP_FAILOVER_TEXTS; i++) {
		if (!*texts[i])
			continue;
		kept->texts[i] = strdup(*texts[i]);
		if (!kept->texts[i])
			goto err_uninit;
		*texts[i] = kept->texts[i];
	}
	if (config->cameras_n) {
		kept->cameras = calloc(config->cameras_n, sizeof(*kept->cameras));
		if (!kept->cameras)
			goto err_uninit;
		memcpy(kept->cameras, config->cameras, config->cameras_n * sizeof(*kept->cameras));
		copy->cameras = kept->cameras;
	}
	return 0;

err_uninit:
	sp_failover_config_uninit(kept);
	return -ENOMEM;
}

void sp_failover_config_uninit(struct sp_failover_config *kept)
{
	for (unsigned int i = 0; i < SP_FAILOVER_TEXTS; i++)
		free(kept->texts[i]);
	free(kept->cameras);
	memset(kept, 0, sizeof(*kept));
}
