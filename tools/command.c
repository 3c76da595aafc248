/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void list(const struct sp_command *table, const char *program, const char *summary,
		 FILE *out)
{
	fprintf(out, "usage: %s COMMAND [OPTION…]\n\n%s\n\ncommands:\n", program, summary);
	for (; table->name; table++)
		fprintf(out, "  %-12s %s\n", table->name, table->summary);
	fprintf(out, "\n`%s COMMAND --help` explains each.\n", program);
}

int sp_command_dispatch(const struct sp_command *table, const char *program, const char *summary,
			int argc, char **argv)
{
	if (argc < 2) {
		list(table, program, summary, stderr);
		return SP_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		list(table, program, summary, stdout);
		return SP_EXIT_OK;
	}
	for (const struct sp_command *command = table; command->name; command++)
		if (!strcmp(command->name, argv[1]))
			return command->run(argc - 1, argv + 1);
	return sp_command_fail(program, SP_EXIT_USAGE,
			       "unknown command '%s'; `%s --help` lists them", argv[1], program);
}

int sp_command_parse(const struct sp_opt *options, const struct sp_opt_usage *usage, int *argc,
		     char **argv)
{
	struct sp_err err;
	int status = sp_opt_parse(options, *argc, argv, argc, &err);

	if (status == SP_OPT_HELP) {
		sp_opt_help(options, usage, stdout);
		return SP_EXIT_OK;
	}
	if (status)
		return sp_command_fail(usage->command, SP_EXIT_USAGE, "%s", err.text);
	return -1;
}

int sp_command_fail(const char *command, enum sp_exit code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

void sp_command_print_json(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9));

	puts(text ?: "null");
	free(text);
	json_decref(value);
}
