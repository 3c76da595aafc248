/* SPDX-License-Identifier: Apache-2.0 */
/* Until records are encrypted, real cameras are refused unless the administrator insists. */
#ifndef SP_APP_PRIVACY_H
#define SP_APP_PRIVACY_H

#include <stdbool.h>

struct sp_config;
struct sp_err;

/*
 * 0 if every camera's address is a loopback address or this process is in a network namespace of
 * its own (a test) and takes no card from the PCI bus, which no namespace bounds; -EPERM with @err
 * naming the camera and the way out otherwise.
 */
int sp_privacy_check_cameras(const struct sp_config *config, bool own_namespace,
			     struct sp_err *err);

/* Whether this process's network namespace differs from that of process 1. */
bool sp_privacy_own_namespace(void);

#endif
