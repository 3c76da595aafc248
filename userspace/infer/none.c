/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/pool.h"
#include "infer/compute.h"
#include "infer/search.h"

struct none {
	struct sp_compute base;
	struct sp_event *done_event;
	struct sp_pool results;
	struct sp_result **done; /* [in_flight]; finished and not polled */
	unsigned int done_n;
};

static void none_close(struct sp_compute *compute)
{
	struct none *none = (struct none *)compute;

	sp_pool_uninit(&none->results);
	free(none->done);
	free(none);
}

static int none_open(const struct sp_compute_config *config, struct sp_compute **ret_compute,
		     struct sp_err *err)
{
	struct none *none = calloc(1, sizeof(*none));

	if (!none)
		return sp_err_set(err, -ENOMEM, "compute backend 'none': out of memory");
	none->base.ops = &sp_compute_none;
	none->base.info.backend = "none";
	none->done_event = config->done;
	none->done = calloc(config->in_flight, sizeof(struct sp_result *));
	if (!none->done ||
	    sp_pool_init(&none->results, sizeof(struct sp_result), config->in_flight)) {
		none_close(&none->base);
		return sp_err_set(err, -ENOMEM, "compute backend 'none': out of memory");
	}
	*ret_compute = &none->base;
	return 0;
}

static int none_register_region(struct sp_compute *compute, struct sp_region *region,
				struct sp_err *err)
{
	(void)compute;
	(void)region;
	(void)err;
	return 0;
}

static unsigned int none_submit(struct sp_compute *compute, struct sp_frame *const *frames,
				unsigned int n)
{
	struct none *none = (struct none *)compute;
	unsigned int i;

	for (i = 0; i < n && none->results.free; i++) {
		struct sp_result *result = sp_pool_get(&none->results);

		sp_result_begin(result, frames[i]);
		result->cause = SP_RESULT_UNSEEN;
		result->submitted_ns = result->done_ns = sp_clock_now();
		none->done[none->done_n++] = result;
	}
	if (i && none->done_event)
		sp_event_signal(none->done_event);
	return i;
}

static unsigned int none_poll(struct sp_compute *compute, struct sp_result **results,
			      unsigned int max)
{
	struct none *none = (struct none *)compute;
	unsigned int n = none->done_n < max ? none->done_n : max;

	memcpy(results, none->done, n * sizeof(*results));
	none->done_n -= n;
	memmove(none->done, none->done + n, none->done_n * sizeof(*none->done));
	return n;
}

static void none_put(struct sp_compute *compute, struct sp_result *result)
{
	sp_pool_put(&((struct none *)compute)->results, result);
}

static int none_gallery_open(struct sp_compute *compute, const float *rows, uint32_t rows_n,
			     uint32_t size, struct sp_gallery **ret_gallery, struct sp_err *err)
{
	(void)compute;
	return sp_search_gallery_create(rows, rows_n, size, ret_gallery, err);
}

static void none_gallery_close(struct sp_compute *compute, struct sp_gallery *gallery)
{
	(void)compute;
	sp_search_gallery_destroy(gallery);
}

static int none_search(struct sp_compute *compute, const struct sp_gallery *gallery,
		       const float *queries, uint32_t queries_n, uint32_t k, struct sp_hit *hits)
{
	(void)compute;
	return sp_search_gallery(gallery, queries, queries_n, k, hits);
}

const struct sp_compute_ops sp_compute_none = {
	.name = "none",
	.open = none_open,
	.close = none_close,
	.register_region = none_register_region,
	.submit = none_submit,
	.poll = none_poll,
	.put = none_put,
	.gallery_open = none_gallery_open,
	.gallery_close = none_gallery_close,
	.search = none_search,
};
