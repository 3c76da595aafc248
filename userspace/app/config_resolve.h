/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults of what a configuration leaves out, and checks of what it says. For config.c. */
#ifndef SP_APP_CONFIG_RESOLVE_H
#define SP_APP_CONFIG_RESOLVE_H

struct sp_config;
struct sp_err;

enum { SP_CONFIG_FIELD_MAX = 96 };

/*
 * 0, or -errno with @err filled and the offending field's path in @field, as
 * "lanes[0].cameras[1].packet_size", "" if it is no single field's fault.
 */
int sp_config_resolve(struct sp_config *config, char field[SP_CONFIG_FIELD_MAX],
		      struct sp_err *err);

/* config_plan.c: gives each camera its credit of frames. After everything else. */
void sp_config_resolve_credit(struct sp_config *config);

#endif
