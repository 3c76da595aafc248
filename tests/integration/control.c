/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Camera control against libaravis' fake camera, started and killed by the tests. Run by control.sh
 * in a network namespace where 127.0.0.1 and 127.0.0.2 are addresses of lo.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/be.h"
#include "base/clock.h"
#include "control/camera.h"
#include "control/supervisor.h"
#include "test.h"
#include "wire/pfnc.h"

#define PATIENCE (30 * SP_NS_PER_S)

enum { CAMERAS = 2, PACKET_SIZE = 1400, WIDTH = 320, HEIGHT = 240 };

static const char *const addresses[CAMERAS] = { "127.0.0.1", "127.0.0.2" };
static const char *const serials[CAMERAS] = { "SP01", "SP02" };
static const struct sp_camera_ops *const ops = &sp_camera_aravis;
static pid_t pids[CAMERAS];

static void pause_ms(unsigned int ms)
{
	sp_clock_sleep_until(sp_clock_now() + ms * SP_NS_PER_MS);
}

static void kill_camera(unsigned int i)
{
	if (!pids[i])
		return;
	kill(pids[i], SIGKILL);
	waitpid(pids[i], NULL, 0);
	pids[i] = 0;
}

static void start_camera(unsigned int i)
{
	static const char program[] = "arv-fake-gv-camera-0.8";

	kill_camera(i);
	pids[i] = fork();
	if (!pids[i]) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execlp(program, program, "-i", addresses[i], "-s", serials[i], NULL);
		_exit(127);
	}
}

/* Until camera @i answers a discovery. */
static struct sp_camera_info await_camera(unsigned int i)
{
	uint64_t until = sp_clock_now() + PATIENCE;
	struct sp_camera_info list[8];

	while (sp_clock_now() < until) {
		int n = ops->discover(list, 8, NULL);

		for (int k = 0; k < n; k++)
			if (!strcmp(list[k].serial, serials[i]))
				return list[k];
		if (waitpid(pids[i], NULL, WNOHANG) == pids[i]) {
			pids[i] = 0;
			FAIL("the fake camera on %s has ended", addresses[i]);
		}
	}
	FAIL("camera %s is not discovered", addresses[i]);
}

static int stream_socket(uint16_t *ret_port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK_EQ(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&in, &size), 0);
	*ret_port = ntohs(in.sin_port);
	return fd;
}

static struct sp_camera_stream stream_to(uint16_t port)
{
	return (struct sp_camera_stream){
		.host_port = port,
		.packet_size = PACKET_SIZE,
		.width = WIDTH,
		.height = HEIGHT,
		.pixel_format = SP_PFNC_MONO8,
		.fps = 20,
	};
}

/* Takes what waits; returns how many packets. */
static unsigned int drain(int fd)
{
	uint8_t packet[65536];
	unsigned int n = 0;

	while (recv(fd, packet, sizeof(packet), 0) >= 0)
		n++;
	return n;
}

/* The next packet, or -1 after @timeout_ms without one. */
static ssize_t next_packet(int fd, uint8_t *packet, size_t size, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, timeout_ms) <= 0)
		return -1;
	return recv(fd, packet, size, 0);
}

TEST(control_discovers_and_opens_by_id_and_by_address)
{
	struct sp_camera_info info;
	struct sp_camera *camera;
	struct sp_err err = { "" };

	start_camera(0);
	info = await_camera(0);
	CHECK_STR(info.id, "Aravis-Fake-SP01");
	CHECK_STR(info.vendor, "Aravis");
	CHECK_STR(info.model, "Fake");
	CHECK_STR(info.interface, "lo");
	CHECK_EQ(info.ip, INADDR_LOOPBACK);

	if (ops->open(info.id, &camera, &err))
		FAIL("%s", err.text);
	CHECK(ops->alive(camera));
	ops->close(camera);
	if (ops->open(addresses[0], &camera, &err))
		FAIL("%s", err.text);
	ops->close(camera);
	CHECK_EQ(ops->open("Aravis-Fake-NOBODY", &camera, &err), -ENODEV);
	CHECK(strstr(err.text, "camera Aravis-Fake-NOBODY: "));
}

TEST(control_names_a_camera_that_does_not_answer)
{
	struct sp_camera *camera;
	struct sp_err err = { "" };

	CHECK_EQ(ops->open("127.0.0.9", &camera, &err), -ETIMEDOUT);
	CHECK(strstr(err.text, "camera 127.0.0.9: "));
	CHECK(strstr(err.text, "did not answer; check"));
}

TEST(control_is_refused_while_another_has_it)
{
	struct sp_camera *camera, *second;
	struct sp_err err = { "" };

	start_camera(0);
	await_camera(0);
	CHECK_EQ(ops->open(addresses[0], &camera, &err), 0);
	CHECK_EQ(ops->open(addresses[0], &second, &err), -EACCES);
	CHECK(strstr(err.text, "another program"));
	ops->close(camera);
	CHECK_EQ(ops->open(addresses[0], &second, &err), 0);
	ops->close(second);
}

/* @want: the text read back, or NULL where setting must fail with @error and a text with @says. */
static const struct feature_case {
	const char *feature, *text, *want;
	int error;
	const char *says;
} feature_cases[] = {
	{ "Width", "640", "640", 0, NULL },
	{ "Width", "0x200", "512", 0, NULL },
	{ "Width", "5000", NULL, -ERANGE, "takes 1 to 2048" },
	{ "Width", "12 px", NULL, -EINVAL, "not a whole number" },
	{ "SensorWidth", "1", NULL, -EPERM, "only be read" },
	{ "PixelFormat", "BayerRG8", "BayerRG8", 0, NULL },
	{ "PixelFormat", "Mono8", "Mono8", 0, NULL },
	{ "PixelFormat", "Mono9", NULL, -EINVAL, "BayerRG8" },
	{ "AcquisitionFrameRate", "12.5", "12.5", 0, NULL },
	{ "AcquisitionFrameRate", "1e9", NULL, -ERANGE, "takes 0.1 to 1000" },
	{ "AcquisitionFrameRate", "fast", NULL, -EINVAL, "not a number" },
	{ "TestBoolean", "yes", "true", 0, NULL },
	{ "TestBoolean", "0", "false", 0, NULL },
	{ "TestBoolean", "maybe", NULL, -EINVAL, "true or false" },
	{ "NoSuchThing", "1", NULL, -ENOENT, "no feature \"NoSuchThing\"" },
	{ "ImageFormatControl", "1", NULL, -EINVAL, "no value" },
};

TEST(control_sets_features_by_their_type)
{
	struct sp_camera *camera;
	char text[128];

	start_camera(0);
	await_camera(0);
	CHECK_EQ(ops->open(addresses[0], &camera, NULL), 0);
	for (size_t i = 0; i < sizeof(feature_cases) / sizeof(feature_cases[0]); i++) {
		const struct feature_case *c = &feature_cases[i];
		struct sp_err err = { "" };

		if (ops->set(camera, c->feature, c->text, &err) != c->error)
			FAIL("%s=%s: %s", c->feature, c->text, err.text);
		if (c->says && !strstr(err.text, c->says))
			FAIL("%s=%s says \"%s\"", c->feature, c->text, err.text);
		if (c->want && ops->get(camera, c->feature, text, sizeof(text), &err))
			FAIL("%s", err.text);
		if (c->want)
			CHECK_STR(text, c->want);
	}
	CHECK_EQ(ops->set(camera, "TriggerSoftware", "execute", NULL), 0);
	CHECK_EQ(ops->get(camera, "TriggerSoftware", text, sizeof(text), NULL), -EINVAL);
	CHECK_EQ(ops->get(camera, "DeviceVendorName", text, sizeof(text), NULL), 0);
	CHECK_STR(text, "Aravis");
	CHECK_EQ(ops->get(camera, "NoSuchThing", text, sizeof(text), NULL), -ENOENT);
	ops->close(camera);
}

TEST(control_starts_a_stream_as_asked_and_stops_it)
{
	/* 20 bytes IP, 8 UDP, 8 GVSP header. */
	static const unsigned int data = PACKET_SIZE - 36;
	unsigned int leaders = 0, full = 0, want = (WIDTH * HEIGHT) / data;
	struct sp_camera_stream stream;
	struct sp_err err = { "" };
	struct sp_camera *camera;
	uint8_t packet[65536];
	uint16_t port;
	int fd = stream_socket(&port);

	start_camera(0);
	await_camera(0);
	CHECK_EQ(ops->open(addresses[0], &camera, &err), 0);
	stream = stream_to(port);
	stream.width = 4096;
	CHECK_EQ(ops->start(camera, &stream, &err), -ERANGE);
	stream = stream_to(port);
	stream.packet_size = 100000;
	CHECK_EQ(ops->start(camera, &stream, &err), -EINVAL);
	stream = stream_to(port);
	if (ops->start(camera, &stream, &err))
		FAIL("%s", err.text);

	/* Twenty blocks, each with its leader and all its data packets of full size. */
	while (leaders <= 20) {
		ssize_t n = next_packet(fd, packet, sizeof(packet), 10000);

		if (n < 8)
			FAIL("no packet after %u blocks", leaders);
		if (packet[4] == 1) {
			CHECK_EQ(n, 44);
			CHECK_EQ(sp_be32_get(packet + 20), SP_PFNC_MONO8);
			CHECK_EQ(sp_be32_get(packet + 24), WIDTH);
			CHECK_EQ(sp_be32_get(packet + 28), HEIGHT);
			leaders++;
		}
		full += n == data + 8;
	}
	CHECK(full >= 20 * want * 9 / 10);
	CHECK_EQ(ops->stop(camera, &err), 0);
	for (uint64_t until = sp_clock_now() + PATIENCE;
	     next_packet(fd, packet, sizeof(packet), 1000) >= 0;)
		CHECK(sp_clock_now() < until);
	/* And once more: a stopped camera starts again. */
	CHECK_EQ(ops->start(camera, &stream, &err), 0);
	CHECK(next_packet(fd, packet, sizeof(packet), 10000) > 0);
	ops->stop(camera, NULL);
	ops->close(camera);
	close(fd);
}

/* ---- the supervisor -------------------------------------------------------------------------- */

static struct sp_supervisor *supervisor;
static int fds[CAMERAS];
static uint64_t packets[CAMERAS], last_ns, longest_silence_ns;

static struct sp_camera_status status(unsigned int i)
{
	struct sp_camera_status s = { 0 };

	sp_supervisor_status(supervisor, i, &s);
	return s;
}

/* Receives for a moment, and notes how long camera 1 was silent at the worst. */
static void receive(void)
{
	unsigned int n = drain(fds[1]);
	uint64_t now = sp_clock_now();

	packets[0] += drain(fds[0]);
	packets[1] += n;
	if (last_ns && now - last_ns > longest_silence_ns)
		longest_silence_ns = now - last_ns;
	if (n)
		last_ns = now;
	pause_ms(5);
}

/* Receives until the camera is in @state with @connects or more; the seconds that took, or FAIL. */
static double await(unsigned int i, enum sp_camera_state state, uint64_t connects)
{
	uint64_t begun = sp_clock_now();

	while (status(i).state != state || status(i).connects < connects) {
		if (sp_clock_now() - begun > PATIENCE)
			FAIL("camera %s is %s, not %s: %s", addresses[i],
			     sp_camera_state_name(status(i).state), sp_camera_state_name(state),
			     status(i).error);
		receive();
	}
	return (double)(sp_clock_now() - begun) / 1e9;
}

static void await_packets(unsigned int i, uint64_t n)
{
	uint64_t until = sp_clock_now() + PATIENCE, want = packets[i] + n;

	while (packets[i] < want) {
		if (sp_clock_now() > until)
			FAIL("camera %s: packets stay away", addresses[i]);
		receive();
	}
}

TEST(supervisor_brings_a_camera_back_and_leaves_the_other_alone)
{
	struct sp_supervised_camera list[CAMERAS];
	struct sp_supervisor_config config = { .ops = ops, .link = sp_link_default, .seed = 1 };
	struct sp_err err = { "" };
	double lost, back, ended;
	uint64_t begun;

	sp_log_set_level(SP_LOG_ERROR);
	for (unsigned int i = 0; i < CAMERAS; i++) {
		uint16_t port;

		start_camera(i);
		fds[i] = stream_socket(&port);
		snprintf(list[i].address, sizeof(list[i].address), "%s", addresses[i]);
		list[i].stream = stream_to(port);
	}
	for (unsigned int i = 0; i < CAMERAS; i++)
		await_camera(i);
	CHECK_EQ(sp_supervisor_create(&config, list, CAMERAS, &supervisor, &err), 0);
	CHECK_EQ(sp_supervisor_start(supervisor, &err), 0);
	await(0, SP_CAMERA_STREAMING, 1);
	await(1, SP_CAMERA_STREAMING, 1);
	await_packets(0, 100);
	await_packets(1, 100);

	kill_camera(0);
	lost = await(0, SP_CAMERA_BACKING_OFF, 1);
	CHECK_EQ(status(0).losses, 1);
	/* One refused try at least while it is away: its silence must not reach camera 1. */
	while (!status(0).errors)
		receive();
	CHECK(strstr(status(0).error, "did not answer"));
	start_camera(0);
	back = await(0, SP_CAMERA_STREAMING, 2);
	await_packets(0, 100);
	CHECK_EQ(status(1).connects, 1);
	CHECK_EQ(status(1).losses, 0);
	CHECK_EQ(status(1).errors, 0);
	CHECK(longest_silence_ns < 3 * SP_NS_PER_S);

	/*
	 * A camera that has just fallen silent, not yet noticed, holds the end up for a while only.
	 */
	kill_camera(1);
	begun = sp_clock_now();
	sp_supervisor_stop(supervisor);
	ended = (double)(sp_clock_now() - begun) / 1e9;
	CHECK(ended < 20);
	printf("# lost noticed after %.1f s, back %.1f s after its restart; the other camera was "
	       "silent %.2f s at most; stopped a silent one in %.1f s\n", lost, back,
	       (double)longest_silence_ns / 1e9, ended);
	for (unsigned int i = 0; i < CAMERAS; i++) {
		CHECK_EQ(status(i).state, SP_CAMERA_STOPPED);
		close(fds[i]);
		kill_camera(i);
	}
	sp_supervisor_destroy(supervisor);
}

TEST_MAIN()
