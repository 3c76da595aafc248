/* SPDX-License-Identifier: Apache-2.0 */
/* Command-line options: one table a command, from which parsing and --help are made. */
#ifndef SP_BASE_OPT_H
#define SP_BASE_OPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct sp_err;

enum sp_opt_kind {
	SP_OPT_FLAG,   /* bool *: set to true */
	SP_OPT_STRING, /* const char **: points into argv */
	SP_OPT_LIST,   /* struct sp_opt_list *: may be given several times */
	SP_OPT_U32,    /* uint32_t *, within [min, max] */
	SP_OPT_U64,    /* uint64_t *, within [min, max] */
	SP_OPT_DOUBLE, /* double *, within [min, max] */
};

enum { SP_OPT_LIST_MAX = 64 };

struct sp_opt_list {
	const char *items[SP_OPT_LIST_MAX];
	unsigned int n;
};

struct sp_opt {
	const char *name; /* "loss" for --loss; a NULL name ends the table */
	char letter;	  /* 'c' for -c, 0 for none */
	enum sp_opt_kind kind;
	void *value;
	const char *arg;  /* "FILE" in the help; NULL for a flag */
	const char *help; /* "what it is (default)" */
	double min, max;  /* numbers only; both 0: no bounds but the type's */
};

struct sp_opt_usage {
	const char *command;   /* "sallyport detect" */
	const char *arguments; /* "IMG…" or "" */
	const char *summary;   /* one line */
	const char *details;   /* more lines, or NULL */
};

enum { SP_OPT_HELP = 1 };

/*
 * Reads argv[1 … argc). Options may stand anywhere before "--"; --name=value and --name value,
 * -nvalue and -n value are the same. Every table knows --help and -h.
 *
 * Returns 0 with the operands in argv[0 … *ret_operands) (argv is reordered), SP_OPT_HELP if help
 * was asked for, -EINVAL with @err filled otherwise.
 */
int sp_opt_parse(const struct sp_opt *table, int argc, char **argv, int *ret_operands,
		 struct sp_err *err);

void sp_opt_help(const struct sp_opt *table, const struct sp_opt_usage *usage, FILE *out);

#endif
