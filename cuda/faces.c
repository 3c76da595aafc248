/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/faces.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/move.h"
#include "cuda/network.h"
#include "infer/model.h"

/* ---- networks -------------------------------------------------------------------------------- */

/* What a network gives for each of @n faces, as a tensor of one pixel. */
static struct sp_device_tensor numbers_of(const struct sp_setup_model *model,
					  const struct sp_network *network, uint32_t n)
{
	struct sp_network_output output = sp_network_output(network, 0);

	return (struct sp_device_tensor){
		.at = (void *)(uintptr_t)output.at,
		.type = output.type,
		.n = n,
		.h = 1,
		.w = 1,
		.c = model->numbers,
		.pitch = (uint32_t)output.picture,
	};
}

/*
 * What a file says of its output's shape is a claim: what is made of it counts. The numbers of a
 * face must lie side by side.
 */
static int check_output(const struct sp_setup_model *model, const struct sp_network *network,
			struct sp_err *err)
{
	struct sp_network_output output = sp_network_output(network, 0);
	const struct sp_shape *shape = &output.shape;
	int64_t last = shape->rank ? shape->dim[output.planes ? 1 : shape->rank - 1] : 1;
	char text[96];

	if (sp_shape_elements(shape) != (int64_t)model->numbers)
		return sp_err_set(err, -EINVAL,
				  "%s: it gives an output of %s where its file says %u numbers; "
				  "export it anew",
				  model->model->name, sp_shape_text(shape, text, sizeof(text)),
				  model->numbers);
	if (last != (int64_t)model->numbers)
		return sp_err_set(err, -ENOTSUP,
				  "%s: its output of %s does not lie as one vector on the device; "
				  "take the CPU backend, or export it with a flat output",
				  model->model->name, sp_shape_text(shape, text, sizeof(text)));
	return 0;
}

static int make(const struct sp_setup_model *model, struct sp_network **networks, size_t *bytes_max,
		struct sp_err *err)
{
	uint32_t side = model->card.side;
	int rc = 0;

	for (unsigned int b = 0; model->model && !rc && 1u << b <= SP_FACES_AT_ONCE; b++) {
		rc = sp_network_create(model->network, 1u << b, side, side, &networks[b], err);
		if (rc)
			break;
		/* What counts is how things lie; where, is not known yet. */
		sp_network_bind(networks[b], (void *)256);
		rc = check_output(model, networks[b], err);
		if (sp_network_bytes(networks[b]) > *bytes_max)
			*bytes_max = sp_network_bytes(networks[b]);
	}
	return rc;
}

int sp_face_networks_init(struct sp_face_networks *networks, const struct sp_setup *setup,
			  struct sp_err *err)
{
	int rc;

	memset(networks, 0, sizeof(*networks));
	networks->setup = setup;
	rc = make(&setup->quality, networks->quality, &networks->bytes, err);
	return rc ? rc : make(&setup->embedder, networks->embedder, &networks->bytes, err);
}

void sp_face_networks_uninit(struct sp_face_networks *networks)
{
	for (unsigned int s = 0; s < SP_SLOTS_MAX; s++)
		for (unsigned int c = 0; c < SP_REPLAYED_FACES; c++)
			for (unsigned int b = 0; b < SP_BUCKETS; b++)
				sp_replay_uninit(&networks->replays[s][c][b]);
	for (unsigned int b = 0; b < SP_BUCKETS; b++) {
		if (networks->quality[b])
			sp_network_destroy(networks->quality[b]);
		if (networks->embedder[b])
			sp_network_destroy(networks->embedder[b]);
	}
	memset(networks, 0, sizeof(*networks));
}

void sp_face_networks_forget_graphs(struct sp_face_networks *networks)
{
	memset(networks->replays, 0, sizeof(networks->replays));
}

/* ---- work ------------------------------------------------------------------------------------ */

struct work {
	struct sp_face_networks *networks;
	const struct sp_face_chunk *chunk;
	uint32_t first, n; /* of the lists; a power of two */
};

/* @model's network on the faces, turned as it wants them. */
static int run_network(const struct work *work, const struct sp_setup_model *model,
		       struct sp_network *network, enum sp_face_view view, cudaStream_t stream,
		       struct sp_err *err)
{
	const struct sp_face_chunk *chunk = work->chunk;
	const uint8_t *pictures = chunk->memory->aligned;
	struct sp_device_tensor input;
	int rc = 0;

	sp_network_bind(network, chunk->memory->activations);
	input = sp_network_input(network);
	if (model->own_points) {
		pictures = chunk->memory->other;
		rc = SP_CUDA(err, sp_warp_launch(stream, chunk->lists->views[view] + work->first,
						 work->n, chunk->memory->other));
	}
	rc = rc ? rc
		: SP_CUDA(err, sp_face_input_launch(stream, pictures, work->n, &model->card.input,
						    &input));
	return rc ? rc : sp_network_run(network, stream, err);
}

static int judge(const struct work *work, cudaStream_t stream, struct sp_err *err)
{
	const struct sp_setup_model *model = &work->networks->setup->quality;
	struct sp_network *network = work->networks->quality[sp_bucket_of(work->n)];
	struct sp_device_tensor score;
	int rc = run_network(work, model, network, SP_VIEW_QUALITY, stream, err);

	if (rc)
		return rc;
	score = numbers_of(model, network, work->n);
	return SP_CUDA(err, sp_to_planes_launch(stream, &score,
						work->chunk->lists->quality + work->first));
}

static int embed(const struct work *work, cudaStream_t stream, struct sp_err *err)
{
	const struct sp_setup_model *model = &work->networks->setup->embedder;
	const struct sp_face_lists *lists = work->chunk->lists;
	struct sp_network *network = work->networks->embedder[sp_bucket_of(work->n)];
	struct sp_device_tensor numbers;
	int rc = run_network(work, model, network, SP_VIEW_EMBEDDER, stream, err);

	if (rc)
		return rc;
	numbers = numbers_of(model, network, work->n);
	return SP_CUDA(err,
		       sp_normalise_launch(stream, &numbers,
					   lists->embedding + (size_t)work->first * model->numbers,
					   lists->valid + work->first));
}

static int put_in(void *arg, cudaStream_t stream, struct sp_err *err)
{
	const struct work *work = arg;
	const struct sp_setup *setup = work->networks->setup;
	const struct sp_face_lists *lists = work->chunk->lists;
	uint8_t *aligned = work->chunk->memory->aligned;
	int rc = SP_CUDA(err, sp_warp_launch(stream, lists->views[SP_VIEW_USUAL] + work->first,
					     work->n, aligned));

	rc = rc ? rc
		: SP_CUDA(err, sp_measure_launch(stream, aligned, work->n,
						 lists->measures + work->first));
	if (!rc && setup->quality.model)
		rc = judge(work, stream, err);
	if (!rc && setup->embedder.model)
		rc = embed(work, stream, err);
	return rc ? rc
		  : SP_CUDA(err,
			    sp_portrait_launch(stream, lists->portraits + work->first, work->n));
}

int sp_face_networks_run(struct sp_face_networks *networks, const struct sp_face_chunk *chunk,
			 cudaStream_t stream, struct sp_err *err)
{
	unsigned int bucket = sp_bucket_of(chunk->n);
	struct work work = { networks, chunk, chunk->index * SP_FACES_AT_ONCE, 1u << bucket };
	struct sp_replay *replay = NULL;

	if (chunk->index < SP_REPLAYED_FACES)
		replay = &networks->replays[chunk->slot][chunk->index][bucket];
	return sp_replay_run(replay, 0, stream, put_in, &work, err);
}
