/* SPDX-License-Identifier: Apache-2.0 */
#include "app/backends.h"

#include <stddef.h>
#include <string.h>

#include "control/camera.h"
#include "infer/compute.h"

static const struct sp_compute_ops *const compute[] = {
	&sp_compute_auto,
	&sp_compute_cpu,
	&sp_compute_cuda,
	&sp_compute_none,
};

const struct sp_compute_ops *sp_backend_compute(const char *name)
{
	for (size_t i = 0; i < sizeof(compute) / sizeof(compute[0]); i++)
		if (!strcmp(compute[i]->name, name))
			return compute[i];
	return NULL;
}

const char *sp_backend_compute_names(void)
{
	return "auto, cpu, cuda, none";
}

const struct sp_camera_ops *sp_backend_cameras(void)
{
#ifdef SP_HAVE_ARAVIS
	return &sp_camera_aravis;
#else
	return NULL;
#endif
}

bool sp_backend_dpdk(void)
{
#ifdef SP_HAVE_DPDK
	return true;
#else
	return false;
#endif
}
