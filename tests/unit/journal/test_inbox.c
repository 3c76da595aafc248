/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
#include "journal/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "test.h"

static uint8_t byte_of(uint32_t record, uint32_t i)
{
	return (uint8_t)(record * 31 + i * 7);
}

static uint32_t size_of(uint32_t record)
{
	return record * 7919 % 3000;
}

static bool send_record(struct sp_inbox *inbox, uint32_t number)
{
	struct sp_inbox_record record = { .type = 1, .size = size_of(number), .utc_ns = number };
	uint8_t *room = sp_inbox_reserve(inbox, record.size);

	if (!room)
		return false;
	for (uint32_t i = 0; i < record.size; i++)
		room[i] = byte_of(number, i);
	memcpy(record.id, &number, sizeof(number));
	sp_inbox_commit(inbox, &record);
	return true;
}

/* Returns false if there is none. */
static bool take_record(struct sp_inbox *inbox, uint32_t number)
{
	struct sp_inbox_record record;
	const uint8_t *bytes = sp_inbox_peek(inbox, &record);

	if (!bytes)
		return false;
	CHECK_EQ(record.utc_ns, number);
	CHECK_EQ(record.size, size_of(number));
	CHECK(!memcmp(record.id, &number, sizeof(number)));
	for (uint32_t i = 0; i < record.size; i++)
		if (bytes[i] != byte_of(number, i))
			FAIL("record %u differs at byte %u", number, i);
	sp_inbox_release(inbox);
	return true;
}

TEST(inbox_refuses_impossible_sizes)
{
	struct sp_inbox *inbox;

	CHECK_EQ(sp_inbox_create(0, &inbox, NULL), -EINVAL);
	CHECK_EQ(sp_inbox_create(SIZE_MAX, &inbox, NULL), -EINVAL);
}

TEST(inbox_fills_empties_and_wraps)
{
	struct sp_inbox *inbox;
	uint32_t in = 0, out = 0;

	CHECK_EQ(sp_inbox_create(16384, &inbox, NULL), 0);
	CHECK(!sp_inbox_reserve(inbox, 16384));
	for (int round = 0; round < 200; round++) {
		while (send_record(inbox, in))
			in++;
		CHECK(in > out);
		while (take_record(inbox, out))
			out++;
		CHECK_EQ(in, out);
	}
	sp_inbox_destroy(inbox);
}

enum { RECORDS = 20000 };

static void *produce(void *arg)
{
	for (uint32_t i = 0; i < RECORDS;) {
		if (send_record(arg, i))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

TEST(inbox_hands_over_between_threads)
{
	struct sp_inbox *inbox;
	pthread_t thread;

	CHECK_EQ(sp_inbox_create(65536, &inbox, NULL), 0);
	CHECK_EQ(pthread_create(&thread, NULL, produce, inbox), 0);
	for (uint32_t i = 0; i < RECORDS;) {
		if (take_record(inbox, i))
			i++;
		else
			sched_yield();
	}
	pthread_join(thread, NULL);
	sp_inbox_destroy(inbox);
}

TEST_MAIN()
