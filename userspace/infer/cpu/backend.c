/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compute port on CPU cores: a crew of threads, each with a worker of its own, parallel over
 * frames.
 *
 * Results and portraits are taken at open. Results wait in a pool of the caller's thread, travel to
 * a thread of the crew and back, and are the caller's from poll to put. Portraits belong to one
 * worker each and go home to it through a ring: put pushes, the worker pops. Frames that are inside
 * at close do not come back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/pool.h"
#include "base/ring.h"
#include "base/thread.h"
#include "infer/align.h"
#include "infer/compute.h"
#include "infer/cpu/crew.h"
#include "infer/cpu/kernel.h"
#include "infer/cpu/worker.h"
#include "infer/model.h"
#include "infer/quality.h"
#include "infer/role.h"
#include "infer/search.h"

enum {
	IN_FLIGHT_DEFAULT = 32,
	IN_FLIGHT_MAX = 4096,
	/* A result has one or two faces as a rule; a worker must have enough for one full frame. */
	PORTRAITS_A_RESULT = 2,
};

struct cpu_compute {
	struct sp_compute compute;
	struct sp_model *detector, *embedder, *quality;
	struct sp_worker_setup setup;
	struct sp_compute_camera *cameras; /* that setup points at */
	unsigned int workers_n;
	struct sp_worker **workers;
	struct sp_crew *crew;
	struct sp_pool results;
	unsigned int portraits_each; /* of a worker */
	struct sp_portrait *portraits; /* [workers_n × portraits_each], worker by worker */
	struct sp_ring *empty; /* [workers_n] portraits that wait to be filled */
};

static struct cpu_compute *cpu_compute(struct sp_compute *compute)
{
	return (struct cpu_compute *)compute;
}

/* ---- open ---- */

static int load(const char *path, enum sp_model_role role, struct sp_model **ret_model,
		struct sp_err *err)
{
	return sp_role_told(sp_model_load(path, ret_model, err), path, role, err);
}

static int load_detector(struct cpu_compute *cpu, const struct sp_compute_config *config,
			 struct sp_err *err)
{
	struct sp_worker_setup *setup = &cpu->setup;
	int rc;

	if (!config->detector)
		return sp_err_set(err, -EINVAL,
				  "detector: no model file is named; run `sallyport model "
				  "install` or set SALLYPORT_MODELS");
	rc = load(config->detector, SP_ROLE_DETECTOR, &cpu->detector, err);
	if (rc)
		return rc;
	rc = sp_model_card_load(cpu->detector, SP_ROLE_DETECTOR, &setup->detector_card, err);
	if (!rc)
		rc = sp_role_detector(config, cpu->detector, &setup->detector_card, &setup->outputs,
				      &setup->detect_width, &setup->detect_height, err);
	if (!rc && !(setup->score_min > 0))
		setup->score_min = setup->detector_card.score_min;
	return rc;
}

static int load_embedder(struct cpu_compute *cpu, const char *path, struct sp_err *err)
{
	struct sp_model_card *card = &cpu->setup.embedder_card;
	uint32_t numbers = 0;
	int rc = load(path, SP_ROLE_EMBEDDER, &cpu->embedder, err);

	rc = rc ? rc : sp_model_card_load(cpu->embedder, SP_ROLE_EMBEDDER, card, err);
	rc = rc ? rc : sp_role_face(cpu->embedder, card, &numbers, err);
	if (rc)
		return rc;
	cpu->setup.embedding_size = cpu->compute.info.embedding_size = numbers;
	sp_model_card_identity(card, cpu->embedder, cpu->compute.info.embedder_id);
	return 0;
}

static int load_quality(struct cpu_compute *cpu, const char *path, struct sp_err *err)
{
	struct sp_model_card *card = &cpu->setup.quality_card;
	uint32_t numbers;
	int rc = load(path, SP_ROLE_QUALITY, &cpu->quality, err);

	rc = rc ? rc : sp_model_card_load(cpu->quality, SP_ROLE_QUALITY, card, err);
	return rc ? rc : sp_role_face(cpu->quality, card, &numbers, err);
}

static int load_models(struct cpu_compute *cpu, const struct sp_compute_config *config,
		       struct sp_err *err)
{
	int rc = load_detector(cpu, config, err);

	if (!rc && config->embedder)
		rc = load_embedder(cpu, config->embedder, err);
	if (!rc && config->quality)
		rc = load_quality(cpu, config->quality, err);
	cpu->setup.detector = cpu->detector;
	cpu->setup.embedder = cpu->embedder;
	cpu->setup.quality = cpu->quality;
	return rc;
}

static int make_portraits(struct cpu_compute *cpu, unsigned int in_flight)
{
	unsigned int n = cpu->workers_n;
	unsigned int each = (in_flight * PORTRAITS_A_RESULT + n - 1) / n;

	each = each < SP_FACES_MAX ? SP_FACES_MAX : each;
	cpu->portraits_each = each;
	cpu->empty = aligned_alloc(SP_CACHE_LINE, n * sizeof(*cpu->empty));
	if (!cpu->empty)
		return -ENOMEM;
	memset(cpu->empty, 0, n * sizeof(*cpu->empty));
	cpu->portraits = malloc((size_t)n * each * sizeof(*cpu->portraits));
	if (!cpu->portraits)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++) {
		int rc = sp_ring_init(&cpu->empty[i], each);

		if (rc)
			return rc;
		for (unsigned int k = 0; k < each; k++) {
			void *portrait = &cpu->portraits[(size_t)i * each + k];

			sp_ring_push(&cpu->empty[i], &portrait, 1);
		}
	}
	return 0;
}

static void work(void *arg, unsigned int worker, void *job)
{
	struct cpu_compute *cpu = arg;
	struct sp_result *result = job;

	sp_worker_look(cpu->workers[worker], result);
	result->done_ns = sp_clock_now();
}

static int make_workers(struct cpu_compute *cpu, const struct sp_compute_config *config,
			unsigned int in_flight, struct sp_err *err)
{
	struct sp_crew_config crew = {
		.name = "infer",
		.workers = cpu->workers_n,
		.jobs = in_flight,
		.work = work,
		.arg = cpu,
		.done = config->done,
	};

	cpu->workers = calloc(cpu->workers_n, sizeof(struct sp_worker *));
	if (!cpu->workers || sp_pool_init(&cpu->results, sizeof(struct sp_result), in_flight) ||
	    make_portraits(cpu, in_flight))
		return sp_err_set(err, -ENOMEM, "inference: out of memory for %u frames in flight",
				  in_flight);
	for (unsigned int i = 0; i < cpu->workers_n; i++) {
		int rc = sp_worker_create(&cpu->setup, &cpu->empty[i], &cpu->workers[i], err);

		if (rc)
			return rc;
	}
	return sp_crew_create(&crew, &cpu->crew, err);
}

static void cpu_close(struct sp_compute *compute)
{
	struct cpu_compute *cpu = cpu_compute(compute);

	sp_crew_destroy(cpu->crew);
	for (unsigned int i = 0; i < cpu->workers_n; i++) {
		if (cpu->workers)
			sp_worker_destroy(cpu->workers[i]);
		if (cpu->empty)
			sp_ring_uninit(&cpu->empty[i]);
	}
	free(cpu->cameras);
	free(cpu->workers);
	free(cpu->empty);
	free(cpu->portraits);
	sp_pool_uninit(&cpu->results);
	sp_model_free(cpu->quality);
	sp_model_free(cpu->embedder);
	sp_model_free(cpu->detector);
	free(cpu);
}

/* What is looked at of which camera's frames. */
static int copy_tiles(struct cpu_compute *cpu, const struct sp_compute_config *config,
		      struct sp_err *err)
{
	size_t bytes = config->cameras_n * sizeof(*cpu->cameras);

	cpu->setup.tiles = config->tiles;
	if (!bytes)
		return 0;
	cpu->cameras = malloc(bytes);
	if (!cpu->cameras)
		return sp_err_set(err, -ENOMEM, "inference: out of memory");
	memcpy(cpu->cameras, config->cameras, bytes);
	cpu->setup.cameras = cpu->cameras;
	cpu->setup.cameras_n = config->cameras_n;
	return 0;
}

static int cpu_open(const struct sp_compute_config *config, struct sp_compute **ret_compute,
		    struct sp_err *err)
{
	unsigned int in_flight = config->in_flight ? config->in_flight : IN_FLIGHT_DEFAULT;
	const struct sp_kernels *kernels = sp_kernels_best(config->precision);
	struct cpu_compute *cpu;
	int rc;

	if (in_flight > IN_FLIGHT_MAX || config->workers > SP_CREW_MAX)
		return sp_err_set(
			err, -EINVAL,
			"inference: %u workers and %u frames in flight; at most %d and %d are "
			"possible",
			config->workers, in_flight, SP_CREW_MAX, IN_FLIGHT_MAX);
	cpu = calloc(1, sizeof(*cpu));
	if (!cpu)
		return sp_err_set(err, -ENOMEM, "inference: out of memory");
	cpu->compute.ops = &sp_compute_cpu;
	cpu->compute.info.backend = sp_compute_cpu.name;
	cpu->compute.info.kernels = kernels->name;
	cpu->compute.info.precision = kernels->cell == SP_CELL_BF16 ? SP_PRECISION_BF16
								    : SP_PRECISION_F32;
	cpu->workers_n = config->workers ? config->workers : sp_thread_cpus();
	if (cpu->workers_n > SP_CREW_MAX)
		cpu->workers_n = SP_CREW_MAX;
	cpu->setup.score_min = config->score_min;
	cpu->setup.limits = config->limits;
	cpu->setup.embed_invalid = config->embed_invalid;
	cpu->setup.precision = config->precision;
	rc = copy_tiles(cpu, config, err);
	rc = rc ? rc : load_models(cpu, config, err);
	rc = rc ? rc : make_workers(cpu, config, in_flight, err);
	if (rc) {
		cpu_close(&cpu->compute);
		return rc;
	}
	*ret_compute = &cpu->compute;
	return 0;
}

/* ---- work ---- */

/* Pixels are read where they lie; nothing to do. */
static int cpu_register_region(struct sp_compute *compute, struct sp_region *region,
			       struct sp_err *err)
{
	(void)compute;
	(void)region;
	(void)err;
	return 0;
}

static unsigned int cpu_submit(struct sp_compute *compute, struct sp_frame *const *frames,
			       unsigned int n)
{
	struct cpu_compute *cpu = cpu_compute(compute);
	unsigned int taken = 0;

	for (; taken < n; taken++) {
		struct sp_result *result = sp_pool_get(&cpu->results);

		if (!result)
			break;
		sp_result_begin(result, frames[taken]);
		result->submitted_ns = sp_clock_now();
		/* There are as many results as jobs, so the crew has room. */
		sp_crew_give(cpu->crew, result);
	}
	return taken;
}

static unsigned int cpu_poll(struct sp_compute *compute, struct sp_result **results,
			     unsigned int max)
{
	return sp_crew_take(cpu_compute(compute)->crew, (void **)results, max);
}

static void cpu_put(struct sp_compute *compute, struct sp_result *result)
{
	struct cpu_compute *cpu = cpu_compute(compute);

	for (uint32_t i = 0; i < result->faces_n; i++) {
		void *portrait = result->faces[i].portrait;

		if (!portrait)
			continue;

		size_t index = (size_t)((struct sp_portrait *)portrait - cpu->portraits);

		/* Has room: the ring holds every portrait of its worker. */
		sp_ring_push(&cpu->empty[index / cpu->portraits_each], &portrait, 1);
	}
	result->faces_n = 0;
	sp_pool_put(&cpu->results, result);
}

static int cpu_gallery_open(struct sp_compute *compute, const float *rows, uint32_t rows_n,
			    uint32_t size, struct sp_gallery **ret_gallery, struct sp_err *err)
{
	(void)compute;
	return sp_search_gallery_create(rows, rows_n, size, ret_gallery, err);
}

static void cpu_gallery_close(struct sp_compute *compute, struct sp_gallery *gallery)
{
	(void)compute;
	sp_search_gallery_destroy(gallery);
}

static int cpu_search(struct sp_compute *compute, const struct sp_gallery *gallery,
		      const float *queries, uint32_t queries_n, uint32_t k, struct sp_hit *hits)
{
	(void)compute;
	return sp_search_gallery(gallery, queries, queries_n, k, hits);
}

const struct sp_compute_ops sp_compute_cpu = {
	.name = "cpu",
	.open = cpu_open,
	.close = cpu_close,
	.register_region = cpu_register_region,
	.submit = cpu_submit,
	.poll = cpu_poll,
	.put = cpu_put,
	.gallery_open = cpu_gallery_open,
	.gallery_close = cpu_gallery_close,
	.search = cpu_search,
};
