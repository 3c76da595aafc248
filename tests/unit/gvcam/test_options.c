/* SPDX-License-Identifier: Apache-2.0 */
/* What a command line asks for, and which ones are refused: by a line that names the option. */
#include "gvcam/options.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/diag.h"
#include "test.h"

static struct gvcam_options options;
static struct gvcam_farm_config config;
static struct sp_err err;

static void begin(void)
{
	options = (struct gvcam_options){
		.width = 640,
		.height = 480,
		.packet_size = 1500,
		.fps = 25,
		.gap = GVCAM_NOT_GIVEN,
		.lanesim = UINT64_MAX,
		.start_block = 1,
		.format = "Mono8",
		.gso = "auto",
	};
	config = (struct gvcam_farm_config){ 0 };
	err.text[0] = '\0';
}

static void add(struct sp_opt_list *list, const char *item)
{
	list->items[list->n++] = item;
}

static void expect_refusal(const char *naming)
{
	CHECK_EQ(gvcam_options_config(&options, false, &config, &err), -EINVAL);
	if (!strstr(err.text, naming))
		FAIL("'%s' does not say '%s'", err.text, naming);
}

TEST(options_count_addresses_on)
{
	begin();
	add(&options.addresses, "127.0.0.9");
	add(&options.addresses, "127.0.0.255");
	options.cameras = 4;
	CHECK_EQ(gvcam_options_config(&options, false, &config, &err), 0);
	CHECK_EQ(config.n, 4);
	CHECK_EQ(config.ips[0], 0x7F000009);
	CHECK_EQ(config.ips[1], 0x7F0000FF);
	CHECK_EQ(config.ips[3], 0x7F000101);
	options.cameras = 1;
	expect_refusal("--cameras 1, but 2 addresses");
}

TEST(options_refuse_addresses_that_nobody_sends_from)
{
	static const char *const wrong[] = { "", "camera", "127.0.0.256", "0.0.0.0", "224.0.0.7",
					     "255.255.255.255" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		begin();
		add(&options.addresses, wrong[i]);
		expect_refusal("--address");
		begin();
		add(&options.spoofs, "address");
		options.spoof_from = wrong[i];
		expect_refusal("--spoof-from");
	}
	begin();
	add(&options.addresses, "127.0.0.3");
	add(&options.addresses, "127.0.0.2");
	options.cameras = 3;
	expect_refusal("cameras 0 and 2");
}

TEST(options_spoof_from_another_address)
{
	begin();
	add(&options.spoofs, "all");
	CHECK_EQ(gvcam_options_config(&options, false, &config, &err), 0);
	CHECK_EQ(config.spoof_ip, 0x7FFFFFFE);
	/* The camera's own address is no other one, given or not. */
	options.spoof_from = "127.0.0.1";
	expect_refusal("camera 0 has the address");
	options.spoof_from = NULL;
	add(&options.addresses, "127.255.255.254");
	expect_refusal("camera 0 has the address");
	begin();
	add(&options.spoofs, "address");
	add(&options.addresses, "192.0.2.1");
	expect_refusal("needs --spoof-from");
	begin();
	add(&options.spoofs, "port");
	options.spoof_from = "127.0.0.66";
	expect_refusal("--spoof-from needs --spoof address");
}

TEST(options_refuse_contradictions)
{
	begin();
	options.multi_part = "confidence";
	expect_refusal("--extended-ids");
	options.extended_ids = options.all_in = true;
	expect_refusal("--all-in");
	options.all_in = false;
	options.variable_lines = true;
	expect_refusal("--variable-lines");
	options.variable_lines = false;
	options.stamp = true;
	expect_refusal("--stamp");
	options.stamp = false;
	CHECK_EQ(gvcam_options_config(&options, false, &config, &err), 0);
	options.multi_part = "depth";
	expect_refusal("'depth' is none of");
	begin();
	options.change_format = 3;
	options.lanesim = 7;
	expect_refusal("--change-format needs the test pattern");
	options.pattern = true;
	expect_refusal("one of --pattern");
	begin();
	options.truth = "file";
	expect_refusal("--truth needs --lanesim");
	begin();
	options.start_block = 65536;
	expect_refusal("--start-block");
	begin();
	options.gso = "yes";
	expect_refusal("--gso");
	begin();
	options.format = "Mono9";
	expect_refusal("BayerRG12p");
	begin();
	options.burst_loss = "0.5,3";
	expect_refusal("--burst-loss");
}

TEST_MAIN()
