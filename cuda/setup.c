/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/host.h"
#include "cuda/network.h"
#include "cuda/tuner.h"
#include "infer/align.h"
#include "infer/role.h"

enum {
	IN_FLIGHT_DEFAULT = 64,
	IN_FLIGHT_MAX = 4096,
	BATCH_DEFAULT = 16,
	WAIT_US_DEFAULT = 2000,
	FRAME_BYTES_DEFAULT = 16 << 20,
	FRAME_BYTES_MAX = 1 << 30,
	PAYLOAD_MIN =
		256, /* bytes of a packet; GigE Vision has no card with less than twice that */
	PACKETS_MORE = 64, /* of small frames in tests and odd ends */
};

static int load(const char *path, enum sp_model_role role, struct sp_setup_model *model,
		struct sp_err *err)
{
	struct sp_model *loaded;
	int rc = sp_host->load_model(path, role, &loaded, &model->card, err);

	if (rc)
		return sp_role_told(rc, path, role, err);
	model->model = loaded;
	model->own_points = memcmp(model->card.points, sp_align_template,
				   sizeof(model->card.points)) != 0;
	return 0;
}

static int load_models(struct sp_setup *setup, const struct sp_compute_config *config,
		       struct sp_err *err)
{
	struct sp_setup_model *detector = &setup->detector;
	int rc;

	if (!config->detector)
		return sp_err_set(err, -EINVAL,
				  "detector: no model file is named; run `sallyport model "
				  "install` or set SALLYPORT_MODELS");
	rc = load(config->detector, SP_ROLE_DETECTOR, detector, err);
	rc = rc ? rc
		: sp_role_detector(config, detector->model, &detector->card, &setup->outputs,
				   &setup->detect_width, &setup->detect_height, err);
	if (!rc && !(setup->score_min > 0))
		setup->score_min = detector->card.score_min;
	if (!rc && config->embedder)
		rc = load(config->embedder, SP_ROLE_EMBEDDER, &setup->embedder, err);
	if (!rc && config->embedder)
		rc = sp_role_face(setup->embedder.model, &setup->embedder.card,
				  &setup->embedder.numbers, err);
	if (!rc && config->quality)
		rc = load(config->quality, SP_ROLE_QUALITY, &setup->quality, err);
	if (!rc && config->quality)
		rc = sp_role_face(setup->quality.model, &setup->quality.card,
				  &setup->quality.numbers, err);
	return rc;
}

/* The same on the device. */
static int make_networks(struct sp_setup *setup, struct sp_err *err)
{
	struct sp_setup_model *models[] = { &setup->detector, &setup->embedder, &setup->quality };
	int rc = 0;

	for (unsigned int i = 0; !rc && i < 3; i++)
		if (models[i]->model)
			rc = sp_network_model_create(&setup->device, models[i]->model, setup->type,
						     setup->tuner, &models[i]->network, err);
	return rc;
}

/* What is looked at of which camera's frames. */
static int copy_tiles(struct sp_setup *setup, const struct sp_compute_config *config,
		      struct sp_err *err)
{
	size_t bytes = config->cameras_n * sizeof(*setup->cameras);

	setup->tiles = config->tiles;
	if (!bytes)
		return 0;
	setup->cameras = malloc(bytes);
	if (!setup->cameras)
		return sp_err_set(err, -ENOMEM, "inference: out of memory");
	memcpy(setup->cameras, config->cameras, bytes);
	setup->cameras_n = config->cameras_n;
	return 0;
}

static int set_numbers(struct sp_setup *setup, const struct sp_compute_config *config,
		       struct sp_err *err)
{
	unsigned int in_flight = config->in_flight ? config->in_flight : IN_FLIGHT_DEFAULT;
	unsigned int batch = config->batch;

	setup->frame_bytes = config->frame_bytes ? config->frame_bytes : FRAME_BYTES_DEFAULT;
	if (in_flight > IN_FLIGHT_MAX || batch > SP_BATCH_MAX ||
	    setup->frame_bytes > FRAME_BYTES_MAX)
		return sp_err_set(err, -EINVAL,
				  "inference: %u frames in flight, batches of %u, frames of %llu "
				  "bytes; at most %d, %d and %d are possible",
				  in_flight, batch, (unsigned long long)setup->frame_bytes,
				  IN_FLIGHT_MAX, SP_BATCH_MAX, FRAME_BYTES_MAX);
	if (!batch)
		batch = in_flight / 2 < BATCH_DEFAULT ? (in_flight + 1) / 2 : BATCH_DEFAULT;
	setup->in_flight = in_flight;
	setup->batch = batch < in_flight ? batch : in_flight;
	setup->slots = (in_flight + setup->batch - 1) / setup->batch;
	if (setup->slots > SP_SLOTS_MAX)
		setup->slots = SP_SLOTS_MAX;
	setup->packets_max = (uint32_t)(setup->frame_bytes / PAYLOAD_MIN) + PACKETS_MORE;
	setup->wait_ns = 1000ull *
			 (config->batch_wait_us ? config->batch_wait_us : WAIT_US_DEFAULT);
	setup->type = config->precision == SP_PRECISION_F32 ? SP_TENSOR_F32 : SP_TENSOR_BF16;
	setup->score_min = config->score_min;
	setup->limits = config->limits;
	setup->embed_invalid = config->embed_invalid;
	return 0;
}

int sp_setup_init(struct sp_setup *setup, const struct sp_compute_config *config,
		  struct sp_err *err)
{
	int rc;

	memset(setup, 0, sizeof(*setup));
	rc = set_numbers(setup, config, err);
	rc = rc ? rc : copy_tiles(setup, config, err);
	rc = rc ? rc : load_models(setup, config, err);
	rc = rc ? rc : sp_device_open(config->device, &setup->device, err);
	rc = rc ? rc
		: sp_tuner_create(&setup->device, config->cache, sp_host->log, &setup->tuner, err);
	return rc ? rc : make_networks(setup, err);
}

void sp_setup_uninit(struct sp_setup *setup)
{
	struct sp_setup_model *models[] = { &setup->detector, &setup->embedder, &setup->quality };

	for (unsigned int i = 0; i < 3; i++)
		if (models[i]->network)
			sp_network_model_destroy(models[i]->network);
	if (setup->tuner)
		sp_tuner_destroy(setup->tuner);
	for (unsigned int i = 0; i < 3; i++)
		if (models[i]->model)
			sp_host->free_model(models[i]->model);
	free(setup->cameras);
	memset(setup, 0, sizeof(*setup));
}

const struct sp_tile_config *sp_setup_tiles(const struct sp_setup *setup, uint16_t lane,
					    uint16_t camera)
{
	for (unsigned int i = 0; i < setup->cameras_n; i++)
		if (setup->cameras[i].lane == lane && setup->cameras[i].camera == camera)
			return &setup->cameras[i].tiles;
	return &setup->tiles;
}

static bool has_tiles(const struct sp_tile_config *tiles)
{
	return tiles->eyes_min > 0 || tiles->areas_n;
}

bool sp_setup_tiled(const struct sp_setup *setup)
{
	bool tiled = has_tiles(&setup->tiles);

	for (unsigned int i = 0; i < setup->cameras_n; i++)
		tiled = tiled || has_tiles(&setup->cameras[i].tiles);
	return tiled;
}
