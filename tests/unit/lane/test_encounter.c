/* SPDX-License-Identifier: Apache-2.0 */
#include "lane/encounter.h"

#include <errno.h>

#include "test.h"

static const uint8_t random_bytes[10] = { 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4, 5, 6 };

TEST(encounter_id_text_round_trip)
{
	/* 0x0193A5C00102 ms */
	struct sp_encounter_id id = sp_encounter_id_make(0x0193A5C00102ull * 1000000, random_bytes);
	struct sp_encounter_id back;
	char text[SP_ENCOUNTER_ID_TEXT];

	CHECK_STR(sp_encounter_id_format(&id, text), "0193a5c0-0102-7fff-bfff-010203040506");
	CHECK_EQ(sp_encounter_id_parse(text, &back), 0);
	CHECK(!memcmp(&id, &back, sizeof(id)));
	CHECK_EQ(sp_encounter_id_parse("0193A5C0-0102-7FFF-BFFF-010203040506", &back), 0);
	CHECK(!memcmp(&id, &back, sizeof(id)));
}

TEST(encounter_id_refuses_other_text)
{
	static const char *const bad[] = {
		"", "0", "0193a5c0", "0193a5c0-0102-7fff-bfff-01020304050",
		"0193a5c0-0102-7fff-bfff-0102030405060", "0193a5c001027fffbfff010203040506",
		"0193a5c0-0102-7fff-bfff-01020304050g", "0193a5c0-0102-7fff-bfff 010203040506",
	};
	struct sp_encounter_id id;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(sp_encounter_id_parse(bad[i], &id), -EINVAL);
}

TEST(encounter_ids_grow_with_time)
{
	struct sp_encounter_id a = sp_encounter_id_make(1700000000000000000ull, random_bytes);
	struct sp_encounter_id b = sp_encounter_id_make(1700000000001000000ull, random_bytes);

	CHECK(memcmp(&a, &b, sizeof(a)) < 0);
}

TEST(encounter_clear_frees)
{
	struct sp_encounter *e = calloc(1, sizeof(*e));

	CHECK(e);
	e->occupants_n = 2;
	e->occupants[0].jpeg = malloc(10);
	sp_encounter_clear(e);
	CHECK_EQ(e->occupants_n, 0);
	CHECK(!e->occupants[0].jpeg);
	free(e);
}

TEST_MAIN()
