/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON that scripts rely on. */
#include "app/report.h"

#include "infer/compute.h"
#include "records.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

TEST(report_validity_in_words)
{
	const uint32_t all = (1u << SP_FACE_REASONS) - 1;
	char text[160], small[12];

	CHECK_STR(sp_report_validity(0, text, sizeof(text)), "valid");
	CHECK_STR(sp_report_validity(SP_FACE_TOO_SMALL | SP_FACE_CUT, text, sizeof(text)),
		  "too_small, cut");
	CHECK_STR(sp_report_validity(1u << SP_FACE_REASONS, text, sizeof(text)), "unknown");
	CHECK(strstr(sp_report_validity(all, text, sizeof(text)), "poor"));
	CHECK_STR(sp_report_validity(all, small, sizeof(small)), "too_small, ");
	CHECK_STR(sp_report_decision(SP_MATCH), "match");
	CHECK_STR(sp_report_decision(SP_REFER), "refer");
	CHECK_STR(sp_report_decision(SP_NO_DECISION), "no decision");
	/* Nothing but these three words, whatever a damaged record says. */
	CHECK_STR(sp_report_decision(77), "no decision");
}

TEST(report_face_has_its_documented_members)
{
	static const char *const members[] = { "score", "box",	   "landmarks",
					       "valid", "reasons", "quality" };
	struct sp_face face = { .box = { 1, 2, 3, 4 }, .score = 0.5f, .embedded = true };
	json_t *object;

	face.reasons = SP_FACE_BLURRED;
	face.embedding[2] = 0.25f;
	object = sp_report_face(&face, 0);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!json_object_get(object, members[i]))
			FAIL("no member '%s'", members[i]);
	CHECK_EQ(json_object_size(object), 6);
	CHECK(json_is_false(json_object_get(object, "valid")));
	CHECK_STR(json_string_value(json_array_get(json_object_get(object, "reasons"), 0)),
		  "blurred");
	CHECK_EQ(json_array_size(json_object_get(object, "landmarks")), 5);
	CHECK_NEAR(json_real_value(json_array_get(json_object_get(object, "box"), 2)), 3, 0);
	json_decref(object);
	object = sp_report_face(&face, 4);
	CHECK_EQ(json_array_size(json_object_get(object, "embedding")), 4);
	CHECK_NEAR(json_real_value(json_array_get(json_object_get(object, "embedding"), 2)), 0.25,
		   0);
	json_decref(object);
	face.embedded = false;
	object = sp_report_face(&face, 4);
	CHECK(!json_object_get(object, "embedding"));
	json_decref(object);
}

/* Scripts rely on these names; what was not measured has none. */
TEST(report_quality_has_its_documented_members)
{
	static const char *const members[] = {
		"eye_distance", "yaw", "pitch", "roll", "sharpness", "exposure", "occlusion",
		"network", "score", "yaw_error", "pitch_error", "roll_error", "underexposed",
		"overexposed", "dynamic_range", "contrast", "evenness", "aligned_occlusion",
		"margin_left", "margin_above", "margin_right", "margin_below",
	};
	enum { MEMBERS = sizeof(members) / sizeof(members[0]), PLAIN = 9 };
	struct sp_quality quality = { .yaw = 7, .contrast = 0.25f, .margin_below = 3 };
	json_t *object = sp_report_quality(&quality);

	CHECK_EQ(json_object_size(object), PLAIN);
	for (size_t i = 0; i < MEMBERS; i++)
		CHECK_EQ(json_object_get(object, members[i]) != NULL, i < PLAIN);
	CHECK_NEAR(json_real_value(json_object_get(object, "yaw")), 7, 0);
	json_decref(object);
	quality.detailed = 1;
	object = sp_report_quality(&quality);
	CHECK_EQ(json_object_size(object), MEMBERS);
	for (size_t i = 0; i < MEMBERS; i++)
		if (!json_object_get(object, members[i]))
			FAIL("no member '%s'", members[i]);
	CHECK_NEAR(json_real_value(json_object_get(object, "contrast")), 0.25, 0);
	CHECK_NEAR(json_real_value(json_object_get(object, "margin_below")), 3, 0);
	json_decref(object);
}

TEST(report_encounter_shows_templates_only_when_asked)
{
	static struct sp_encounter e;
	json_t *object, *occupant;

	records_fill(&e, 0, "lane-1");
	records_occupant(&e, SP_REFER);
	object = sp_report_encounter(&e, false);
	CHECK_STR(text_of(object, "id"), "10010203-0405-0607-0809-0a0b0c0d0e0f");
	CHECK_STR(text_of(object, "lane"), "lane-1");
	CHECK_STR(text_of(object, "begin"), "2023-11-14T22:13:19.500Z");
	CHECK_STR(text_of(object, "end"), "2023-11-14T22:13:20.000Z");
	occupant = json_array_get(json_object_get(object, "occupants"), 0);
	CHECK_STR(text_of(occupant, "decision"), "refer");
	CHECK(json_is_true(json_object_get(occupant, "template")));
	CHECK(!json_object_get(occupant, "embedding"));
	json_decref(object);
	object = sp_report_encounter(&e, true);
	occupant = json_array_get(json_object_get(object, "occupants"), 0);
	CHECK_EQ(json_array_size(json_object_get(occupant, "embedding")), 4);
	json_decref(object);
}

TEST_MAIN()
