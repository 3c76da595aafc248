/* SPDX-License-Identifier: Apache-2.0 */
/* gvcam: simulated GigE Vision cameras. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/opt.h"
#include "gvcam/address.h"
#include "gvcam/farm.h"
#include "gvcam/options.h"
#include "gvcam/scenes.h"
#include "wire/pfnc.h"

enum { EXIT_USAGE = 2 };

static const struct sp_opt_usage usage = {
	.command = "gvcam",
	.arguments = "",
	.summary =
		"Simulates GigE Vision cameras: each answers GVCP on port 3956 of its address and "
		"streams GVSP to whoever controls it.",
	.details =
		"  gvcam --address 127.0.0.1 --pattern --loss 0.01 --seed 7\n"
		"  gvcam --address 127.0.0.2 --cameras 4 --images photos/ --hold 60 --gap 30\n"
		"  gvcam --address 127.0.0.2 --cameras 2 --lanesim 7 --width 1224 --height 1024\n"
		"\n"
		"Runs until it is interrupted, or as long as --frames or --duration say, then "
		"prints what was sent.",
};

static int usage_error(const struct sp_err *err)
{
	fprintf(stderr, "gvcam: %s\nTry 'gvcam --help'.\n", err->text);
	return EXIT_USAGE;
}

/* The pictures that the options ask for; none for the test pattern. */
static int make_pictures(const struct gvcam_options *options,
			 const struct gvcam_farm_config *config, struct gvcam_pictures *pictures,
			 struct sp_err *err)
{
	struct gvcam_scenes_config scenes = {
		.seed = options->lanesim,
		.vehicles = options->vehicles,
		.cameras = config->n,
		.looks = options->looks,
		.stay_s = (float)(config->hold / config->fps),
		.between = config->gap > 0,
		.night = options->night,
		.truth = options->truth,
		.width = config->width,
		.height = config->height,
		.pixel_format = config->pixel_format,
	};
	int res;

	if (!gvcam_options_has_lanesim(options))
		return gvcam_pictures_init(pictures, options->images.items, options->images.n, err);
	res = gvcam_scenes_parse_posts(options->posts, config->n, scenes.posts, err);
	return res ? res : gvcam_scenes_init(pictures, &scenes, err);
}

static void print_ready(const struct gvcam_farm_config *config, FILE *out)
{
	for (uint32_t i = 0; i < config->n; i++) {
		char text[INET_ADDRSTRLEN];

		fprintf(out,
			"gvcam: camera %u at %s: %ux%u %s, %.10g frames/s, packets of %u bytes\n",
			i, gvcam_address_text(config->ips[i], text), config->width, config->height,
			sp_pfnc_by_code(config->pixel_format)->name, config->fps,
			config->packet_size);
	}
	fflush(out);
}

static int print_summary(const struct gvcam_farm *farm, bool json)
{
	json_t *object;

	if (!json) {
		gvcam_farm_print(farm, stdout);
		return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	object = gvcam_farm_json(farm);
	if (!object)
		return EXIT_FAILURE;
	json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
	putchar('\n');
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(const struct gvcam_farm_config *config, bool json)
{
	struct gvcam_farm *farm;
	struct sp_err err;
	int stop_fd = open_signals(), status = EXIT_FAILURE;

	if (stop_fd < 0) {
		fprintf(stderr, "gvcam: signalfd: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	if (gvcam_farm_create(config, &farm, &err)) {
		fprintf(stderr, "gvcam: %s\n", err.text);
		goto err_close_signals;
	}
	print_ready(config, json ? stderr : stdout);
	if (gvcam_farm_run(farm, stop_fd, &err)) {
		fprintf(stderr, "gvcam: %s\n", err.text);
		goto err_destroy_farm;
	}
	gvcam_farm_quiet(farm);
	status = print_summary(farm, json);
err_destroy_farm:
	gvcam_farm_destroy(farm);
err_close_signals:
	close(stop_fd);
	return status;
}

int main(int argc, char **argv)
{
	static struct gvcam_options o = {
		.width = 640,
		.height = 480,
		.packet_size = 1500,
		.gap = GVCAM_NOT_GIVEN,
		.vehicles = 12,
		.looks = 10,
		.lanesim = UINT64_MAX,
		.posts = "windshield-left,windshield-right,side-left,side-right",
		.fps = 25,
		.pacing = 0.5,
		.resend_loss = -1,
		.seed = 1,
		.start_block = 1,
		.format = "Mono8",
		.gso = "auto",
	};
	static const struct sp_opt table[] = {
		{ "address", 'a', SP_OPT_LIST, &o.addresses, "IP",
		  "a camera's address; may be repeated (127.0.0.1)", 0, 0 },
		{ "cameras", 'n', SP_OPT_U32, &o.cameras, "N",
		  "so many cameras, counting on from the last address (one an address)", 1,
		  GVCAM_CAMERAS_MAX },
		{ "pattern", 0, SP_OPT_FLAG, &o.pattern, NULL,
		  "stream the test pattern; so it is without --images or --lanesim", 0, 0 },
		{ "images", 'i', SP_OPT_LIST, &o.images, "PATH",
		  "stream a picture, or a folder's (JPEG, PNG, PGM, PPM), letterboxed; may be "
		  "repeated",
		  0, 0 },
		{ "lanesim", 0, SP_OPT_U64, &o.lanesim, "SEED",
		  "stream synthetic people in vehicles, one after another through a lane", 0,
		  GVCAM_LANESIM_SEED_MAX },
		{ "vehicles", 0, SP_OPT_U32, &o.vehicles, "N",
		  "with --lanesim: so many, then they come again (12)", 1, 4096 },
		{ "looks", 0, SP_OPT_U32, &o.looks, "N",
		  "with --lanesim: pictures of each, spread over its stay (10)", 1,
		  GVCAM_SCENES_LOOKS_MAX },
		{ "lane-posts", 0, SP_OPT_STRING, &o.posts, "LIST",
		  "with --lanesim: where the cameras stand, in their order, round and round "
		  "(windshield-left,windshield-right,side-left,side-right)",
		  0, 0 },
		{ "truth", 0, SP_OPT_STRING, &o.truth, "FILE",
		  "with --lanesim: write what its pictures show, a line of JSON each", 0, 0 },
		{ "night", 0, SP_OPT_FLAG, &o.night, NULL, "with --lanesim: in near infrared", 0,
		  0 },
		{ "hold", 0, SP_OPT_U32, &o.hold, "N",
		  "frames that show one picture (30), or one vehicle (5 s)", 1, 1e6 },
		{ "gap", 0, SP_OPT_U32, &o.gap, "N",
		  "empty frames between pictures (0), or vehicles (2 s)", 0, 1e6 },
		{ "width", 0, SP_OPT_U32, &o.width, "PIXELS",
		  "width, and the most a controller can set (640)", GVCAM_SIDE_MIN,
		  GVCAM_SIDE_MAX },
		{ "height", 0, SP_OPT_U32, &o.height, "PIXELS",
		  "height, and the most a controller can set (480)", GVCAM_SIDE_MIN,
		  GVCAM_SIDE_MAX },
		{ "format", 0, SP_OPT_STRING, &o.format, "NAME",
		  "Mono8, 10, 12, 16, 10p or 12p, BayerRG8, 10p or 12p (GR, GB, BG too), RGB8, "
		  "BGR8 or YUV422_8 (Mono8)",
		  0, 0 },
		{ "fps", 0, SP_OPT_DOUBLE, &o.fps, "HZ", "frames a second (25)", GVCAM_RATE_MIN,
		  GVCAM_RATE_MAX },
		{ "packet-size", 0, SP_OPT_U32, &o.packet_size, "BYTES",
		  "IP packet size until a controller sets another (1500)", GVCAM_PACKET_MIN,
		  GVCAM_PACKET_MAX },
		{ "pacing", 0, SP_OPT_DOUBLE, &o.pacing, "PART",
		  "spread a frame's packets over this part of its interval; 0: all at once (0.5)",
		  0, 1 },
		{ "gso", 0, SP_OPT_STRING, &o.gso, "WHEN",
		  "have the kernel segment runs of packets of one size: on, off, or auto, without "
		  "pacing (auto)",
		  0, 0 },
		{ "stamp", 0, SP_OPT_FLAG, &o.stamp, NULL,
		  "write when its last packet leaves into an image's last 8 bytes "
		  "(CLOCK_MONOTONIC, ns)",
		  0, 0 },
		{ "loss", 0, SP_OPT_DOUBLE, &o.loss, "P", "probability that a packet is lost (0)",
		  0, 1 },
		{ "resend-loss", 0, SP_OPT_DOUBLE, &o.resend_loss, "P",
		  "the same for packets that are sent again (as --loss)", 0, 1 },
		{ "duplicate", 0, SP_OPT_DOUBLE, &o.duplicate, "P",
		  "probability that a packet is sent twice (0)", 0, 1 },
		{ "reorder", 0, SP_OPT_U32, &o.reorder, "DEPTH",
		  "packets leave up to so many places late (0)", 0, GVCAM_REORDER_MAX },
		{ "burst-loss", 0, SP_OPT_STRING, &o.burst_loss, "P,LENGTH",
		  "probability that at a packet a burst begins that loses so many (none)", 0, 0 },
		{ "leader-loss", 0, SP_OPT_DOUBLE, &o.leader_loss, "P",
		  "probability that a leader is lost, beside --loss (0)", 0, 1 },
		{ "trailer-loss", 0, SP_OPT_DOUBLE, &o.trailer_loss, "P",
		  "probability that a trailer is lost, beside --loss (0)", 0, 1 },
		{ "spoof", 0, SP_OPT_LIST, &o.spoofs, "KIND[,RATE]",
		  "send what is not the stream's after so many of its packets (0.01): address, "
		  "port, malformed, oversized, replay, ids, payload or all; may be repeated",
		  0, 0 },
		{ "spoof-from", 0, SP_OPT_STRING, &o.spoof_from, "IP",
		  "where --spoof address comes from (127.255.255.254)", 0, 0 },
		{ "seed", 0, SP_OPT_U64, &o.seed, "S", "which packets are hit by these (1)", 0, 0 },
		{ "no-resend", 0, SP_OPT_FLAG, &o.no_resend, NULL,
		  "cameras without the resend capability", 0, 0 },
		{ "extended-ids", 0, SP_OPT_FLAG, &o.extended_ids, NULL,
		  "64-bit block ids from the start; controllers can set it too", 0, 0 },
		{ "chunks", 0, SP_OPT_FLAG, &o.chunks, NULL,
		  "chunk data with each image: block id, exposure time, timestamp; controllers can "
		  "set it too",
		  0, 0 },
		{ "multi-part", 0, SP_OPT_STRING, &o.multi_part, "SECOND",
		  "blocks of parts, with --extended-ids: the image and its confidence map or a "
		  "second image (confidence, image), and chunk data",
		  0, 0 },
		{ "all-in", 0, SP_OPT_FLAG, &o.all_in, NULL,
		  "one packet for each block that fits in one", 0, 0 },
		{ "change-format", 0, SP_OPT_U64, &o.change_format, "N",
		  "other geometry and pixel format every N blocks, by seed (never)", 1, 0x1p53 },
		{ "variable-lines", 0, SP_OPT_FLAG, &o.variable_lines, NULL,
		  "blocks end before their image does, by seed, as their trailers say", 0, 0 },
		{ "start-block", 0, SP_OPT_U64, &o.start_block, "ID", "first block id (1)", 1,
		  9007199254740992.0 },
		{ "frames", 0, SP_OPT_U64, &o.frames, "N",
		  "end after so many frames of every camera (no end)", 0, 0 },
		{ "duration", 0, SP_OPT_DOUBLE, &o.duration, "SECONDS",
		  "end after this time (no end)", 0, 1e9 },
		{ "json", 0, SP_OPT_FLAG, &o.json, NULL,
		  "summary as one JSON object on stdout, the rest on stderr", 0, 0 },
		{ NULL, 0, SP_OPT_FLAG, NULL, NULL, NULL, 0, 0 },
	};
	struct gvcam_farm_config config = { 0 };
	struct gvcam_pictures pictures = { 0 };
	struct sp_err err;
	int operands, status;
	int res = sp_opt_parse(table, argc, argv, &operands, &err);

	if (res == SP_OPT_HELP) {
		sp_opt_help(table, &usage, stdout);
		return EXIT_SUCCESS;
	}
	if (!res && operands)
		res = sp_err_set(&err, -EINVAL, "'%s' is not an option", argv[0]);
	if (!res)
		res = gvcam_options_config(&o, o.resend_loss >= 0, &config, &err);
	if (res)
		return usage_error(&err);
	res = make_pictures(&o, &config, &pictures, &err);
	if (res == -EINVAL && gvcam_options_has_lanesim(&o))
		return usage_error(&err);
	if (res) {
		fprintf(stderr, "gvcam: %s\n", err.text);
		return EXIT_FAILURE;
	}
	config.pictures = &pictures;
	status = run(&config, o.json);
	gvcam_pictures_uninit(&pictures);
	return status;
}
