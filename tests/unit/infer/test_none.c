/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* The backend that looks at nothing: each frame comes back once, unseen. */
#include "infer/compute.h"

#include <unistd.h>

#include "base/diag.h"
#include "base/event.h"
#include "frame/frame.h"
#include "test.h"

enum { IN_FLIGHT = 3 };

static struct sp_compute *open_none(struct sp_event *done)
{
	const struct sp_compute_config config = { .in_flight = IN_FLIGHT, .done = done };
	struct sp_compute *compute;
	struct sp_err err = { "" };

	if (sp_compute_none.open(&config, &compute, &err))
		FAIL("%s", err.text);
	return compute;
}

TEST(none_gives_each_frame_back_unseen)
{
	struct sp_frame frames[IN_FLIGHT + 1] = { 0 }, *in[IN_FLIGHT + 1];
	struct sp_result *results[IN_FLIGHT + 1];
	struct sp_event done;
	struct sp_compute *compute;

	CHECK_EQ(sp_event_init(&done), 0);
	compute = open_none(&done);
	CHECK_STR(compute->info.backend, "none");
	CHECK_EQ(compute->info.embedding_size, 0);
	for (unsigned int i = 0; i <= IN_FLIGHT; i++) {
		frames[i].block_id = 10 + i;
		frames[i].camera = (uint16_t)i;
		frames[i].exposure_ns = 100 * i;
		in[i] = &frames[i];
	}
	sp_event_arm(&done);
	/* Room for IN_FLIGHT: the last is refused and stays the caller's. */
	CHECK_EQ(sp_compute_none.submit(compute, in, IN_FLIGHT + 1), IN_FLIGHT);
	CHECK(read(done.fd, &(uint64_t){ 0 }, 8) == 8);
	sp_event_disarm(&done);
	CHECK_EQ(sp_compute_none.poll(compute, results, 1), 1);
	CHECK_EQ(sp_compute_none.poll(compute, results + 1, IN_FLIGHT), IN_FLIGHT - 1);
	CHECK_EQ(sp_compute_none.poll(compute, results, 1), 0);
	for (unsigned int i = 0; i < IN_FLIGHT; i++) {
		CHECK(results[i]->frame == &frames[i]);
		CHECK_EQ(results[i]->block_id, 10 + i);
		CHECK_EQ(results[i]->camera, i);
		CHECK_EQ(results[i]->exposure_ns, 100 * i);
		CHECK_EQ(results[i]->cause, SP_RESULT_UNSEEN);
		CHECK_EQ(results[i]->faces_n, 0);
	}
	/* Polled and not put: still in flight. */
	CHECK_EQ(sp_compute_none.submit(compute, in + IN_FLIGHT, 1), 0);
	for (unsigned int i = 0; i < IN_FLIGHT; i++) {
		results[i]->frame = NULL;
		sp_compute_none.put(compute, results[i]);
	}
	CHECK_EQ(sp_compute_none.submit(compute, in + IN_FLIGHT, 1), 1);
	sp_compute_none.close(compute);
	sp_event_uninit(&done);
}

TEST(none_searches_as_any_backend)
{
	static const float rows[] = { 1, 0, 0, 1, 0.6f, 0.8f }, query[] = { 0, 1 };
	struct sp_compute *compute = open_none(NULL);
	struct sp_gallery *gallery;
	struct sp_hit hits[2];

	CHECK_EQ(sp_compute_none.gallery_open(compute, rows, 3, 2, &gallery, NULL), 0);
	CHECK_EQ(sp_compute_none.search(compute, gallery, query, 1, 2, hits), 2);
	CHECK_EQ(hits[0].index, 1);
	CHECK_EQ(hits[1].index, 2);
	sp_compute_none.gallery_close(compute, gallery);
	sp_compute_none.close(compute);
}

TEST_MAIN()
