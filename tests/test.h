/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test harness. A test program is one file:
 *
 *	#include "test.h"
 *	TEST(ring_keeps_order) { CHECK_EQ(sp_ring_count(&ring), 3); }
 *	TEST_MAIN()
 *
 * It prints one line a test: "ok NAME", "not ok NAME: FILE:LINE: WHY" or "skip NAME: WHY", and exits
 * 0 unless one failed. A failed check ends its test. With arguments it runs only the named tests.
 */
#ifndef SP_TESTS_TEST_H
#define SP_TESTS_TEST_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sp_test {
	const char *name;
	void (*run)(void);
	struct sp_test *next;
};

enum { SP_TEST_FAILED = 1, SP_TEST_SKIPPED = 2 };

static struct sp_test *sp_tests, **sp_tests_end = &sp_tests;
static jmp_buf sp_test_exit;
static char sp_test_why[512];

__attribute__((unused, noreturn, format(printf, 2, 3))) static void sp_test_leave(int how,
										    const char *fmt,
										    ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sp_test_why, sizeof(sp_test_why), fmt, ap);
	va_end(ap);
	longjmp(sp_test_exit, how);
}

#define TEST(test_name)                                                                            \
	static void test_name(void);                                                               \
	__attribute__((constructor)) static void test_name##_register(void)                        \
	{                                                                                          \
		static struct sp_test test = { #test_name, test_name, NULL };                      \
		*sp_tests_end = &test;                                                             \
		sp_tests_end = &test.next;                                                         \
	}                                                                                          \
	static void test_name(void)

#define FAIL(fmt, ...)                                                                             \
	sp_test_leave(SP_TEST_FAILED, "%s:%d: " fmt, __FILE__, __LINE__, ##__VA_ARGS__)

#define SKIP(...) sp_test_leave(SP_TEST_SKIPPED, __VA_ARGS__)

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			FAIL("%s", #condition);                                                    \
	} while (0)

/* Integers of any type. */
#define CHECK_EQ(got, want)                                                                        \
	do {                                                                                       \
		long long sp_got = (long long)(got), sp_want = (long long)(want);                  \
		if (sp_got != sp_want)                                                             \
			FAIL("%s is %lld, not %lld", #got, sp_got, sp_want);                       \
	} while (0)

#define CHECK_STR(got, want)                                                                       \
	do {                                                                                       \
		const char *sp_got = (got), *sp_want = (want);                                     \
		if (!sp_got || strcmp(sp_got, sp_want))                                            \
			FAIL("%s is \"%s\", not \"%s\"", #got, sp_got ? sp_got : "(null)", sp_want);\
	} while (0)

#define CHECK_NEAR(got, want, tolerance)                                                           \
	do {                                                                                       \
		double sp_got = (got), sp_want = (want), sp_off = sp_got - sp_want;                \
		if (!(sp_off <= (tolerance) && -sp_off <= (tolerance)))                            \
			FAIL("%s is %.9g, not %.9g ± %.3g", #got, sp_got, sp_want,                 \
			     (double)(tolerance));                                                 \
	} while (0)

/* The folder of real weights and photographs, or a skip: $SALLYPORT_SHARED, default ../shared. */
__attribute__((unused)) static const char *sp_test_shared(const char *name)
{
	static char path[4][1024];
	static unsigned int next;
	char *text = path[next++ % 4];
	const char *root = getenv("SALLYPORT_SHARED");
	FILE *file;

	snprintf(text, sizeof(path[0]), "%s/%s", root && *root ? root : "../shared", name);
	file = fopen(text, "rb");
	if (!file)
		SKIP("%s is not there (set SALLYPORT_SHARED)", text);
	fclose(file);
	return text;
}

static int sp_test_run(const struct sp_test *test)
{
	int how = setjmp(sp_test_exit);

	if (!how)
		test->run();
	if (how == SP_TEST_FAILED)
		printf("not ok %s: %s\n", test->name, sp_test_why);
	else if (how == SP_TEST_SKIPPED)
		printf("skip %s: %s\n", test->name, sp_test_why);
	else
		printf("ok %s\n", test->name);
	fflush(stdout);
	return how == SP_TEST_FAILED;
}

static int sp_test_main(int argc, char **argv)
{
	int failed = 0;

	for (const struct sp_test *test = sp_tests; test; test = test->next) {
		bool wanted = argc < 2;

		for (int i = 1; i < argc; i++)
			wanted |= !strcmp(argv[i], test->name);
		if (wanted)
			failed |= sp_test_run(test);
	}
	return failed;
}

#define TEST_MAIN()                                                                                \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return sp_test_main(argc, argv);                                                   \
	}

#endif
