/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of packets of one and of many sizes arrive as they were, with and without GSO. */
#include "gvcam/salvo.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "test.h"

enum { SEED = 4, LARGEST = 2000, ROUNDS = 50 };

static struct gvcam_packet packets[GVCAM_SALVO_MAX];
static uint8_t data[LARGEST + GVCAM_SALVO_MAX];
static int sender, receiver;
static struct sockaddr_in target;

static void setup(void)
{
	socklen_t length = sizeof(target);

	target = (struct sockaddr_in){ .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	sender = socket(AF_INET, SOCK_DGRAM, 0);
	receiver = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(sender >= 0 && receiver >= 0);
	/* Room for a whole salvo. */
	CHECK_EQ(setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &(int){ 1 << 20 }, sizeof(int)), 0);
	CHECK_EQ(bind(receiver, (struct sockaddr *)&target, sizeof(target)), 0);
	CHECK_EQ(getsockname(receiver, (struct sockaddr *)&target, &length), 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8));
}

static void teardown(void)
{
	close(sender);
	close(receiver);
}

/* Packet i: its number and a head of the length given, then data from the place i on. */
static void make_packet(uint32_t i, uint32_t head_bytes, uint32_t data_bytes)
{
	struct gvcam_packet *packet = &packets[i];

	memset(packet->head, 0xA0, sizeof(packet->head));
	memcpy(packet->head, &i, sizeof(i));
	packet->head_bytes = head_bytes;
	packet->data = data_bytes ? data + i : NULL;
	packet->data_bytes = data_bytes;
}

static void check_arrived(uint32_t n)
{
	uint8_t got[LARGEST + GVCAM_HEAD_BYTES];

	for (uint32_t i = 0; i < n; i++) {
		const struct gvcam_packet *packet = &packets[i];
		struct pollfd pfd = { .fd = receiver, .events = POLLIN };

		CHECK_EQ(poll(&pfd, 1, 10000), 1);
		CHECK_EQ(recv(receiver, got, sizeof(got), 0),
			 (ssize_t)(packet->head_bytes + packet->data_bytes));
		CHECK(!memcmp(got, packet->head, packet->head_bytes));
		if (packet->data_bytes)
			CHECK(!memcmp(got + packet->head_bytes, packet->data, packet->data_bytes));
	}
	CHECK(recv(receiver, got, sizeof(got), MSG_DONTWAIT) < 0);
}

TEST(salvo_run_is_of_one_size_but_for_a_shorter_last)
{
	static const struct {
		uint32_t sizes[4]; /* ends at the first 0 */
		uint32_t run;
	} table[] = {
		{ { 0 }, 0 },
		{ { 100, 0 }, 1 },
		{ { 100, 100, 0 }, 2 },
		{ { 100, 100, 60, 60 }, 3 },
		{ { 100, 60, 100, 0 }, 2 },
		{ { 60, 100, 100, 0 }, 1 },
	};

	for (size_t row = 0; row < sizeof(table) / sizeof(table[0]); row++) {
		uint32_t n = 0;

		for (; n < 4 && table[row].sizes[n]; n++)
			make_packet(n, 8, table[row].sizes[n] - 8);
		CHECK_EQ(gvcam_salvo_run(packets, n), table[row].run);
	}
}

TEST(salvo_run_ends_at_what_a_datagram_can_hold)
{
	for (uint32_t i = 0; i < GVCAM_SALVO_MAX; i++)
		make_packet(i, 8, 200);
	CHECK_EQ(gvcam_salvo_run(packets, GVCAM_SALVO_MAX), GVCAM_RUN_MAX);
	for (uint32_t i = 0; i < GVCAM_SALVO_MAX; i++)
		packets[i].data_bytes = 8972 - 8;
	CHECK_EQ(gvcam_salvo_run(packets, GVCAM_SALVO_MAX), GVCAM_RUN_BYTES / 8972);
	packets[0].data_bytes = GVCAM_RUN_BYTES;
	CHECK_EQ(gvcam_salvo_run(packets, 1), 1);
}

TEST(salvo_arrives_as_it_was)
{
	uint64_t state = SEED;

	printf("# seed %d\n", SEED);
	setup();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint32_t n = 1 + (uint32_t)(sp_random_next(&state) % GVCAM_SALVO_MAX);
		uint32_t size = (uint32_t)(sp_random_next(&state) % 1000), left = 0;
		bool gso = round % 2;

		/* Stretches of one size, so that there are runs and ends of runs. */
		for (uint32_t i = 0; i < n; i++) {
			if (!left--) {
				left = (uint32_t)(sp_random_next(&state) % 40);
				size = (uint32_t)(sp_random_next(&state) % 1000);
			}
			make_packet(i, 8, size);
		}
		CHECK_EQ(gvcam_salvo_send(sender, &target, packets, n, &gso), 0);
		CHECK_EQ(gso, round % 2);
		check_arrived(n);
	}
	teardown();
}

/* The kernel does not segment for a socket without checksums. */
TEST(salvo_leaves_one_by_one_where_the_kernel_will_not_segment)
{
	bool gso = true;

	setup();
	CHECK_EQ(setsockopt(sender, SOL_SOCKET, SO_NO_CHECK, &(int){ 1 }, sizeof(int)), 0);
	make_packet(0, 44, 0);
	for (uint32_t i = 1; i < 60; i++)
		make_packet(i, 8, 500);
	CHECK_EQ(gvcam_salvo_send(sender, &target, packets, 60, &gso), 0);
	CHECK(!gso);
	check_arrived(60);
	teardown();
}

TEST(salvo_counts_what_the_system_does_not_send)
{
	bool gso = true;

	setup();
	for (uint32_t i = 0; i < 10; i++)
		make_packet(i, 8, 500);
	/* No address at all: not even a large enough one for the protocol. */
	target.sin_family = AF_UNIX;
	CHECK_EQ(gvcam_salvo_send(sender, &target, packets, 10, &gso), 10);
	teardown();
}

TEST(gso_is_auto_on_or_off)
{
	enum gvcam_gso gso = GVCAM_GSO_AUTO;

	CHECK_EQ(gvcam_gso_parse("off", &gso), 0);
	CHECK_EQ(gso, GVCAM_GSO_OFF);
	CHECK_EQ(gvcam_gso_parse("on", &gso), 0);
	CHECK_EQ(gso, GVCAM_GSO_ON);
	CHECK_EQ(gvcam_gso_parse("yes", &gso), -EINVAL);
	CHECK_EQ(gso, GVCAM_GSO_ON);
}

TEST_MAIN()
