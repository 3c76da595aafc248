/* SPDX-License-Identifier: Apache-2.0 */
/* Which implementations of the ports this build has. The only place that knows of absent SDKs. */
#ifndef SP_APP_BACKENDS_H
#define SP_APP_BACKENDS_H

#include <stdbool.h>

struct sp_camera_ops;
struct sp_compute_ops;

/* NULL if this build has no backend of that name. */
const struct sp_compute_ops *sp_backend_compute(const char *name);
/* "auto, cpu, cuda, none": for messages. */
const char *sp_backend_compute_names(void);

/* NULL if this build cannot control cameras. */
const struct sp_camera_ops *sp_backend_cameras(void);

/* Whether this build can capture through DPDK. */
bool sp_backend_dpdk(void);

#endif
