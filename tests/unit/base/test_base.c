/* SPDX-License-Identifier: Apache-2.0 */
/* clock, diag, pool, region, stats: one or two properties each. */
#include <errno.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/pool.h"
#include "base/region.h"
#include "base/stats.h"
#include "test.h"

TEST(clock_formats_and_reads_back)
{
	char out[32];
	uint64_t utc;

	CHECK_STR(sp_clock_format_utc(1763906709123456789ull, out, sizeof(out)),
		  "2025-11-23T14:05:09.123Z");
	CHECK_EQ(sp_clock_parse_utc("2025-11-23T14:05:09Z", 0, &utc), 0);
	CHECK_EQ(utc, 1763906709000000000ull);
	CHECK_EQ(sp_clock_parse_utc("2025-11-23T14:05", 0, &utc), 0);
	CHECK_EQ(utc, 1763906700000000000ull);
	CHECK_EQ(sp_clock_parse_utc("2025-11-23", 0, &utc), 0);
	CHECK_EQ(utc, 1763856000000000000ull);
}

TEST(clock_reads_ages_and_refuses_nonsense)
{
	static const char *const bad[] = {
		"", "x", "5", "5y", "-5m", "5mm", "2025-13-01", "2025-11-23T",
		"2025-11-23T14:05:09.5e9Z", /* no part of a second */
		"9999-01-01", /* beyond 64 bits of nanoseconds */
	};
	uint64_t utc;

	CHECK_EQ(sp_clock_parse_utc("15m", 1000 * SP_NS_PER_S, &utc), 0);
	CHECK_EQ(utc, 100 * SP_NS_PER_S);
	CHECK_EQ(sp_clock_parse_utc("99999999999999d", 1000, &utc), 0);
	CHECK_EQ(utc, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!sp_clock_parse_utc(bad[i], 1000, &utc))
			FAIL("'%s' was read as a time", bad[i]);
}

TEST(diag_builds_place_problem_remedy)
{
	struct sp_err err;

	CHECK_EQ(sp_err_set(&err, -EINVAL, "must be %d", 4), -EINVAL);
	CHECK_EQ(sp_err_prefix(&err, -EIO, "file:%d", 7), -EIO);
	CHECK_STR(err.text, "file:7: must be 4");
	CHECK_EQ(sp_err_set(NULL, -EIO, "nobody reads this"), -EIO);
}

TEST(pool_lends_each_object_once)
{
	struct sp_pool pool;
	void *a, *b;

	CHECK_EQ(sp_pool_init(&pool, 24, 2), 0);
	a = sp_pool_get(&pool);
	b = sp_pool_get(&pool);
	CHECK(a && b && a != b);
	CHECK(!sp_pool_get(&pool));
	CHECK_EQ(sp_pool_index(&pool, b), 1);
	sp_pool_put(&pool, a);
	CHECK(sp_pool_get(&pool) == a);
	sp_pool_uninit(&pool);
	CHECK_EQ(sp_pool_init(&pool, SIZE_MAX / 4, UINT32_MAX), -EINVAL);
}

TEST(region_is_zero_writable_and_bounded)
{
	struct sp_region region;
	struct sp_err err = { "" };

	CHECK_EQ(sp_region_init(&region, 100000, &err), 0);
	CHECK(region.size >= 100000);
	CHECK_EQ(region.base[99999], 0);
	region.base[region.size - 1] = 1;
	CHECK(sp_region_holds(&region, 0, region.size));
	CHECK(!sp_region_holds(&region, 1, region.size));
	CHECK(!sp_region_holds(&region, UINT64_MAX, 2));
	sp_region_uninit(&region);
	CHECK(sp_region_init(&region, 0, &err) < 0 && *err.text);
	CHECK(sp_region_init(&region, SIZE_MAX / 2, &err) < 0);
}

struct counted {
	uint64_t packets, bytes;
};

TEST(stats_speak_json_and_openmetrics)
{
	static const struct sp_counter table[] = {
		SP_COUNTER(struct counted, packets, "Packets seen"),
		SP_COUNTER(struct counted, bytes, "Bytes seen"),
	};
	struct counted one = { 3, 400 }, two = { 5, 600 };
	const void *bases[] = { &one, &two };
	const char *labels[] = { "stream=\"0\"", "stream=\"1\"" };
	json_t *object = json_object();
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	sp_count(&one.packets, 2);
	CHECK_EQ(sp_stats_json(object, table, 2, &one), 0);
	CHECK_EQ(json_integer_value(json_object_get(object, "packets")), 5);
	sp_stats_openmetrics(out, "stream", table, 2, bases, labels, 2);
	fclose(out);
	CHECK(strstr(text, "# TYPE sallyport_stream_bytes counter\n"));
	CHECK(strstr(text, "sallyport_stream_bytes_total{stream=\"1\"} 600\n"));
	free(text);
	json_decref(object);
}

TEST_MAIN()
