/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"

#include <errno.h>
#include <unistd.h>

#include "app/privacy.h"
#include "base/diag.h"
#include "test.h"

static char path[64];

static int load(const char *text, struct sp_config **config, struct sp_err *err)
{
	FILE *file;
	int status;

	snprintf(path, sizeof(path), "/tmp/sp-config-%d.yaml", getpid());
	file = fopen(path, "w");
	CHECK(file);
	fputs(text, file);
	fclose(file);
	status = sp_config_load(path, config, err);
	unlink(path);
	return status;
}

#define LANE "lanes:\n- name: a\n  cameras:\n  - {name: c, address: 127.0.0.2, width: 640, height: 480"

TEST(config_fills_in_defaults)
{
	struct sp_config *config;
	struct sp_err err = { "" };

	if (load("purpose: test\ndata_directory: /d\n" LANE "}\n", &config, &err))
		FAIL("%s", err.text);
	CHECK_STR(config->journal.directory, "/d/journal");
	CHECK_STR(config->socket, "/d/control.sock");
	CHECK_EQ(config->lanes[0].cameras[0].pixel_format_code, 0x01080009);
	CHECK_EQ(config->lanes[0].cameras[0].packet_payload, 1364);
	CHECK_EQ(config->lanes[0].cameras[0].packets_per_frame, 226);
	CHECK(!config->policy.persist_unmatched);
	CHECK_EQ(config->encounter.gap_ms, 1500);
	CHECK_NEAR(config->validity.sharpness_min, 25, 0);
	CHECK_NEAR(config->validity.network_min, 0.4, 1e-6);
	sp_config_free(config);
}

TEST(config_takes_a_limit_away)
{
	struct sp_config *config;
	struct sp_err err = { "" };

	if (load("purpose: test\n" LANE "}\nvalidity: {sharpness_min: -1, network_min: 0.1}\n", &config,
		 &err))
		FAIL("%s", err.text);
	CHECK_NEAR(config->validity.sharpness_min, -1, 0);
	CHECK_NEAR(config->validity.network_min, 0.1, 1e-9);
	sp_config_free(config);
}

TEST(config_refuses_with_place_and_reason)
{
	static const struct {
		const char *text;
		const char *want[2];
	} cases[] = {
		{ "", { "empty", "docs/sallyport.yaml" } },
		{ "purpose: x\n", { "lanes", "" } },
		{ LANE "}\n", { "purpose", "" } },
		{ "purpose: x\n" LANE "}\ncapture:\n  speed: 3\n", { "speed", "line: 7" } },
		{ "purpose: x\n" LANE ", fps: fast}\n", { "fast", "" } },
		{ "purpose: x\n" LANE ", packet_size: 1401}\n", { "cameras[0] ('c')", "1401" } },
		{ "purpose: x\n" LANE ", pixel_format: Mono9}\n", { "Mono9", "BayerRG8" } },
		{ "purpose: x\nlanes:\n- name: a\n  cameras:\n"
		  "  - {name: c, address: x, width: 0, height: 4}\n",
		  { "0 × 4", "16384" } },
		{ "purpose: x\n" LANE "}\n- name: a\n  cameras:\n"
		  "  - {name: d, address: x, width: 9, height: 4}\n",
		  { "lanes[1]", "'a' is taken" } },
		{ "purpose: x\n" LANE "}\n  - {name: d, address: 127.0.0.2, width: 9, height: 4}\n",
		  { "lanes[0].cameras[1] ('d')", "127.0.0.2 is taken by lanes[0].cameras[0]" } },
		{ "purpose: x\n" LANE "}\nvalidity: {yaw_max: .nan}\n", { "yaw_max", "" } },
		{ "purpose: x\n" LANE "}\nvalidity: {exposure_max: 3}\n", { "validity.exposure_max", "3" } },
		{ "purpose: x\nsocket: /01234567890123456789012345678901234567890123456789"
		  "012345678901234567890123456789012345678901234567890123456789\n"
		  LANE "}\n", { "socket", "107 bytes" } },
		{ "purpose: x\n" LANE "}\nencounter: {jpeg_quality: 101}\n",
		  { "encounter.jpeg_quality", "101" } },
		{ "purpose: x\n" LANE "}\ncompute: {backend: quantum}\n", { "quantum", "cpu" } },
		{ "purpose: [x\n", { "", "" } },
		{ "a: &b c\nd: *b\n", { "", "" } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_config *config = NULL;
		struct sp_err err = { "" };

		if (!load(cases[i].text, &config, &err))
			FAIL("case %zu was accepted", i);
		if (strncmp(err.text, path, strlen(path)) || !strstr(err.text, cases[i].want[0]) ||
		    !strstr(err.text, cases[i].want[1]))
			FAIL("case %zu says: %s", i, err.text);
	}
}

TEST(config_plan_refuses_too_few_buffers)
{
	struct sp_config *config;
	struct sp_config_plan plan;
	struct sp_err err = { "" };

	CHECK_EQ(load("purpose: x\n" LANE ", fps: 10}\ncapture: {buffers: 100}\n", &config, &err), 0);
	CHECK_EQ(sp_config_plan(config, &plan, &err), -ENOSPC);
	/* 0.1 s retention at 10 fps, a queue of 4 and 3 more, 0.25 s to spare: 11 frames of 226 + 2. */
	CHECK_EQ(plan.buffers_needed, 11 * 228 + 64);
	CHECK(strstr(err.text, "give 2572"));
	config->capture.buffers = 2572;
	CHECK_EQ(sp_config_plan(config, &plan, &err), 0);
	config->capture.frames = 7;
	CHECK_EQ(sp_config_plan(config, &plan, &err), -ENOSPC);
	CHECK(strstr(err.text, "capture.frames") && strstr(err.text, "give 8"));
	sp_config_free(config);
}

TEST(config_example_is_complete_and_well_formed)
{
	struct sp_config *config;
	struct sp_err err = { "" };

	if (sp_config_load("docs/sallyport.yaml", &config, &err))
		FAIL("%s", err.text);
	sp_config_free(config);
}

TEST(privacy_refuses_real_cameras)
{
	struct sp_config *config;
	struct sp_err err = { "" };

	CHECK_EQ(load("purpose: x\n" LANE "}\n", &config, &err), 0);
	CHECK_EQ(sp_privacy_check_cameras(config, false, &err), 0);
	free(config->lanes[0].cameras[0].address);
	config->lanes[0].cameras[0].address = strdup("192.0.2.7");
	CHECK_EQ(sp_privacy_check_cameras(config, false, &err), -EPERM);
	CHECK(strstr(err.text, "192.0.2.7") && strstr(err.text, "--allow-unencrypted"));
	CHECK_EQ(sp_privacy_check_cameras(config, true, &err), 0);
	free(config->lanes[0].cameras[0].address);
	config->lanes[0].cameras[0].address = strdup("127.evil.example");
	CHECK_EQ(sp_privacy_check_cameras(config, false, &err), -EPERM);
	sp_config_free(config);
}

TEST_MAIN()
