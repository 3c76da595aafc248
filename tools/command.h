/* SPDX-License-Identifier: Apache-2.0 */
/* What every subcommand shares: the tables they stand in, their exit codes, how they complain. */
#ifndef SP_TOOLS_COMMAND_H
#define SP_TOOLS_COMMAND_H

#include <jansson.h>
#include <stddef.h>

#include "base/diag.h"
#include "base/opt.h"

enum sp_exit {
	SP_EXIT_OK = 0,
	SP_EXIT_FAILED = 1,
	SP_EXIT_USAGE = 2,
	SP_EXIT_NOTHING = 3, /* all went well and nothing was found */
};

struct sp_command {
	const char *name;
	const char *summary;
	int (*run)(int argc,
		   char **argv); /* argv[0] is the subcommand's name; returns an exit code */
};

/* Runs the command that argv[1] names; prints the table for --help. A NULL name ends the table. */
int sp_command_dispatch(const struct sp_command *table, const char *program, const char *summary,
			int argc, char **argv);

/*
 * -1: go on, with *@argc operands in argv[0 …). Otherwise the exit code: help shown, or usage
 * error.
 */
int sp_command_parse(const struct sp_opt *options, const struct sp_opt_usage *usage, int *argc,
		     char **argv);

/* "sallyport detect: TEXT" to stderr; returns the code given. */
int sp_command_fail(const char *command, enum sp_exit code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One JSON value on a line to stdout; releases it. */
void sp_command_print_json(json_t *value);

int cmd_run(int argc, char **argv);
int cmd_detect(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_cameras(int argc, char **argv);
int cmd_lanes(int argc, char **argv);
int cmd_encounters(int argc, char **argv);
int cmd_journal(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_model(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif
