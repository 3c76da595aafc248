/* SPDX-License-Identifier: Apache-2.0 */
/* A backend's configuration kept, with all that it points at, to open one again later. */
#ifndef SP_INFER_FAILOVER_CONFIG_H
#define SP_INFER_FAILOVER_CONFIG_H

#include "infer/compute.h"

enum { SP_FAILOVER_TEXTS = 4 };

struct sp_failover_config {
	struct sp_compute_config config;
	unsigned int second_work; /* frames that the one that stands in is busy with */
	char *texts[SP_FAILOVER_TEXTS]; /* that config points at */
	struct sp_compute_camera *cameras;
};

/* 0 or -ENOMEM. */
int sp_failover_config_init(struct sp_failover_config *kept, const struct sp_compute_config *config,
			    unsigned int second_work);
void sp_failover_config_uninit(struct sp_failover_config *kept);

#endif
