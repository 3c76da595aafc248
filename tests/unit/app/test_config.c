/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"

#include <errno.h>
#include <unistd.h>

#include "app/backends.h"
#include "app/config_line.h"
#include "app/privacy.h"
#include "base/diag.h"
#include "capture/packet_source.h"
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

TEST(config_line_finds_a_field)
{
	static const struct {
		const char *field;
		unsigned int line;
	} cases[] = {
		{ "a", 1 },
		{ "b[0]", 3 },
		{ "b[1].c", 4 },
		{ "b[1].d[2]", 6 },
		{ "b[1].e.f", 7 },  /* f is left out: where e is */
		{ "b[2].c", 2 },    /* there is no third: where b is */
		{ "z", 0 },
		{ "a.b", 1 },
		{ "", 0 },
	};
	FILE *file;

	snprintf(path, sizeof(path), "/tmp/sp-config-%d.yaml", getpid());
	file = fopen(path, "w");
	CHECK(file);
	fputs("a: 1\nb:\n- c: 2\n- c: 3\n  d: [0,\n      1, 2]\n  e: {}\n", file);
	fclose(file);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sp_config_line(path, cases[i].field) != cases[i].line)
			FAIL("%s: line %u, not %u", cases[i].field,
			     sp_config_line(path, cases[i].field), cases[i].line);
	unlink(path);
	CHECK_EQ(sp_config_line(path, "a"), 0);
}

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
	CHECK_EQ(config->lanes[0].cameras[0].packets_most, 235);
	CHECK_EQ(*config->lanes[0].cameras[0].extra_bytes, 4096);
	CHECK_EQ(config->capture.source, SP_SOURCE_UDP);
	CHECK_EQ(config->capture.queues, 1);
	CHECK_EQ(*config->capture.dpdk.nap_max_us, 100);
	CHECK(!config->policy.persist_unmatched);
	CHECK_EQ(config->encounter.gap_ms, 1500);
	CHECK_NEAR(config->validity.sharpness_min, 25, 0);
	CHECK_NEAR(config->validity.network_min, 0.4, 1e-6);
	CHECK_NEAR(config->validity.occlusion_max, 0, 0);
	sp_config_free(config);
}

TEST(config_takes_a_limit_away)
{
	struct sp_config *config;
	struct sp_err err = { "" };

	if (load("purpose: test\n" LANE "}\nvalidity: {sharpness_min: -1, network_min: 0.1,\n"
		 "  margin_min: 1.2, evenness_min: 0.3, occlusion_max: 0.02}\n", &config, &err))
		FAIL("%s", err.text);
	CHECK_NEAR(config->validity.sharpness_min, -1, 0);
	CHECK_NEAR(config->validity.network_min, 0.1, 1e-9);
	CHECK_NEAR(config->validity.margin_min, 1.2, 1e-9);
	CHECK_NEAR(config->validity.evenness_min, 0.3, 1e-9);
	CHECK_NEAR(config->validity.occlusion_max, 0.02, 1e-9);
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
		{ "purpose: x\n" LANE "}\ncompute: {batch: 65}\n", { "compute.batch", "within 0 to 64" } },
		{ "purpose: x\n" LANE "}\nvalidity: {yaw_max: .nan}\n", { "yaw_max", "" } },
		{ "purpose: x\n" LANE "}\nvalidity: {exposure_max: 3}\n", { "validity.exposure_max", "3" } },
		{ "purpose: x\n" LANE "}\nvalidity: {dynamic_range_min: 9}\n",
		  { "validity.dynamic_range_min", "within -1 to 8" } },
		{ "purpose: x\nsocket: /01234567890123456789012345678901234567890123456789"
		  "012345678901234567890123456789012345678901234567890123456789\n"
		  LANE "}\n", { "socket", "107 bytes" } },
		{ "purpose: x\n" LANE "}\nencounter: {jpeg_quality: 101}\n",
		  { "encounter.jpeg_quality", "101" } },
		{ "purpose: x\n" LANE "}\ncompute: {backend: quantum}\n", { "quantum", "cpu" } },
		{ "purpose: x\n" LANE ", vlan: 4095}\n",
		  { "line 5: lanes[0].cameras[0] ('c'): vlan", "4094" } },
		{ "purpose: x\n" LANE ", vlan: 7}\n",
		  { "vlan is not seen by capture.source udp", "dpdk" } },
		{ "purpose: x\n" LANE ", mac: 00:11:22:33:44}\n",
		  { "00:11:22:33:44", "cameras list" } },
		{ "purpose: x\n" LANE ", mac: 01-11-22-33-44-55}\n", { "single station", "" } },
		{ "purpose: x\n" LANE ", source_port: 65536}\n", { "source_port 65536", "65535" } },
		{ "purpose: x\n" LANE ", extra_bytes: 67108865}\n", { "extra_bytes", "67108864" } },
		{ "purpose: x\n" LANE "}\ncapture:\n  queues: 2\n",
		  { "line 7: capture.queues: 2 queues for 1 cameras", "at most one a camera" } },
		{ "purpose: x\n" LANE "}\ncapture:\n  cpus: [0, 1]\n",
		  { "line 7: capture.cpus: 2 CPUs for 1 queues", "leave" } },
		{ "purpose: x\n" LANE "}\ncapture:\n  cpus:\n  - 4096\n",
		  { "line 8: capture.cpus[0]: CPU 4096", "1023" } },
		{ "purpose: x\n" LANE "}\ncapture: {source: udp, replay: x.pcap}\n",
		  { "capture.source: contradicts capture.replay", "take one" } },
		{ "purpose: x\n" LANE "}\ncapture: {source: replay}\n",
		  { "name it in capture.replay", "" } },
		{ "purpose: x\n" LANE "}\ncapture: {source: netmap}\n", { "netmap", "line: 6" } },
		{ "purpose: x\n" LANE "}\ncapture:\n  dpdk:\n    nap_max_us: 100001\n",
		  { "line 8: capture.dpdk.nap_max_us: 100001", "0: never naps" } },
		{ "purpose: x\n" LANE "}\ncapture: {dpdk: {drop_interface: an-interface-name}}\n",
		  { "capture.dpdk.drop_interface", "ip link" } },
		{ "purpose: x\n" LANE "}\ncapture: {dpdk: {port: net_tap0, exception: net_tap0}}\n",
		  { "capture.dpdk.exception", "the port itself" } },
		{ "purpose: x\n" LANE ", detect: {areas: [{x: 600, y: 0, width: 41, height: 9}]}}\n",
		  { "line 5: lanes[0].cameras[0] ('c'): detect: areas[0]: 41 × 9 pixels at 600, 0",
		    "frame of 640 × 480" } },
		{ "purpose: x\n" LANE ", detect: {areas: [{x: 0, y: 4294967295, width: 1, height: 1}]}}\n",
		  { "1 × 1 pixels at 0, 4294967295", "frame of 640 × 480" } },
		{ "purpose: x\n" LANE ", detect: {areas: [{x: 0, y: 0, width: 0, height: 9}]}}\n",
		  { "0 × 9 pixels", "" } },
		{ "purpose: x\n" LANE ", detect: {areas: [{x: 0, y: 0, width: 9}]}}\n", { "height", "" } },
		{ "purpose: x\n" LANE ", detect: {areas: [{x: 0, y: 0, width: 9, height: 9, scale: 2}]}}\n",
		  { "areas[0]: scale 2", "every pixel" } },
		{ "purpose: x\n" LANE ", detect: {whole: false}}\n",
		  { "detect: nothing of a frame of 640 x 480", "look at the whole" } },
		{ "purpose: x\n" LANE ", detect: {eye_distance_min: 5}}\n",
		  { "eye_distance_min 5 is not within 8 to 1024", "no smaller faces" } },
		{ "purpose: x\n" LANE ", detect: {eye_distance_min: .nan}}\n", { "eye_distance_min", "" } },
		{ "purpose: x\nlanes:\n- name: a\n  cameras:\n"
		  "  - {name: c, address: x, width: 9000, height: 9000}\n"
		  "compute: {detect: {eye_distance_min: 8}}\n",
		  { "compute.detect: faces from 8 pixels", "64 looks at a frame are the most" } },
		{ "purpose: x\n" LANE "}\ncompute: {detect_width: 96, detect: {eye_distance_min: 9}}\n",
		  { "tiles of 96 x 640 are too small", "128" } },
		{ "purpose: x\n" LANE "}\ncompute: {precision: f64}\n", { "f64", "" } },
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

TEST(config_says_what_is_looked_at)
{
	static const char text[] =
		"purpose: x\nlanes:\n- name: a\n  cameras:\n"
		"  - {name: c, address: x, width: 4096, height: 3000, fps: 2}\n"
		"  - name: d\n    address: y\n    width: 4096\n    height: 3000\n    fps: 10\n"
		"    detect:\n      whole: false\n      areas:\n"
		"      - {x: 100, y: 200, width: 1280, height: 640}\n"
		"      - {x: 0, y: 0, width: 4096, height: 3000, scale: 0.25}\n"
		"  - {name: e, address: z, width: 640, height: 480, fps: 1, detect: {}}\n"
		"compute: {precision: bf16, detect: {eye_distance_min: 24}}\n";
	const struct sp_config_camera *cameras;
	struct sp_config_plan plan;
	struct sp_config *config;
	struct sp_err err = { "" };

	if (load(text, &config, &err))
		FAIL("%s", err.text);
	CHECK_EQ(config->compute.precision, SP_PRECISION_BF16);
	cameras = config->lanes[0].cameras;
	/* Everybody's. */
	CHECK(!cameras[0].tiles.no_whole);
	CHECK_NEAR(cameras[0].tiles.eyes_min, 24, 0);
	CHECK_EQ(cameras[0].looks, 7);
	/* Its own, and nothing of everybody's. */
	CHECK(cameras[1].tiles.no_whole);
	CHECK_NEAR(cameras[1].tiles.eyes_min, 0, 0);
	CHECK_EQ(cameras[1].tiles.areas_n, 2);
	CHECK_EQ(cameras[1].tiles.areas[0].rect.y, 200);
	CHECK_NEAR(cameras[1].tiles.areas[0].scale, 1, 0);
	CHECK_NEAR(cameras[1].tiles.areas[1].scale, 0.25, 0);
	CHECK_EQ(cameras[1].looks, 3 + 3 * 2);
	/* A section without fields: the whole frame. */
	CHECK_EQ(cameras[2].looks, 1);
	CHECK_EQ(sp_config_plan(config, &plan, &err), 0);
	CHECK_NEAR(plan.detections_per_second, 2 * 7 + 10 * 9 + 1, 1e-9);
	sp_config_free(config);
}

/* The whole of a DPDK site; without DPDK in the build the same file is refused by name. */
TEST(config_reads_a_dpdk_site)
{
	static const char text[] =
		"purpose: x\n" LANE ", mac: \"00:11:22:33:44:5F\", vlan: 7, source_port: 20202,"
		" extra_bytes: 0, extended_ids: true}\n"
		"  - {name: d, address: 127.0.0.3, width: 640, height: 480, vlan: untagged}\n"
		"capture:\n  queues: 2\n  cpus: [2, 3]\n  dpdk:\n"
		"    eal: [--no-huge, \"--vdev=net_af_packet0,iface=eth1\"]\n"
		"    port: net_af_packet0\n    exception: net_tap0\n    drop_interface: eth1\n"
		"    no_split: true\n    no_flow: true\n    nap_max_us: 0\n";
	static const uint8_t mac[] = { 0, 0x11, 0x22, 0x33, 0x44, 0x5F };
	const struct sp_config_dpdk *dpdk;
	struct sp_config *config;
	struct sp_err err = { "" };
	int status = load(text, &config, &err);

	if (!sp_backend_dpdk()) {
		CHECK_EQ(status, -EINVAL);
		CHECK(strstr(err.text, "capture.source: dpdk is not in this build"));
		return;
	}
	if (status)
		FAIL("%s", err.text);
	dpdk = &config->capture.dpdk;
	CHECK_EQ(config->capture.source, SP_SOURCE_DPDK);
	CHECK_EQ(dpdk->eal_count, 2);
	CHECK_STR(dpdk->eal[1], "--vdev=net_af_packet0,iface=eth1");
	CHECK_STR(dpdk->exception, "net_tap0");
	CHECK(dpdk->no_split && dpdk->no_flow);
	CHECK_EQ(*dpdk->nap_max_us, 0);
	CHECK_EQ(config->capture.cpus[1], 3);
	CHECK(!memcmp(config->lanes[0].cameras[0].mac_bytes, mac, sizeof(mac)));
	CHECK_EQ(config->lanes[0].cameras[0].vlan_id, 7);
	CHECK_EQ(config->lanes[0].cameras[0].source_port, 20202);
	/* 307,200 bytes in packets of 1400 - 36 - 12. */
	CHECK_EQ(config->lanes[0].cameras[0].packets_per_frame, 228);
	CHECK_EQ(config->lanes[0].cameras[0].packets_most, 228);
	CHECK_EQ(config->lanes[0].cameras[1].vlan_id, SP_VLAN_UNTAGGED);
	sp_config_free(config);
}

TEST(config_plan_deals_cameras_out_to_queues)
{
	struct sp_config *config;
	struct sp_config_plan plan;
	struct sp_err err = { "" };

	if (load("purpose: x\n" LANE ", fps: 10}\n"
		 "  - {name: d, address: 127.0.0.3, width: 64, height: 48, fps: 10}\n"
		 "  - {name: e, address: 127.0.0.4, width: 640, height: 480, fps: 10,"
		 " packet_size: 9000}\n"
		 "capture: {queues: 2}\n",
		 &config, &err))
		FAIL("%s", err.text);
	CHECK_EQ(sp_config_plan(config, &plan, &err), 0);
	CHECK_EQ(plan.queues_n, 2);
	CHECK_EQ(plan.queues[0].cameras, 2);
	CHECK_EQ(plan.queues[1].cameras, 1);
	CHECK_EQ(plan.buffer_size, 9000);
	CHECK_EQ(plan.queues[0].buffers_needed,
		 sp_config_camera_buffers(&config->lanes[0].cameras[0]) +
			 sp_config_camera_buffers(&config->lanes[0].cameras[2]));
	/*
	 * Which queue a camera joins may be the card's business, so each is as large as the
	 * largest.
	 */
	CHECK_EQ(plan.queues[1].buffers, plan.queues[0].buffers_needed);
	CHECK_EQ(plan.region_bytes, plan.queues[0].region_bytes + plan.queues[1].region_bytes);
	CHECK_NEAR(plan.queues[0].packets_per_second + plan.queues[1].packets_per_second,
		   plan.packets_per_second, 1e-6);
	sp_config_free(config);
}

static int load_80_cameras(const char *capture, struct sp_config **config, struct sp_err *err)
{
	static char text[16384];
	size_t used = (size_t)sprintf(text, "purpose: x\ncapture: {%s}\nlanes:\n", capture);

	for (int lane = 0; lane < 5; lane++) {
		used += (size_t)sprintf(text + used, "- name: l%d\n  cameras:\n", lane);
		for (int camera = 0; camera < 16; camera++)
			used += (size_t)sprintf(text + used,
						"  - {name: c, address: 127.0.%d.%d, width: 64, "
						"height: 48}\n",
						lane, camera + 2);
	}
	CHECK(used < sizeof(text));
	return load(text, config, err);
}

/* 80 cameras are too many for one queue and not for two. */
TEST(config_bounds_cameras_of_a_queue)
{
	struct sp_config *config;
	struct sp_err err = { "" };

	CHECK_EQ(load_80_cameras("queues: 1", &config, &err), -EINVAL);
	if (!strstr(err.text, "line 2: capture.queues: 80 cameras") || !strstr(err.text, "give 2"))
		FAIL("%s", err.text);
	CHECK_EQ(load_80_cameras("queues: 2", &config, &err), 0);
	sp_config_free(config);
	/* A capture file is one queue, whatever is asked for. */
	CHECK_EQ(load_80_cameras("queues: 2, replay: x.pcap", &config, &err), -EINVAL);
	if (!strstr(err.text, "line 2: capture.replay: is one queue"))
		FAIL("%s", err.text);
}

TEST(config_plan_refuses_too_few_buffers)
{
	struct sp_config *config;
	struct sp_config_plan plan;
	struct sp_err err = { "" };

	CHECK_EQ(load("purpose: x\n" LANE ", fps: 10}\ncapture: {buffers: 100}\n", &config, &err), 0);
	CHECK_EQ(sp_config_plan(config, &plan, &err), -ENOSPC);
	/*
	 * 0.1 s retention at 10 fps, a queue of 4 and 3 more, 0.25 s to spare: 11 frames of 307,200
	 * bytes and 4 KiB besides, in packets of 1344 (extended headers, prefixes of parts) and
	 * three more that parts may leave short; a leader and a trailer.
	 */
	CHECK_EQ(plan.buffers_needed, 11 * (232 + 3 + 2) + 64);
	CHECK(strstr(err.text, "give 2671"));
	config->capture.buffers = 2671;
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
	char no_pci_text[] = "--no-pci", *no_pci[] = { no_pci_text };
	struct sp_config *config;
	struct sp_err err = { "" };

	CHECK_EQ(load("purpose: x\n" LANE "}\n", &config, &err), 0);
	CHECK_EQ(sp_privacy_check_cameras(config, false, &err), 0);
	free(config->lanes[0].cameras[0].address);
	config->lanes[0].cameras[0].address = strdup("192.0.2.7");
	CHECK_EQ(sp_privacy_check_cameras(config, false, &err), -EPERM);
	CHECK(strstr(err.text, "192.0.2.7") && strstr(err.text, "--allow-unencrypted"));
	CHECK_EQ(sp_privacy_check_cameras(config, true, &err), 0);
	/* DPDK reaches past a namespace, unless it is told to leave the cards alone. */
	config->capture.source = SP_SOURCE_DPDK;
	CHECK_EQ(sp_privacy_check_cameras(config, true, &err), -EPERM);
	config->capture.dpdk.eal = no_pci;
	config->capture.dpdk.eal_count = 1;
	CHECK_EQ(sp_privacy_check_cameras(config, true, &err), 0);
	config->capture.dpdk.eal = NULL;
	config->capture.dpdk.eal_count = 0;
	config->capture.source = SP_SOURCE_UDP;
	free(config->lanes[0].cameras[0].address);
	config->lanes[0].cameras[0].address = strdup("127.evil.example");
	CHECK_EQ(sp_privacy_check_cameras(config, false, &err), -EPERM);
	sp_config_free(config);
}

TEST_MAIN()
