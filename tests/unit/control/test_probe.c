/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
#include "control/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"
#include "wire/gvcp.h"

/* What a device does with the n-th question: one letter each, the last one from then on. */
struct device {
	const char *script;
	int fd;
	uint32_t ip;
	unsigned int questions;
	pthread_t thread;
};

static int answer(char how, const struct sp_gvcp_command *question, uint8_t *bytes, size_t room)
{
	struct sp_gvcp_discovery discovery = { .ip = 42, .user_name = "north lane" };

	switch (how) {
	case 'a': /* answers */
		return sp_gvcp_build_discovery_ack(bytes, room, question->id, &discovery);
	case 'o': /* answers another question */
		return sp_gvcp_build_discovery_ack(bytes, room, question->id + 1, &discovery);
	case 'r': /* refuses */
		return sp_gvcp_build_ack(bytes, room, GVCP_ACCESS_DENIED, GVCP_DISCOVERY_ACK,
					 question->id);
	case 'g': /* garbage */
		memset(bytes, 0xA5, 20);
		return 20;
	default: /* silence */
		return 0;
	}
}

static void *serve(void *arg)
{
	struct device *device = arg;
	const char *how = device->script;
	struct sp_gvcp_command question;
	uint8_t bytes[GVCP_MESSAGE_MAX];
	struct sockaddr_in from;
	socklen_t size;
	ssize_t n;

	for (;;) {
		int length;

		size = sizeof(from);
		n = recvfrom(device->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);
		if (n <= 0) /* the test has shut the socket down, or told us by an empty datagram */
			return NULL;
		if (sp_gvcp_parse_command(bytes, (size_t)n, &question) ||
		    question.code != GVCP_DISCOVERY)
			continue;
		device->questions++;
		length = answer(*how, &question, bytes, sizeof(bytes));
		if (length > 0)
			sendto(device->fd, bytes, (size_t)length, 0, (struct sockaddr *)&from,
			       size);
		if (how[1])
			how++;
	}
}

static struct sockaddr_in control_port(uint32_t ip)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(GVCP_PORT),
		.sin_addr.s_addr = htonl(ip),
	};
}

/* A loopback address of this process, so that tests may run side by side. */
static uint32_t device_ip(void)
{
	return 127u << 24 | 78u << 16 | ((uint32_t)getpid() & 0xFFFF);
}

/* Probes a device that follows @script; returns what probe does, and what it saw. */
static int probe(const char *script, unsigned int tries, unsigned int *ret_questions,
		 struct sp_gvcp_discovery *ret_discovery)
{
	struct device device = { .script = script, .ip = device_ip() };
	struct sockaddr_in in = control_port(device.ip);
	int ret;

	device.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (device.fd < 0 || bind(device.fd, (struct sockaddr *)&in, sizeof(in)))
		SKIP("no socket on loopback port %d: %s", GVCP_PORT, strerror(errno));
	CHECK_EQ(pthread_create(&device.thread, NULL, serve, &device), 0);
	ret = sp_gvcp_probe(device.ip, tries, ret_discovery);
	sendto(device.fd, "", 0, 0, (struct sockaddr *)&in, sizeof(in));
	pthread_join(device.thread, NULL);
	close(device.fd);
	*ret_questions = device.questions;
	return ret;
}

TEST(probe_hears_answers_and_refusals_and_nothing_else)
{
	static const struct {
		const char *script;
		unsigned int tries;
		int want;
		unsigned int questions; /* at least: a busy machine may answer late */
		const char *name;
	} cases[] = {
		{ "a", 20, 0, 1, "north lane" },
		{ "r", 20, 0, 1, "" },
		{ "sa", 20, 0, 2, "north lane" },
		{ "oga", 20, 0, 3, "north lane" },
		{ "og", 2, -ETIMEDOUT, 2, "untouched" },
		{ "s", 1, -ETIMEDOUT, 1, "untouched" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_gvcp_discovery discovery = { .user_name = "untouched" };
		unsigned int questions = 0;
		int ret = probe(cases[i].script, cases[i].tries, &questions, &discovery);

		if (ret != cases[i].want || questions < cases[i].questions)
			FAIL("\"%s\": %d after %u questions", cases[i].script, ret, questions);
		CHECK_STR(discovery.user_name, cases[i].name);
	}
}

TEST(probe_says_that_a_closed_port_does_not_answer)
{
	struct sp_gvcp_discovery discovery;

	CHECK_EQ(sp_gvcp_probe(device_ip(), 2, &discovery), -ETIMEDOUT);
}

TEST_MAIN()
