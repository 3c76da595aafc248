/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/*
 * The pipeline's start and end around a capture file without a packet: no camera, no network, no
 * model. Every step of the start that takes a descriptor is made to fail in turn; sanitizer builds
 * see what leaks.
 */
#include "app/pipeline.h"

#include <sys/resource.h>

#include "app/config.h"
#include "records.h"

static char path[128];

static struct sp_config *load_config(void)
{
	/* Microseconds, little-endian, version 2.4, 65535 bytes a packet, Ethernet; no packet. */
	static const uint8_t pcap[24] = { 0xD4, 0xC3, 0xB2,	   0xA1, 2,	  0,
					  4,	0,    [16] = 0xFF, 0xFF, [20] = 1 };
	struct sp_config *config;
	struct sp_err err = { "" };
	FILE *file;

	fresh_directory();
	snprintf(path, sizeof(path), "%s/empty.pcap", directory);
	store(path, pcap, sizeof(pcap));
	snprintf(path, sizeof(path), "%s/sallyport.yaml", directory);
	file = fopen(path, "w");
	CHECK(file);
	fprintf(file,
		"purpose: test\ndata_directory: %s\njournal: {directory: %s, segment_mib: 8}\n"
		"lanes:\n- name: a\n  cameras:\n  - {name: c, address: 127.0.0.2, width: 64, height: 48}\n"
		"compute: {backend: none, workers: 1}\n"
		"capture: {replay: %s/empty.pcap, replay_port: 40000}\n",
		directory, directory, directory);
	fclose(file);
	if (sp_config_load(path, &config, &err))
		FAIL("%s", err.text);
	return config;
}

static const struct sp_pipeline_options options = { .ack_fd = -1 };

TEST(pipeline_ends_with_its_capture_file)
{
	struct sp_config *config = load_config();
	struct sp_pipeline_figures figures;
	struct sp_pipeline *pipeline;
	struct sp_err err = { "" };
	enum sp_pipeline_state state;
	json_t *stats;

	if (sp_pipeline_open(config, &options, &pipeline, &err))
		FAIL("%s", err.text);
	CHECK_EQ(sp_pipeline_trigger(pipeline, "b"), -ENOENT);
	CHECK_EQ(sp_pipeline_close_encounter(pipeline, "b"), -ENOENT);
	CHECK_EQ(sp_pipeline_close_encounter(pipeline, "a"), 0);
	while ((state = sp_pipeline_check(pipeline, &err)) == SP_PIPELINE_RUNNING)
		sp_clock_sleep_until(sp_clock_now() + 5 * SP_NS_PER_MS);
	CHECK_EQ(state, SP_PIPELINE_ENDED);
	sp_pipeline_stop(pipeline);
	stats = sp_pipeline_stats(pipeline);
	CHECK_EQ(json_array_size(json_object_get(stats, "streams")), 1);
	json_decref(stats);
	sp_pipeline_figures(pipeline, &figures);
	CHECK(figures.ledger_adds_up);
	CHECK_EQ(figures.frames, 0);
	CHECK_EQ(figures.unrecorded, 0);
	sp_pipeline_close(pipeline);
	sp_config_free(config);
}

static int free_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

TEST(pipeline_start_fails_cleanly_at_every_step)
{
	struct sp_config *config = load_config();
	struct sp_pipeline *pipeline = NULL;
	struct rlimit before, few;
	unsigned int failures = 0;
	int first = free_descriptor(), status = -1;

	if (first < 0)
		SKIP("standard input is closed");
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (unsigned int allowed = 0; status; allowed++) {
		struct sp_err err = { "" };

		CHECK(allowed < 64);
		few = (struct rlimit){ (rlim_t)first + allowed, before.rlim_max };
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
		status = sp_pipeline_open(config, &options, &pipeline, &err);
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
		if (status) {
			failures++;
			CHECK(err.text[0]);
			CHECK(!pipeline);
			CHECK_EQ(free_descriptor(), first);
		}
	}
	/*
	 * Four events, the directory, its lock, a segment, the inbox, the file: each at least once.
	 */
	CHECK(failures >= 9);
	sp_pipeline_close(pipeline);
	CHECK_EQ(free_descriptor(), first);
	sp_config_free(config);
}

TEST(pipeline_refuses_a_directory_that_others_may_enter)
{
	struct sp_config *config = load_config();
	struct sp_pipeline *pipeline = NULL;
	struct sp_err err = { "" };

	CHECK_EQ(chmod(directory, 0750), 0);
	CHECK_EQ(sp_pipeline_open(config, &options, &pipeline, &err), -EACCES);
	CHECK(strstr(err.text, directory) && strstr(err.text, "chmod 700"));
	CHECK(!pipeline);
	sp_config_free(config);
}

TEST_MAIN()
