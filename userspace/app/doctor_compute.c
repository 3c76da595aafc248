/* SPDX-License-Identifier: Apache-2.0 */
#include "app/doctor.h"

#include <errno.h>
#include <string.h>

#include "app/config.h"
#include "base/diag.h"
#include "base/thread.h"
#include "infer/compute.h"
#include "infer/cpu/kernel.h"

static void look_at_cpu(struct sp_doctor *d)
{
	const struct sp_config_compute *c = &d->config->compute;
	const struct sp_kernels *best = sp_kernels_best(SP_PRECISION_AUTO);
	const struct sp_kernels *asked = sp_kernels_best(c->precision);
	unsigned int workers = c->workers ?: sp_thread_cpus();

	if (asked->cell == SP_CELL_BF16 && best->cell != SP_CELL_BF16)
		sp_doctor_find(d, SP_DOCTOR_ADVICE, "compute.precision",
			       "bf16 is slower than f32 on this CPU, which does not multiply it; "
			       "say auto");
	else if (asked->cell != SP_CELL_BF16 && best->cell == SP_CELL_BF16)
		sp_doctor_find(
			d, SP_DOCTOR_ADVICE, "compute.precision",
			"this CPU multiplies bf16, which is faster than f32; say auto unless "
			"results must be the same bits as on other CPUs");
	else
		sp_doctor_find(d, SP_DOCTOR_GOOD, "compute",
			       "%u workers, %s kernels, %s; %.0f "
			       "detections/s are asked of them",
			       workers, asked->name, asked->cell == SP_CELL_BF16 ? "bf16" : "f32",
			       d->plan->detections_per_second);
}

/* Whether a device computes. */
static bool look_at_device(struct sp_doctor *d, bool insists)
{
	char text[SP_COMPUTE_TEXT];
	struct sp_err err;
	int rc = sp_compute_cuda.probe(d->config->compute.device, text, &err);

	if (!rc)
		sp_doctor_find(d, SP_DOCTOR_GOOD, "compute.device",
			       "%s; %.0f detections/s are asked of it", text,
			       d->plan->detections_per_second);
	else if (insists)
		sp_doctor_find(d, SP_DOCTOR_FAULT, "compute.backend", "%s", err.text);
	else
		/* A machine without a device is as good as any; only one that fails is odd. */
		sp_doctor_find(d, rc == -ENOENT ? SP_DOCTOR_GOOD : SP_DOCTOR_ADVICE,
			       "compute.device", "the CPU computes: %s", err.text);
	return !rc;
}

void sp_doctor_look_compute(struct sp_doctor *d)
{
	const char *backend = d->config->compute.backend;
	bool insists = !strcmp(backend, "cuda");

	if (!strcmp(backend, "none"))
		return;
	if (strcmp(backend, "cpu") && (look_at_device(d, insists) || insists))
		return;
	look_at_cpu(d);
}
