/* SPDX-License-Identifier: Apache-2.0 */
#include "app/doctor.h"

#include <string.h>

#include "app/config.h"
#include "base/thread.h"
#include "infer/cpu/kernel.h"

void sp_doctor_look_compute(struct sp_doctor *d)
{
	const struct sp_config_compute *c = &d->config->compute;
	const struct sp_kernels *best = sp_kernels_best(SP_PRECISION_AUTO);
	const struct sp_kernels *asked = sp_kernels_best(c->precision);
	unsigned int workers = c->workers ?: sp_thread_cpus();

	if (strcmp(c->backend, "cpu"))
		return;
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
