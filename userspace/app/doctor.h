/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine lacks for a configuration: memory, limits, interfaces, cards. Only looks, changes
 * nothing, and needs no right. docs/capture.md has the same in prose.
 */
#ifndef SP_APP_DOCTOR_H
#define SP_APP_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

struct sp_config;
struct sp_config_plan;

enum { SP_DOCTOR_FINDINGS_MAX = 256, SP_DOCTOR_TEXT_MAX = 384 };

enum sp_doctor_level {
	SP_DOCTOR_GOOD,
	SP_DOCTOR_ADVICE, /* it runs, and would run better */
	SP_DOCTOR_FAULT, /* it will not start, or receive nothing */
};

struct sp_finding {
	enum sp_doctor_level level;
	char subject[64];
	char text[SP_DOCTOR_TEXT_MAX]; /* what is, and, unless it is good, what to do */
};

struct sp_doctor {
	const struct sp_config *config;
	const struct sp_config_plan *plan;
	const char *root; /* before /proc and /sys: "", or a test's directory */
	uint64_t memlock; /* RLIMIT_MEMLOCK, bytes; UINT64_MAX: none */
	bool privileged; /* the limits for ordinary users are none for us */
	unsigned int findings_n;
	/* The last are dropped if there are more. */
	struct sp_finding findings[SP_DOCTOR_FINDINGS_MAX];
};

/* The process's own limits, and the machine's files. */
void sp_doctor_init(struct sp_doctor *doctor, const struct sp_config *config,
		    const struct sp_config_plan *plan);

void sp_doctor_look_memory(struct sp_doctor *doctor);
void sp_doctor_look_cpus(struct sp_doctor *doctor);
void sp_doctor_look_cards(struct sp_doctor *doctor);
void sp_doctor_look_compute(struct sp_doctor *doctor); /* doctor_compute.c */
/*
 * doctor_network.c: interfaces that lead to cameras, sockets, drop rules. Asks the kernel, not
 * @root.
 */
void sp_doctor_look_network(struct sp_doctor *doctor);

/* For the files of the doctor. */
__attribute__((format(printf, 4, 5))) void sp_doctor_find(struct sp_doctor *doctor,
							  enum sp_doctor_level level,
							  const char *subject, const char *fmt,
							  ...);
/* The number in @root@path, or @otherwise. */
uint64_t sp_doctor_read(const struct sp_doctor *doctor, const char *path, uint64_t otherwise);

#endif
