/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "base/event.h"
#include "base/region.h"
#include "compute_abi.h"
#include "cuda/fixture.h"
#include "infer/plugin.h"

enum { HEADERS = 62 }; /* bytes between payloads: no payload begins aligned */

const struct sp_compute_ops *sp_compute_plugin(uint64_t abi, const struct sp_compute_host *host);

const char *host_fixture(char path[1024], const char *name)
{
	const char *folder = getenv("SP_GPU_FIXTURES");

	snprintf(path, 1024, "%s/%s", folder && *folder ? folder : "build/gpu-fixtures", name);
	return path;
}

uint64_t host_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- models --------------------------------------------------------------------------------- */

/* The model is the first member, so that what the plugin holds leads back to all of it. */
static int load_model(const char *path, enum sp_model_role role, struct sp_model **ret_model,
		      struct sp_model_card *ret_card, struct sp_err *err)
{
	struct fixture_network *network = malloc(sizeof(*network));
	int rc;

	if (!network)
		return sp_err_set(err, -ENOMEM, "%s: out of memory", path);
	rc = fixture_network_load(path, network, err);
	if (!rc && network->card.role != role) {
		fixture_network_free(network);
		rc = sp_err_set(err, -EINVAL, "%s: a network for something else", path);
	}
	if (rc) {
		free(network);
		return rc;
	}
	*ret_model = &network->model;
	*ret_card = network->card;
	return 0;
}

static void free_model(struct sp_model *model)
{
	if (!model)
		return;
	fixture_network_free((struct fixture_network *)model);
	free(model);
}

static void identify(const struct sp_model_card *card, const struct sp_model *model,
		     uint8_t ret_id[SP_MODEL_ID_SIZE])
{
	(void)card;
	memcpy(ret_id, ((const struct fixture_network *)model)->id, SP_MODEL_ID_SIZE);
}

static void log_line(int level, const char *text)
{
	if (level <= SP_LOG_INFO)
		printf("# %s\n", text);
}

static const struct sp_compute_host host = {
	.load_model = load_model,
	.free_model = free_model,
	.identify = identify,
	.log = log_line,
	.now_ns = host_now,
	.signal = sp_event_signal,
};

const struct sp_compute_ops *host_plugin(const char *path, struct sp_err *err)
{
	sp_compute_plugin_fn entry = sp_compute_plugin;
	const struct sp_compute_ops *ops;

	if (path) {
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		void *symbol = library ? dlsym(library, SP_COMPUTE_PLUGIN_ENTRY) : NULL;

		if (!symbol) {
			sp_err_set(err, -ENOENT, "%s", dlerror());
			return NULL;
		}
		memcpy(&entry, &symbol, sizeof(entry));
	}
	ops = entry(SP_COMPUTE_ABI, &host);
	if (!ops)
		sp_err_set(err, -EINVAL, "the plugin is of other headers; build both again");
	return ops;
}

/* ---- frames --------------------------------------------------------------------------------- */

static uint64_t slot_of(const struct fixture_frame *from)
{
	return (uint64_t)from->stride + HEADERS + from->stride % 3;
}

uint64_t host_frame_bytes(const struct fixture_frame *from)
{
	return from->packets * slot_of(from) + 2 * HEADERS;
}

int host_frame_init(struct host_frame *frame, const struct fixture_frame *from,
		    struct sp_region *region, uint64_t at)
{
	size_t words = (from->packets + 63) / 64;

	memset(frame, 0, sizeof(*frame));
	frame->offset = calloc(from->packets, sizeof(uint64_t));
	frame->missing = calloc(words, sizeof(uint64_t));
	if (!frame->offset || !frame->missing) {
		host_frame_uninit(frame);
		return -ENOMEM;
	}
	memcpy(frame->missing, from->missing, words * sizeof(uint64_t));
	frame->frame = (struct sp_frame){
		.pixel_format = from->pixel_format,
		.width = from->width,
		.height = from->height,
		.padding_x = from->padding_x,
		.parts_n = 1,
		.parts = { { .region = region,
			     .packets = from->packets,
			     .stride = from->stride,
			     .bytes = from->bytes,
			     .pixel_format = from->pixel_format,
			     .width = from->width,
			     .height = from->height,
			     .padding_x = from->padding_x } },
		.packets = from->packets,
		.offset = frame->offset,
		.missing = frame->missing,
	};
	for (uint32_t p = 0; p < from->packets; p++) {
		uint64_t first = (uint64_t)p * from->stride, left = from->bytes - first;

		frame->offset[p] = at + HEADERS + p * slot_of(from);
		memcpy(region->base + frame->offset[p], from->payload + first,
		       left < from->stride ? left : from->stride);
		if (sp_frame_packet_missing(&frame->frame, p)) {
			frame->frame.missing_n++;
			frame->frame.flags |= SP_FRAME_INCOMPLETE;
		}
	}
	return 0;
}

void host_frame_uninit(struct host_frame *frame)
{
	free(frame->offset);
	free(frame->missing);
}
