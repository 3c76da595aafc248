/* SPDX-License-Identifier: Apache-2.0 */
#include "infer_cpu.h"

#include <sched.h>

static cpu_set_t allowed;

unsigned int infer_cpu_begin(void)
{
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		CPU_SET(0, &allowed);
	return (unsigned int)CPU_COUNT(&allowed);
}

/* @n CPUs from number @first on. A pin that is refused costs precision, no more. */
static void use(unsigned int first, unsigned int n)
{
	unsigned int number = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		if (number >= first && number < first + n)
			CPU_SET(cpu, &set);
		number++;
	}
	if (CPU_COUNT(&set))
		sched_setaffinity(0, sizeof(set), &set);
}

void infer_cpu_pin(unsigned int cpu)
{
	use(cpu, 1);
}

void infer_cpu_use(unsigned int n)
{
	use(0, n);
}
