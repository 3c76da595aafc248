/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opt.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

static const struct sp_opt *find_long(const struct sp_opt *table, const char *name, size_t len)
{
	for (; table->name; table++)
		if (strlen(table->name) == len && !memcmp(table->name, name, len))
			return table;
	return NULL;
}

static const struct sp_opt *find_letter(const struct sp_opt *table, char letter)
{
	for (; table->name; table++)
		if (table->letter == letter)
			return table;
	return NULL;
}

static int out_of_range(const struct sp_opt *opt, const char *text, struct sp_err *err)
{
	return sp_err_set(err, -EINVAL, "--%s: '%s' is not within %.10g to %.10g", opt->name, text,
			  opt->min, opt->max);
}

static int store_integer(const struct sp_opt *opt, const char *text, struct sp_err *err)
{
	bool bounded = opt->min != 0 || opt->max != 0;
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || *end || strchr(text, '-'))
		return sp_err_set(err, -EINVAL, "--%s: '%s' is not a whole number", opt->name,
				  text);
	if (bounded && ((double)number < opt->min || (double)number > opt->max))
		return out_of_range(opt, text, err);
	if (opt->kind == SP_OPT_U64) {
		*(uint64_t *)opt->value = number;
		return 0;
	}
	if (number > UINT32_MAX)
		return sp_err_set(err, -EINVAL, "--%s: '%s' is too large", opt->name, text);
	*(uint32_t *)opt->value = (uint32_t)number;
	return 0;
}

static int store_double(const struct sp_opt *opt, const char *text, struct sp_err *err)
{
	bool bounded = opt->min != 0 || opt->max != 0;
	double number;
	char *end;

	number = strtod(text, &end);
	if (end == text || *end || !isfinite(number))
		return sp_err_set(err, -EINVAL, "--%s: '%s' is not a number", opt->name, text);
	if (bounded && (number < opt->min || number > opt->max))
		return out_of_range(opt, text, err);
	*(double *)opt->value = number;
	return 0;
}

static int store(const struct sp_opt *opt, const char *text, struct sp_err *err)
{
	struct sp_opt_list *list;

	switch (opt->kind) {
	case SP_OPT_FLAG:
		*(bool *)opt->value = true;
		return 0;
	case SP_OPT_STRING:
		*(const char **)opt->value = text;
		return 0;
	case SP_OPT_LIST:
		list = opt->value;
		if (list->n == SP_OPT_LIST_MAX)
			return sp_err_set(err, -EINVAL, "--%s: given more than %d times", opt->name,
					  SP_OPT_LIST_MAX);
		list->items[list->n++] = text;
		return 0;
	case SP_OPT_U32:
	case SP_OPT_U64:
		return store_integer(opt, text, err);
	case SP_OPT_DOUBLE:
		return store_double(opt, text, err);
	}
	return -EINVAL;
}

/*
 * Takes the option at argv[*i]; moves *i to the last word that belongs to it. A word may hold one
 * long option or one short option, not a cluster of letters.
 */
static int take_option(const struct sp_opt *table, int argc, char **argv, int *i,
		       struct sp_err *err)
{
	const char *word = argv[*i], *value = NULL;
	const struct sp_opt *opt;

	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return SP_OPT_HELP;
	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");

		opt = find_long(table, word + 2, len);
		if (word[2 + len] == '=')
			value = word + 2 + len + 1;
	} else {
		opt = find_letter(table, word[1]);
		if (word[2])
			value = word + 2;
	}
	if (!opt)
		return sp_err_set(err, -EINVAL, "unknown option '%s'; --help lists them", word);
	if (opt->kind == SP_OPT_FLAG) {
		if (value)
			return sp_err_set(err, -EINVAL, "'%s' takes no value", word);
	} else if (!value) {
		if (*i + 1 == argc)
			return sp_err_set(err, -EINVAL, "'%s' needs a value: --%s %s", word,
					  opt->name, opt->arg);
		value = argv[++*i];
	}
	return store(opt, value, err);
}

int sp_opt_parse(const struct sp_opt *table, int argc, char **argv, int *ret_operands,
		 struct sp_err *err)
{
	int operands = 0;

	for (int i = 1; i < argc; i++) {
		int status;

		if (!strcmp(argv[i], "--")) {
			while (++i < argc)
				argv[operands++] = argv[i];
			break;
		}
		/* A lone "-" is an operand: standard input. */
		if (argv[i][0] != '-' || !argv[i][1]) {
			argv[operands++] = argv[i];
			continue;
		}
		status = take_option(table, argc, argv, &i, err);
		if (status)
			return status;
	}
	*ret_operands = operands;
	return 0;
}

void sp_opt_help(const struct sp_opt *table, const struct sp_opt_usage *usage, FILE *out)
{
	fprintf(out, "usage: %s [OPTION…]%s%s\n\n%s\n", usage->command,
		*usage->arguments ? " " : "", usage->arguments, usage->summary);
	if (usage->details)
		fprintf(out, "\n%s\n", usage->details);
	fprintf(out, "\noptions:\n");
	for (; table->name; table++) {
		char left[64], letter[8] = "   ";

		if (table->letter)
			snprintf(letter, sizeof(letter), "-%c,", table->letter);
		snprintf(left, sizeof(left), "%s --%s%s%s", letter, table->name,
			 table->arg ? " " : "", table->arg ? table->arg : "");
		fprintf(out, "  %-28s %s\n", left, table->help);
	}
	fprintf(out, "  %-28s %s\n", "-h, --help", "this text");
}
