/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "app/config.h"
#include "app/doctor.h"
#include "base/table.h"
#include "command.h"

static const char me[] = "sallyport doctor";

static const char *path;
static bool json;

static const struct sp_opt options[] = {
	{ "config", 'c', SP_OPT_STRING, &path, "FILE", "the configuration (/etc/sallyport.yaml)", 0,
	  0 },
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "a JSON object a line", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Looks at what this machine lacks for a configuration, and says what to do.",
	"Changes nothing. Exit status 1 if something keeps the configuration from running.",
};

static const char *const levels[] = { "good", "advice", "FAULT" };

static void print(const struct sp_doctor *doctor)
{
	struct sp_table table;

	if (sp_table_init(&table, "finding|subject|what it is, and what to do"))
		return;
	for (unsigned int i = 0; i < doctor->findings_n; i++)
		sp_table_row(&table, "%s|%s|%s", levels[doctor->findings[i].level],
			     doctor->findings[i].subject, doctor->findings[i].text);
	sp_table_print(&table, stdout);
	sp_table_uninit(&table);
}

static void print_json(const struct sp_doctor *doctor)
{
	static const char *const names[] = { "good", "advice", "fault" };

	for (unsigned int i = 0; i < doctor->findings_n; i++)
		sp_command_print_json(json_pack(
			"{s:s, s:s, s:s}", "level", names[doctor->findings[i].level], "subject",
			doctor->findings[i].subject, "text", doctor->findings[i].text));
}

static int examine(const struct sp_config *config)
{
	struct sp_doctor *doctor = malloc(sizeof(*doctor));
	struct sp_config_plan plan;
	int code = SP_EXIT_OK;
	struct sp_err err;

	if (!doctor)
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	if (sp_config_plan(config, &plan, &err)) {
		free(doctor);
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	}
	sp_doctor_init(doctor, config, &plan);
	sp_doctor_look_memory(doctor);
	sp_doctor_look_cpus(doctor);
	sp_doctor_look_compute(doctor);
	sp_doctor_look_cards(doctor);
	sp_doctor_look_network(doctor);
	if (json)
		print_json(doctor);
	else
		print(doctor);
	for (unsigned int i = 0; i < doctor->findings_n; i++)
		if (doctor->findings[i].level == SP_DOCTOR_FAULT)
			code = SP_EXIT_FAILED;
	free(doctor);
	return code;
}

int cmd_doctor(int argc, char **argv)
{
	struct sp_config *config;
	struct sp_err err;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (argc)
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "'%s' is not expected; give the configuration with -c",
				       argv[0]);
	if (sp_config_load(path ?: "/etc/sallyport.yaml", &config, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	code = examine(config);
	sp_config_free(config);
	return code;
}
