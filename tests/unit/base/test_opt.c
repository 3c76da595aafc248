/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opt.h"

#include <errno.h>

#include "base/diag.h"
#include "test.h"

static bool flag;
static const char *text;
static uint32_t number;
static double ratio;
static struct sp_opt_list list;

static const struct sp_opt table[] = {
	{ "flag", 'f', SP_OPT_FLAG, &flag, NULL, "a flag", 0, 0 },
	{ "text", 't', SP_OPT_STRING, &text, "TEXT", "a text", 0, 0 },
	{ "number", 'n', SP_OPT_U32, &number, "N", "a number", 1, 10 },
	{ "ratio", 0, SP_OPT_DOUBLE, &ratio, "R", "a ratio", 0, 1 },
	{ "item", 'i', SP_OPT_LIST, &list, "ITEM", "items", 0, 0 },
	{ 0 },
};

static int parse(int argc, const char **words, int *operands, struct sp_err *err)
{
	flag = false;
	text = NULL;
	number = 0;
	ratio = 0;
	list.n = 0;
	return sp_opt_parse(table, argc, (char **)words, operands, err);
}

TEST(opt_reads_all_forms_and_keeps_operands)
{
	const char *words[] = { "prog", "a",  "-f", "--text=x", "-n3", "b",  "--ratio",
				"0.5",	"-i", "p",  "--item=q", "-",   "--", "--flag" };
	struct sp_err err;
	int operands;

	CHECK_EQ(parse(14, words, &operands, &err), 0);
	CHECK(flag);
	CHECK_STR(text, "x");
	CHECK_EQ(number, 3);
	CHECK_NEAR(ratio, 0.5, 0);
	CHECK_EQ(list.n, 2);
	CHECK_STR(list.items[1], "q");
	CHECK_EQ(operands, 4);
	CHECK_STR(words[0], "a");
	CHECK_STR(words[1], "b");
	CHECK_STR(words[2], "-");
	CHECK_STR(words[3], "--flag");
}

TEST(opt_refuses_with_a_reason)
{
	static const struct {
		const char *word, *next, *want;
	} cases[] = {
		{ "--nothing", NULL, "unknown option '--nothing'" },
		{ "-x", NULL, "unknown option '-x'" },
		{ "--text", NULL, "needs a value" },
		{ "--flag=1", NULL, "takes no value" },
		{ "-n", "11", "not within 1 to 10" },
		{ "-n", "-1", "not a whole number" },
		{ "-n", "4x", "not a whole number" },
		{ "--ratio", "nan", "not a number" },
		{ "--ratio", "2", "not within 0 to 1" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *words[] = { "prog", cases[i].word, cases[i].next };
		struct sp_err err = { "" };
		int operands;

		CHECK_EQ(parse(cases[i].next ? 3 : 2, words, &operands, &err), -EINVAL);
		if (!strstr(err.text, cases[i].want))
			FAIL("%s: \"%s\" lacks \"%s\"", cases[i].word, err.text, cases[i].want);
	}
}

TEST(opt_help_lists_every_option)
{
	const struct sp_opt_usage usage = { "prog sub", "FILE…", "Does a thing.", NULL };
	const char *words[] = { "prog", "--help" };
	char *help;
	size_t size;
	FILE *out = open_memstream(&help, &size);
	int operands;

	CHECK_EQ(parse(2, words, &operands, NULL), SP_OPT_HELP);
	sp_opt_help(table, &usage, out);
	fclose(out);
	CHECK(strstr(help, "usage: prog sub [OPTION…] FILE…\n"));
	for (const struct sp_opt *opt = table; opt->name; opt++)
		CHECK(strstr(help, opt->name) && strstr(help, opt->help));
	free(help);
}

TEST_MAIN()
