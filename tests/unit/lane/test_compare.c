/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "lane/compare.h"
#include "test.h"

TEST(threshold_at_measured_and_between)
{
	struct sp_match_threshold t;

	CHECK_EQ(sp_match_threshold_at(&sp_match_mobilefacenet, 1e-3, &t, NULL), 0);
	CHECK_NEAR(t.similarity, 0.339, 1e-6);
	CHECK_EQ(sp_match_threshold_at(&sp_match_mobilefacenet, 1e-4, &t, NULL), 0);
	CHECK_NEAR(t.similarity, 0.413, 1e-6);
	CHECK_EQ(sp_match_threshold_at(&sp_match_mobilefacenet, 1e-5, &t, NULL), 0);
	CHECK_NEAR(t.similarity, 0.483, 1e-6);
	/* Half way in the logarithm. */
	CHECK_EQ(sp_match_threshold_at(&sp_match_mobilefacenet, pow(10, -3.5), &t, NULL), 0);
	CHECK_NEAR(t.similarity, 0.376, 1e-5);
	CHECK_NEAR(t.fmr, pow(10, -3.5), 1e-12);
	CHECK_EQ(sp_match_threshold_at(&sp_match_mobilefacenet, pow(10, -4.5), &t, NULL), 0);
	CHECK_NEAR(t.similarity, 0.448, 1e-5);
}

TEST(threshold_refuses_what_was_not_measured)
{
	static const double bad[] = { 1e-2, 1.001e-3, 0.99e-5, 1e-6, 0, -1, NAN, INFINITY };
	struct sp_match_threshold t = { 7, 7 };
	struct sp_err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(sp_match_threshold_at(&sp_match_mobilefacenet, bad[i], &t, &err), -ERANGE);
		CHECK(strstr(err.text, "measured from 1e-05 to 0.001"));
	}
	CHECK_NEAR(t.similarity, 7, 0);
}

TEST(threshold_says_what_it_means)
{
	char text[256];

	CHECK_STR(sp_match_threshold_meaning(&sp_match_mobilefacenet,
					     &sp_match_mobilefacenet.thresholds[1], text,
					     sizeof(text)),
		  "two different people reach a similarity of 0.413 once in 10,000 comparisons "
		  "(MobileFaceNet, LFW, all pairs of its 13,233 photographs)");
}

/* As the compute port gives it: 32 bytes. */
static void unpack(const char *hex, uint8_t sha256[32])
{
	for (int i = 0; i < 32; i++)
		CHECK_EQ(sscanf(hex + 2 * i, "%2hhx", &sha256[i]), 1);
}

TEST(models_are_found_by_their_file)
{
	uint8_t sha256[32], other[32] = { 0 };

	unpack(sp_match_mobilefacenet.sha256, sha256);
	CHECK(sp_match_model_find(sha256) == &sp_match_mobilefacenet);
	CHECK(!sp_match_model_find(other));
	CHECK_NEAR(sp_match_same_similarity(sha256), 0.40, 1e-6);
	CHECK_NEAR(sp_match_same_similarity(other), 0.40, 1e-6);
	sha256[31] ^= 1;
	CHECK(!sp_match_model_find(sha256));
}

TEST(figures_of_our_own_model_say_what_they_are_of)
{
	const struct sp_match_model *m = &sp_match_synthetic;
	uint8_t sha256[32];

	CHECK(strstr(m->measured, "synthetic") && strstr(m->measured, "does not predict"));
	if (!m->thresholds_n)
		SKIP("our embedder is not trained yet");
	unpack(m->sha256, sha256);
	CHECK(sp_match_model_find(sha256) == m);
	CHECK_NEAR(sp_match_same_similarity(sha256), m->same_similarity, 0);
	CHECK(m->thresholds_n <= SP_MATCH_THRESHOLDS_MAX);
	for (unsigned int i = 1; i < m->thresholds_n; i++) {
		CHECK(m->thresholds[i].fmr < m->thresholds[i - 1].fmr);
		CHECK(m->thresholds[i].similarity > m->thresholds[i - 1].similarity);
	}
}

TEST(pairs_are_one_to_one_and_best_first)
{
	/* 1 is most like 0, but 0 is more like 0; 2 is left with what nobody else has. */
	struct sp_pair pairs[] = {
		{ 0, 0, 0.9f }, { 0, 1, 0.2f }, { 1, 0, 0.8f },
		{ 1, 1, 0.6f }, { 2, 0, 0.7f }, { 2, 1, 0.5f },
	};
	struct sp_pair equal[] = { { 1, 1, 0.5f }, { 0, 1, 0.5f }, { 1, 0, 0.5f }, { 0, 0, 0.5f } };

	CHECK_EQ(sp_match_pairs(pairs, 6), 2);
	CHECK(pairs[0].a == 0 && pairs[0].b == 0);
	CHECK(pairs[1].a == 1 && pairs[1].b == 1);
	CHECK_NEAR(pairs[1].similarity, 0.6, 1e-6);
	CHECK_EQ(sp_match_pairs(equal, 4), 2);
	CHECK(equal[0].a == 0 && equal[0].b == 0 && equal[1].a == 1 && equal[1].b == 1);
	CHECK_EQ(sp_match_pairs(equal, 0), 0);
}

static const uint8_t model_a[SP_MODEL_ID_SIZE] = { 1 }, model_b[SP_MODEL_ID_SIZE] = { 2 };

TEST(compare_is_the_cosine)
{
	static const float x[2] = { 1, 0 }, y[2] = { 0, 3 }, d[2] = { 2, 2 }, minus[2] = { -5, 0 };
	static const struct {
		const float *a, *b;
		float similarity;
		enum sp_decision decision;
	} cases[] = {
		{ x, x, 1, SP_MATCH },
		{ x, y, 0, SP_NO_DECISION },
		{ x, d, 0.70710678f, SP_MATCH },
		{ x, minus, -1, SP_NO_DECISION },
	};
	struct sp_match_threshold threshold = { 0.5f, 1e-4 };
	struct sp_comparison c;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_template a = { model_a, cases[i].a, 2 }, b = { model_a, cases[i].b, 2 };

		CHECK_EQ(sp_match_compare(&a, &b, &threshold, &c, NULL), 0);
		CHECK_NEAR(c.similarity, cases[i].similarity, 1e-6);
		CHECK_EQ(c.decision, cases[i].decision);
		CHECK_NEAR(c.threshold.similarity, 0.5, 0);
	}
}

TEST(compare_at_the_threshold_is_a_match)
{
	static const float x[1] = { 1 };
	struct sp_template a = { model_a, x, 1 };
	struct sp_match_threshold threshold = { 1, 1e-4 };
	struct sp_comparison c;

	CHECK_EQ(sp_match_compare(&a, &a, &threshold, &c, NULL), 0);
	CHECK_EQ(c.decision, SP_MATCH);
}

TEST(compare_refuses)
{
	static const float x[2] = { 1, 0 }, zero[2] = { 0, 0 }, nan[2] = { NAN, 0 },
			   huge[2] = { INFINITY, 0 };
	struct sp_template a = { model_a, x, 2 };
	const struct {
		struct sp_template b;
		int code;
		const char *word;
	} cases[] = {
		{ { model_b, x, 2 }, -EPROTO, "different models" },
		{ { model_a, x, 1 }, -EPROTO, "different models" },
		{ { model_a, x, 0 }, -ENODATA, "no template" },
		{ { model_a, zero, 2 }, -EDOM, "damaged" },
		{ { model_a, nan, 2 }, -EDOM, "damaged" },
		{ { model_a, huge, 2 }, -EDOM, "damaged" },
	};
	struct sp_match_threshold threshold = { 0.5f, 1e-4 };
	struct sp_comparison c = { .similarity = 7 };
	struct sp_err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_EQ(sp_match_compare(&a, &cases[i].b, &threshold, &c, &err), cases[i].code);
		CHECK(strstr(err.text, cases[i].word));
		CHECK_EQ(sp_match_compare(&cases[i].b, &a, &threshold, &c, &err), cases[i].code);
	}
	CHECK_NEAR(c.similarity, 7, 0);
}

TEST_MAIN()
