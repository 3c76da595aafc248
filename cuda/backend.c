/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/conductor.h"
#include "cuda/device.h"
#include "cuda/host.h"
#include "cuda/similarity.h"
#include "cuda/tuner.h"

enum {
	/* A result has one or two faces as a rule; there must be enough for one full frame. */
	PORTRAITS_A_RESULT = 2,
	PLACES_TILED = 16, /* looks at once, at least, where there is more than one at a frame */
};

static struct sp_backend *backend(struct sp_compute *compute)
{
	return (struct sp_backend *)compute;
}

/* ---- open ------------------------------------------------------------------------------------ */

static void unmake_slots(struct sp_backend *b)
{
	for (unsigned int i = 0; i < SP_SLOTS_MAX; i++)
		sp_slot_uninit(&b->slots[i]);
	b->slots_n = 0;
	sp_device_detector_uninit(&b->detector);
}

/*
 * With batches of setup.batch frames. A fixed size is made ready now, so that its trouble is told
 * now.
 */
static int make_slots(struct sp_backend *b, struct sp_err *err)
{
	const struct sp_setup *setup = &b->setup;
	uint32_t places = 1u << sp_bucket_of(setup->batch);
	struct sp_device_size *size;
	int rc = 0;

	if (places < PLACES_TILED && sp_setup_tiled(setup))
		places = PLACES_TILED;
	sp_device_detector_init(&b->detector, setup, places);
	for (b->slots_n = 0; !rc && b->slots_n < setup->slots; b->slots_n++)
		rc = sp_slot_init(&b->slots[b->slots_n], b->slots_n, setup, &b->detector,
				  &b->networks, err);
	if (rc || !setup->detect_width)
		return rc;
	rc = sp_device_detector_get(&b->detector, setup->detect_width, setup->detect_height, &size,
				    err);
	if (!rc)
		sp_device_detector_put(size);
	return rc;
}

/* Smaller ones where there is too little memory. */
static int make_batches(struct sp_backend *b, struct sp_err *err)
{
	struct sp_setup *setup = &b->setup;
	unsigned int wanted = setup->batch;
	int rc = make_slots(b, err);

	while (rc == -ENOMEM && setup->batch > 1) {
		unmake_slots(b);
		setup->batch /= 2;
		rc = make_slots(b, err);
	}
	if (rc)
		return sp_err_prefix(err, rc, "inference: %u batches of %u frames of %llu KiB",
				     setup->slots, setup->batch,
				     (unsigned long long)setup->frame_bytes >> 10);
	if (setup->batch < wanted)
		sp_host_log(SP_LOG_WARNING,
			    "inference: the device has too little memory for batches of %u "
			    "frames; they are of %u",
			    wanted, setup->batch);
	return 0;
}

static int make_portraits(struct sp_backend *b, struct sp_err *err)
{
	unsigned int n = b->setup.in_flight * PORTRAITS_A_RESULT;
	struct sp_portrait *portraits;
	int rc;

	n = n < SP_FACES_MAX ? SP_FACES_MAX : n;
	rc = sp_device_arena_init(&b->portraits_memory, n * sizeof(*portraits), 1, err);
	if (rc)
		return sp_err_prefix(err, rc, "inference: %u portraits", n);
	if (sp_ring_init(&b->portraits, n))
		return sp_err_set(err, -ENOMEM, "inference: out of memory");
	portraits = sp_device_arena_take(&b->portraits_memory, n * sizeof(*portraits));
	for (unsigned int i = 0; i < n; i++) {
		void *portrait = &portraits[i];

		sp_ring_push(&b->portraits, &portrait, 1);
	}
	return 0;
}

static int make_rings(struct sp_backend *b, struct sp_err *err)
{
	unsigned int n = b->setup.in_flight;

	b->waiting = calloc(n, sizeof(struct sp_result *));
	if (!b->waiting || sp_pool_init(&b->results, sizeof(struct sp_result), n) ||
	    sp_ring_init(&b->submitted, n) || sp_ring_init(&b->finished, n) ||
	    sp_ring_init(&b->released, n))
		return sp_err_set(err, -ENOMEM, "inference: out of memory for %u frames in flight",
				  n);
	return 0;
}

static void describe(struct sp_backend *b)
{
	const struct sp_setup *setup = &b->setup;
	struct sp_compute_info *info = &b->compute.info;
	const char *cudnn = sp_tuner_cudnn(setup->tuner);

	info->backend = sp_cuda_ops.name;
	info->kernels = b->kernels;
	info->precision = setup->type == SP_TENSOR_BF16 ? SP_PRECISION_BF16 : SP_PRECISION_F32;
	info->work = setup->slots * setup->batch;
	snprintf(b->kernels, sizeof(b->kernels), "cuda sm_%u%u %s%s%s", setup->device.major,
		 setup->device.minor, setup->type == SP_TENSOR_BF16 ? "bf16" : "f32",
		 cudnn ? ", cuDNN " : "", cudnn ? cudnn : "");
	if (!setup->embedder.model)
		return;
	info->embedding_size = setup->embedder.numbers;
	sp_host->identify(&setup->embedder.card, setup->embedder.model, info->embedder_id);
}

/* What a context that is gone took with it. */
static void forget_all(struct sp_backend *b)
{
	for (unsigned int i = 0; i < SP_SLOTS_MAX; i++)
		sp_slot_forget(&b->slots[i]);
	sp_device_detector_forget(&b->detector);
	sp_face_networks_forget_graphs(&b->networks);
	sp_device_arena_forget(&b->portraits_memory);
	sp_tuner_forget(b->setup.tuner);
	for (struct sp_gallery *gallery = b->orphans; gallery; gallery = gallery->next)
		sp_device_gallery_forget(gallery->device);
}

static void destroy_gallery(struct sp_gallery *gallery)
{
	sp_device_gallery_destroy(gallery->device);
	pthread_mutex_destroy(&gallery->lock);
	free(gallery);
}

static void free_all(struct sp_backend *b)
{
	while (b->orphans) {
		struct sp_gallery *gallery = b->orphans;

		b->orphans = gallery->next;
		destroy_gallery(gallery);
	}
	unmake_slots(b);
	sp_face_networks_uninit(&b->networks);
	sp_regions_uninit(&b->regions);
	sp_device_arena_uninit(&b->portraits_memory);
	sp_setup_uninit(&b->setup);
}

static void cuda_close(struct sp_compute *compute)
{
	struct sp_backend *b = backend(compute);
	bool lost, hung;

	sp_thread_stop(&b->conductor);
	lost = atomic_load(&b->lost);
	hung = atomic_load(&b->hung);
	(void)SP_CUDA(NULL, cudaSetDevice(b->setup.device.index));
	/*
	 * A device that does not answer would not give anything back either: its context goes
	 * first, and all in it. Of one that has died everything is given back, and the context goes
	 * last, so that the next open has a new one.
	 */
	if (hung) {
		(void)SP_CUDA(NULL, cudaDeviceReset());
		forget_all(b);
	}
	free_all(b);
	if (lost && !hung)
		(void)SP_CUDA(NULL, cudaDeviceReset());
	sp_ring_uninit(&b->portraits);
	sp_ring_uninit(&b->released);
	sp_ring_uninit(&b->finished);
	sp_ring_uninit(&b->submitted);
	sp_pool_uninit(&b->results);
	sp_event_uninit(&b->wake);
	pthread_mutex_destroy(&b->lock);
	free(b->waiting);
	free(b);
}

static int cuda_open(const struct sp_compute_config *config, struct sp_compute **ret_compute,
		     struct sp_err *err)
{
	size_t size = (sizeof(struct sp_backend) + SP_CACHE_LINE - 1) / SP_CACHE_LINE *
		      SP_CACHE_LINE;
	struct sp_backend *b = aligned_alloc(SP_CACHE_LINE, size);
	int rc;

	if (!b)
		return sp_err_set(err, -ENOMEM, "inference: out of memory");
	memset(b, 0, size);
	b->compute.ops = &sp_cuda_ops;
	b->ready = config->done;
	rc = sp_event_init(&b->wake);
	if (rc) {
		free(b);
		return sp_err_set(err, rc, "inference: no event for the conductor: %s",
				  strerror(-rc));
	}
	pthread_mutex_init(&b->lock, NULL);
	rc = sp_setup_init(&b->setup, config, err);
	rc = rc ? rc : make_rings(b, err);
	rc = rc ? rc : sp_face_networks_init(&b->networks, &b->setup, err);
	rc = rc ? rc : make_batches(b, err);
	rc = rc ? rc : make_portraits(b, err);
	if (!rc) {
		describe(b);
		rc = sp_thread_start(&b->conductor, "cuda", -1, sp_conductor_run, b, &b->wake);
		if (rc)
			sp_err_set(err, rc, "inference: no thread for the device: %s",
				   strerror(-rc));
	}
	if (rc) {
		cuda_close(&b->compute);
		return rc;
	}
	*ret_compute = &b->compute;
	return 0;
}

static int cuda_probe(unsigned int index, char text[SP_COMPUTE_TEXT], struct sp_err *err)
{
	struct sp_device device;
	int rc = sp_device_open(index, &device, err);

	if (!rc)
		snprintf(text, SP_COMPUTE_TEXT,
			 "%.96s, compute capability %u.%u, %zu of %zu MiB free, driver for CUDA "
			 "%d.%d, built with %d.%d",
			 device.name, device.major, device.minor, device.memory_free >> 20,
			 device.memory >> 20, device.driver / 1000, device.driver % 1000 / 10,
			 device.runtime / 1000, device.runtime % 1000 / 10);
	return rc;
}

/* ---- regions --------------------------------------------------------------------------------- */

static int cuda_register_region(struct sp_compute *compute, struct sp_region *region,
				struct sp_err *err)
{
	struct sp_backend *b = backend(compute);
	int rc;

	if (atomic_load(&b->lost))
		return sp_err_set(err, -ENODEV, "inference: device %d is lost",
				  b->setup.device.index);
	rc = SP_CUDA(err, cudaSetDevice(b->setup.device.index));
	if (rc)
		return rc;
	pthread_mutex_lock(&b->lock);
	rc = sp_regions_add(&b->regions, region, err);
	pthread_mutex_unlock(&b->lock);
	return rc;
}

static void cuda_forget_region(struct sp_compute *compute, struct sp_region *region)
{
	struct sp_backend *b = backend(compute);

	/* That would wait for the device, perhaps for ever; its end ends this too. */
	if (atomic_load(&b->hung))
		return;
	(void)SP_CUDA(NULL, cudaSetDevice(b->setup.device.index));
	pthread_mutex_lock(&b->lock);
	sp_regions_forget(&b->regions, region);
	pthread_mutex_unlock(&b->lock);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static unsigned int cuda_submit(struct sp_compute *compute, struct sp_frame *const *frames,
				unsigned int n)
{
	struct sp_backend *b = backend(compute);
	unsigned int taken = 0;

	/* Until a result has told of a loss frames are taken, so that one does. */
	if (atomic_load(&b->told))
		return 0;
	for (; taken < n; taken++) {
		struct sp_result *result = sp_pool_get(&b->results);
		void *item = result;

		if (!result)
			break;
		sp_result_begin(result, frames[taken]);
		result->submitted_ns = sp_host->now_ns();
		/* Has room: it holds every result. */
		sp_ring_push(&b->submitted, &item, 1);
	}
	if (taken)
		sp_event_signal(&b->wake);
	return taken;
}

static unsigned int cuda_poll(struct sp_compute *compute, struct sp_result **results,
			      unsigned int max)
{
	return sp_ring_pop(&backend(compute)->finished, (void **)results, max);
}

static unsigned int cuda_release(struct sp_compute *compute, struct sp_frame **frames,
				 unsigned int max)
{
	return sp_ring_pop(&backend(compute)->released, (void **)frames, max);
}

static void cuda_put(struct sp_compute *compute, struct sp_result *result)
{
	struct sp_backend *b = backend(compute);

	for (uint32_t i = 0; i < result->faces_n; i++) {
		void *portrait = result->faces[i].portrait;

		/* Has room: it holds every portrait. */
		if (portrait)
			sp_ring_push(&b->portraits, &portrait, 1);
	}
	result->faces_n = 0;
	sp_pool_put(&b->results, result);
}

/* ---- galleries ------------------------------------------------------------------------------- */

static int cuda_gallery_open(struct sp_compute *compute, const float *rows, uint32_t rows_n,
			     uint32_t size, struct sp_gallery **ret_gallery, struct sp_err *err)
{
	struct sp_backend *b = backend(compute);
	struct sp_gallery *gallery = calloc(1, sizeof(*gallery));
	int rc;

	if (!gallery)
		return sp_err_set(err, -ENOMEM, "gallery: out of memory");
	/* One that does not answer would not answer this either. */
	rc = atomic_load(&b->lost) ? sp_err_set(err, -ENODEV, "gallery: device %d is lost",
						b->setup.device.index)
				   : 0;
	rc = rc ? rc : SP_CUDA(err, cudaSetDevice(b->setup.device.index));
	rc = rc ? rc
		: sp_device_gallery_create(&b->setup.device, rows, rows_n, size, &gallery->device,
					   err);
	if (rc) {
		free(gallery);
		return rc;
	}
	sp_device_gallery_watch(gallery->device, sp_host->now_ns, SP_HANG_MS * 1000000ull);
	pthread_mutex_init(&gallery->lock, NULL);
	*ret_gallery = gallery;
	return 0;
}

static void cuda_gallery_close(struct sp_compute *compute, struct sp_gallery *gallery)
{
	struct sp_backend *b = backend(compute);

	if (!gallery)
		return;
	if (!atomic_load(&b->hung)) {
		(void)SP_CUDA(NULL, cudaSetDevice(b->setup.device.index));
		destroy_gallery(gallery);
		return;
	}
	/* To give its memory back would wait for the device, perhaps for ever. */
	pthread_mutex_lock(&b->lock);
	gallery->next = b->orphans;
	b->orphans = gallery;
	pthread_mutex_unlock(&b->lock);
}

/* The conductor, if it has anything to wait for, would find out as well; the first one tells. */
static void lose_hung(struct sp_backend *b, const char *why)
{
	atomic_store(&b->hung, true);
	if (!atomic_exchange(&b->lost, true))
		sp_host_log(SP_LOG_ERROR, "inference: device %d (%s) is lost: %s",
			    b->setup.device.index, b->setup.device.name, why);
	sp_event_signal(&b->wake);
}

static int cuda_search(struct sp_compute *compute, const struct sp_gallery *gallery,
		       const float *queries, uint32_t queries_n, uint32_t k, struct sp_hit *hits)
{
	struct sp_backend *b = backend(compute);
	struct sp_gallery *own = (struct sp_gallery *)(uintptr_t)gallery;
	struct sp_err err;
	int rc;

	pthread_mutex_lock(&own->lock);
	/* Who has waited for another search knows what became of it. */
	rc = atomic_load(&b->lost) ? -ENODEV
				   : SP_CUDA(NULL, cudaSetDevice(b->setup.device.index));
	if (!rc)
		rc = sp_device_gallery_search(own->device, queries, queries_n, k, hits, &err);
	if (rc == -ETIME) {
		lose_hung(b, err.text);
		rc = -ENODEV;
	}
	pthread_mutex_unlock(&own->lock);
	return rc;
}

const struct sp_compute_ops sp_cuda_ops = {
	.name = "cuda",
	.open = cuda_open,
	.close = cuda_close,
	.probe = cuda_probe,
	.register_region = cuda_register_region,
	.forget_region = cuda_forget_region,
	.submit = cuda_submit,
	.poll = cuda_poll,
	.release = cuda_release,
	.put = cuda_put,
	.gallery_open = cuda_gallery_open,
	.gallery_close = cuda_gallery_close,
	.search = cuda_search,
};
