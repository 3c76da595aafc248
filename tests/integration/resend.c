/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a lossy camera to whole frames: gvcam → udp packet source → assembler → resend thread →
 * gvcam, with libaravis in control. Run by resend.sh in a network namespace; $SP_GVCAM is the
 * simulator.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "capture/packet_source.h"
#include "control/resend.h"
#include "control/supervisor.h"
#include "frame/frame_source.h"
#include "test.h"
#include "wire/pfnc.h"

#define PATIENCE (30 * SP_NS_PER_S)
#define PACKET_SIZE 1500
#define WIDTH 640
#define HEIGHT 480
#define BLOCKS 8192 /* more than any test takes */

/* One camera and everything between it and its frames. */
struct rig {
	pid_t camera;
	int fd;
	struct sp_event frames, resends;
	struct sp_frame_source *source;
	struct sp_resend *resend;
	struct sp_supervisor *supervisor;
	/* What came. */
	unsigned int complete, incomplete, repeated;
	bool seen[BLOCKS];
};

static struct rig rig;

/* Reads argv's worth of words behind the simulator's own: "--loss", "0.02", …, NULL. */
static void start_camera(const char *const *faults)
{
	/* clang-format off */
	const char *argv[32] = {
		getenv("SP_GVCAM"), "--address", "127.0.0.1", "--pattern", "--fps", "50",
		"--width", "640", "--height", "480", NULL,
	};
	/* clang-format on */
	unsigned int n = 10;

	if (!argv[0])
		SKIP("SP_GVCAM does not name the simulator; run tests/integration/resend.sh");
	while (*faults)
		argv[n++] = *faults++;
	argv[n] = NULL;
	rig.camera = fork();
	if (!rig.camera) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		dup2(STDOUT_FILENO, STDERR_FILENO);
		execv(argv[0], (char **)argv);
		_exit(127);
	}
}

static void open_source(unsigned int tries, uint16_t *ret_port)
{
	struct sp_udp_config udp = { .buffers = 32768, .buffer_size = 2048 };
	struct sp_gvsp_source_config config = { .cpu = -1, .frames = &rig.frames,
						.resends = &rig.resends };
	struct sp_stream_config stream = {
		.camera_ip = INADDR_LOOPBACK,
		.packet_payload = PACKET_SIZE - 36,
		.pixel_format = SP_PFNC_MONO8,
		.width = WIDTH,
		.height = HEIGHT,
		.frames = 64, /* more than come in the retention time */
		.packet_timeout_ns = 20 * SP_NS_PER_MS,
		.gap_ns = 2 * SP_NS_PER_MS,
		.retention_ns = 500 * SP_NS_PER_MS,
		.resend_tries = tries,
	};
	struct sp_err err = { "" };

	CHECK_EQ(sp_event_init(&rig.frames), 0);
	CHECK_EQ(sp_event_init(&rig.resends), 0);
	stream.fd = rig.fd = sp_udp_socket(INADDR_LOOPBACK, 0, 4 << 20, ret_port, &err);
	if (rig.fd < 0)
		FAIL("%s", err.text);
	stream.host_port = *ret_port;
	if (sp_udp_open(&udp, &config.packets, &err) ||
	    sp_gvsp_source_open(&config, &rig.source, &err) ||
	    rig.source->ops->add_stream(rig.source, &stream, &err) ||
	    rig.source->ops->start(rig.source, &err))
		FAIL("%s", err.text);
}

/* @budget: of the stream's resends; tries 0: no resend thread at all. */
static void set_up(const char *const *faults, unsigned int tries, struct sp_bucket_config budget)
{
	struct sp_resend_config resend = {
		.wake = &rig.resends,
		.budget = { .rate = 100000, .burst = 10000 },
		.cpu = -1,
	};
	struct sp_supervisor_config supervise = {
		.ops = &sp_camera_aravis, .link = sp_link_default, .seed = 1,
	};
	struct sp_supervised_camera camera = {
		.address = "127.0.0.1",
		.stream = { .packet_size = PACKET_SIZE, .width = WIDTH, .height = HEIGHT,
			    .pixel_format = SP_PFNC_MONO8, .fps = 50 },
	};
	struct sp_resend_stream stream = { .camera_ip = INADDR_LOOPBACK, .budget = budget };
	struct sp_err err = { "" };

	if (rig.camera)
		SKIP("the test before left its camera running");
	memset(&rig, 0, sizeof(rig));
	sp_log_set_level(SP_LOG_ERROR);
	start_camera(faults);
	open_source(tries, &camera.stream.host_port);
	resend.source = rig.source;
	stream.fd = rig.fd;
	if (sp_resend_create(&resend, &stream, 1, &rig.resend, &err) ||
	    (tries && sp_resend_start(rig.resend, &err)) ||
	    sp_supervisor_create(&supervise, &camera, 1, &rig.supervisor, &err) ||
	    sp_supervisor_start(rig.supervisor, &err))
		FAIL("%s", err.text);
}

/* Takes what waits, and notes up to @max frames in all. They come as their blocks close. */
static void take(unsigned int max)
{
	struct sp_frame *frames[8];
	unsigned int n = rig.source->ops->get(rig.source, frames, 8);

	for (unsigned int i = 0; i < n; i++) {
		if (rig.complete + rig.incomplete < max) {
			if (frames[i]->flags & SP_FRAME_INCOMPLETE)
				rig.incomplete++;
			else
				rig.complete++;
			rig.repeated += rig.seen[frames[i]->block_id % BLOCKS];
			rig.seen[frames[i]->block_id % BLOCKS] = true;
		}
		rig.source->ops->put(rig.source, frames[i]);
	}
}

static void await_frames(unsigned int want)
{
	uint64_t until = sp_clock_now() + PATIENCE;

	while (rig.complete + rig.incomplete < want) {
		struct sp_camera_status status = { 0 };

		sp_supervisor_status(rig.supervisor, 0, &status);
		if (sp_clock_now() > until)
			FAIL("%u frames complete, %u not; camera %s: %s", rig.complete,
			     rig.incomplete, sp_camera_state_name(status.state), status.error);
		take(want);
		sp_event_arm(&rig.frames);
		sp_event_wait(&rig.frames, 10 * SP_NS_PER_MS);
		sp_event_disarm(&rig.frames);
	}
}

/* Ends the stream, then everything in order; the ledger must add up. Copies the counters. */
static void tear_down(struct sp_stream_counters *ret_counters,
		      struct sp_resend_counters *ret_resend)
{
	sp_supervisor_destroy(rig.supervisor);
	sp_resend_stop(rig.resend);
	rig.source->ops->stop(rig.source);
	for (int i = 0; i < 64; i++)
		take(0);
	*ret_counters = *rig.source->ops->counters(rig.source, 0);
	*ret_resend = *sp_resend_counters(rig.resend, 0);
	sp_resend_destroy(rig.resend);
	rig.source->ops->close(rig.source);
	close(rig.fd);
	sp_event_uninit(&rig.frames);
	sp_event_uninit(&rig.resends);
	kill(rig.camera, SIGKILL);
	waitpid(rig.camera, NULL, 0);
	rig.camera = 0;
	if (!sp_ledger_adds_up(ret_counters))
		FAIL("the ledger does not add up: expected %" PRIu64 ", delivered %" PRIu64
		     ", missing %" PRIu64, ret_counters->expected, ret_counters->delivered,
		     ret_counters->missing);
}

TEST(resend_makes_every_frame_of_a_lossy_camera_complete)
{
	static const char *const faults[] = { "--loss", "0.02", "--reorder", "16", "--duplicate",
					      "0.01", "--seed", "7", NULL };
	struct sp_stream_counters c;
	struct sp_resend_counters r;

	set_up(faults, 20, (struct sp_bucket_config){ .rate = 100000, .burst = 10000 });
	await_frames(250);
	tear_down(&c, &r);
	printf("# 250 frames: %" PRIu64 " packets asked for in %" PRIu64 " requests, %" PRIu64
	       " came again, %" PRIu64 " duplicates\n",
	       r.packets, r.requests, c.resent, c.duplicate);
	CHECK_EQ(rig.incomplete, 0);
	CHECK_EQ(rig.repeated, 0);
	CHECK_EQ(c.blocks_skipped + c.blocks_discarded + c.blocks_policy, 0);
	CHECK_EQ(c.restarts, 0);
	CHECK(c.resent > 0);
	CHECK_EQ(r.refused_packets, 0);
	CHECK_EQ(r.send_errors, 0);
}

TEST(resend_spends_no_more_than_its_budget)
{
	static const char *const faults[] = { "--loss", "0.02", "--seed", "7", NULL };
	struct sp_stream_counters c;
	struct sp_resend_counters r;

	set_up(faults, 2, (struct sp_bucket_config){ .rate = 0, .burst = 5 });
	await_frames(50);
	tear_down(&c, &r);
	CHECK_EQ(r.packets, 5);
	CHECK(r.refused_packets > 0);
	CHECK(rig.incomplete > 0);
	CHECK(c.missing > 0);
}

TEST(without_resend_the_ledger_adds_up)
{
	static const char *const faults[] = { "--loss", "0.02", "--reorder", "16", "--duplicate",
					      "0.01", "--seed", "11", NULL };
	struct sp_stream_counters c;
	struct sp_resend_counters r;

	set_up(faults, 0, (struct sp_bucket_config){ .rate = 0, .burst = 0 });
	await_frames(100);
	tear_down(&c, &r);
	CHECK_EQ(r.requests, 0);
	CHECK(c.missing > 0);
	CHECK(c.duplicate > 0);
}

TEST_MAIN()
