/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/tuner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/cudnn.h"
#include "cuda/cudnn_table.h"
#include "cuda/device.h"
#include "cuda/tuner_cache.h"
#include "cuda/tuner_trial.h"
#include "infer/element.h"

enum {
	CANDIDATES_MAX = 12,
	WORKSPACE_MAX = 64 << 20, /* bytes; engines that want more are not asked */
	SHA256 = 32,
};

#ifdef SP_CUDA_EMULATED
enum { CUDNN_WANTED = 0 }; /* streams and memory of the emulator are none of cuDNN's */
#else
enum { CUDNN_WANTED = 1 };
#endif

struct sp_tuner {
	struct sp_device device;
	struct sp_cudnn cudnn;
	void *library, *handle; /* handle NULL: no cuDNN */
	char version[32];
	struct sp_tuner_cache *cache; /* or NULL */
	void (*log)(int level, const char *text);
	bool warned;
	cudaStream_t stream;
};

struct sp_engine {
	struct sp_cudnn_conv *conv;
	struct sp_cudnn_plan *plan;
	void *weights; /* of the device: bfloat16 weights, then float32 biases */
	const float *bias;
	char name[32];
};

/* Once: a device on which cuDNN fails fails for each convolution. */
static void warn_once(struct sp_tuner *tuner, const char *text)
{
	char line[640];

	if (tuner->warned || !tuner->log)
		return;
	tuner->warned = true;
	snprintf(line, sizeof(line), "%s; our own kernels compute instead", text);
	tuner->log(SP_LOG_WARNING, line);
}

/* CUDA tells of an error until it is asked for; what was dealt with is not the next caller's. */
static void forget_error(void)
{
	cudaGetLastError();
}

/* ---- the tuner ------------------------------------------------------------------------------ */

static void start_cudnn(struct sp_tuner *tuner)
{
	size_t version = tuner->cudnn.version();
	struct sp_err err;

	if (SP_CUDNN(&err, &tuner->cudnn, tuner->cudnn.create(&tuner->handle))) {
		tuner->handle = NULL;
		warn_once(tuner, err.text);
		return;
	}
	snprintf(tuner->version, sizeof(tuner->version), "%zu.%zu.%zu", version / 10000,
		 version / 100 % 100, version % 100);
}

int sp_tuner_create_with(const struct sp_device *device, const char *cache,
			 void (*log)(int level, const char *text), const struct sp_cudnn *cudnn,
			 struct sp_tuner **ret_tuner, struct sp_err *err)
{
	struct sp_tuner *tuner = calloc(1, sizeof(*tuner));
	int rc;

	if (!tuner)
		return sp_err_set(err, -ENOMEM, "tuner: out of memory");
	tuner->device = *device;
	tuner->log = log;
	if (cache && *cache) {
		tuner->cache = sp_tuner_cache_open(cache, log);
		if (!tuner->cache) {
			rc = sp_err_set(err, -ENOMEM, "tuner: out of memory");
			goto err_free;
		}
	}
	rc = SP_CUDA(err, cudaStreamCreateWithFlags(&tuner->stream, cudaStreamNonBlocking));
	if (rc) {
		sp_err_prefix(err, rc, "tuner");
		goto err_close;
	}
	if (cudnn) {
		tuner->cudnn = *cudnn;
		start_cudnn(tuner);
	}
	*ret_tuner = tuner;
	return 0;
err_close:
	sp_tuner_cache_close(tuner->cache);
err_free:
	free(tuner);
	return rc;
}

int sp_tuner_create(const struct sp_device *device, const char *cache,
		    void (*log)(int level, const char *text), struct sp_tuner **ret_tuner,
		    struct sp_err *err)
{
	struct sp_cudnn cudnn;
	struct sp_err absent = { "cuDNN is not looked for: this device is emulated" };
	void *library;
	bool found = CUDNN_WANTED && !sp_cudnn_open(&cudnn, &library, &absent);
	int rc = sp_tuner_create_with(device, cache, log, found ? &cudnn : NULL, ret_tuner, err);

	if (rc) {
		if (found)
			sp_cudnn_close(library);
		return rc;
	}
	if (found)
		(*ret_tuner)->library = library;
	else if (log)
		log(SP_LOG_INFO, absent.text);
	return 0;
}

void sp_tuner_destroy(struct sp_tuner *tuner)
{
	if (!tuner)
		return;
	if (tuner->handle)
		tuner->cudnn.destroy(tuner->handle);
	if (tuner->library)
		sp_cudnn_close(tuner->library);
	if (tuner->stream)
		cudaStreamDestroy(tuner->stream);
	sp_tuner_cache_close(tuner->cache);
	free(tuner);
}

void sp_tuner_forget(struct sp_tuner *tuner)
{
	/* cuDNN has no other way to let go of a handle: what the host keeps of it stays. */
	tuner->library = tuner->handle = NULL;
	tuner->stream = NULL;
}

const char *sp_tuner_cudnn(const struct sp_tuner *tuner)
{
	return tuner->handle ? tuner->version : NULL;
}

/* ---- an engine ------------------------------------------------------------------------------ */

/* O × I × kh × kw as cuDNN takes it: O × kh × kw × I with padded channels, then the biases. */
static void pack(const struct sp_conv *conv, const float *weights, const float *bias, uint16_t *to,
		 float *to_bias)
{
	size_t pitch = conv->picture ? 4 : sp_tensor_pitch(conv->c);
	size_t taps = (size_t)conv->kernel[0] * conv->kernel[1];

	for (size_t o = 0; o < conv->oc; o++)
		for (size_t t = 0; t < taps; t++)
			for (size_t i = 0; i < conv->c; i++)
				to[(o * taps + t) * pitch + i] =
					sp_bf16_of(weights[(o * conv->c + i) * taps + t]);
	for (size_t o = 0; bias && o < conv->oc; o++)
		to_bias[o] = bias[o];
}

static int upload(struct sp_engine *engine, const struct sp_tuning *tuning, struct sp_err *err)
{
	const struct sp_conv *conv = tuning->conv;
	size_t pitch = conv->picture ? 4 : sp_tensor_pitch(conv->c), oc = sp_tensor_pitch(conv->oc);
	size_t numbers = oc * conv->kernel[0] * conv->kernel[1] * pitch;
	size_t bias_at = (2 * numbers + 255) / 256 * 256, bytes = bias_at + oc * sizeof(float);
	uint8_t *packed = calloc(1, bytes);
	int rc;

	if (!packed)
		return sp_err_set(err, -ENOMEM, "out of memory");
	pack(conv, tuning->weights, tuning->bias, (uint16_t *)packed, (float *)(packed + bias_at));
	rc = SP_CUDA(err, cudaMalloc(&engine->weights, bytes));
	if (rc)
		goto out_free;
	/* Returns when @packed has been read; the device may have it later. */
	rc = SP_CUDA(err, cudaMemcpy(engine->weights, packed, bytes, cudaMemcpyHostToDevice));
	if (!rc)
		rc = SP_CUDA(err, cudaDeviceSynchronize());
	engine->bias = (const float *)((uint8_t *)engine->weights + bias_at);
out_free:
	free(packed);
	return rc;
}

/* Its graph and weights; no plan yet. */
static int engine_create(struct sp_tuner *tuner, const struct sp_tuning *tuning,
			 struct sp_engine **ret_engine, struct sp_err *err)
{
	struct sp_engine *engine = calloc(1, sizeof(*engine));
	int rc;

	if (!engine)
		return sp_err_set(err, -ENOMEM, "out of memory");
	rc = sp_cudnn_conv_create(&tuner->cudnn, tuner->handle, tuning->conv, tuning->n,
				  tuning->residual, &engine->conv, err);
	if (!rc)
		rc = upload(engine, tuning, err);
	if (rc) {
		sp_engine_destroy(engine);
		return rc;
	}
	*ret_engine = engine;
	return 0;
}

static int engine_plan(struct sp_engine *engine, const struct sp_cudnn_choice *choice,
		       struct sp_err *err)
{
	int rc = sp_cudnn_plan_create(engine->conv, choice, &engine->plan, err);

	if (!rc && sp_cudnn_plan_workspace(engine->plan) > WORKSPACE_MAX) {
		sp_cudnn_plan_destroy(engine->plan);
		engine->plan = NULL;
		rc = sp_err_set(err, -ENOTSUP, "cuDNN: engine %lld wants too much memory",
				(long long)choice->engine);
	}
	if (!rc)
		snprintf(engine->name, sizeof(engine->name), "cudnn engine %lld",
			 (long long)choice->engine);
	return rc;
}

void sp_engine_destroy(struct sp_engine *engine)
{
	if (!engine)
		return;
	sp_cudnn_plan_destroy(engine->plan);
	sp_cudnn_conv_destroy(engine->conv);
	cudaFree(engine->weights);
	free(engine);
}

const char *sp_engine_name(const struct sp_engine *engine)
{
	return engine->name;
}

size_t sp_engine_workspace(const struct sp_engine *engine)
{
	return sp_cudnn_plan_workspace(engine->plan);
}

int sp_engine_run(struct sp_engine *engine, cudaStream_t stream, const struct sp_conv_run *run,
		  void *workspace, struct sp_err *err)
{
	struct sp_cudnn_tensors tensors = {
		.x = run->x->at,
		.w = engine->weights,
		.residual = run->residual ? run->residual->at : NULL,
		.bias = engine->bias,
		.y = run->y->at,
	};

	return sp_cudnn_plan_run(engine->plan, stream, &tensors, workspace, err);
}

/* ---- choosing ------------------------------------------------------------------------------- */

/* What one operation of cuDNN's computes as our kernels do. */
static bool cudnn_can(const struct sp_tuner *tuner, const struct sp_tuning *tuning)
{
	const struct sp_conv *conv = tuning->conv;
	int64_t post[2];

	if (!tuner->handle || conv->type != SP_TENSOR_BF16 || conv->group != 1)
		return false;
	if (conv->act.kind != SP_ACT_NONE && conv->act.kind != SP_ACT_RELU &&
	    !(conv->act.kind == SP_ACT_CLIP && conv->act.low == 0 && conv->act.high > 0))
		return false;
	return sp_cudnn_post_padding(conv, post);
}

static void key_of(const struct sp_tuner *tuner, const struct sp_tuning *tuning, char *key,
		   size_t size)
{
	const struct sp_conv *conv = tuning->conv;
	char model[2 * SHA256 + 1];
	size_t at;

	for (int i = 0; i < SHA256; i++)
		snprintf(model + 2 * i, 3, "%02x", tuning->model[i]);
	at = (size_t)snprintf(key, size,
			      "%s bf16 %ux%ux%ux%u%s > %ux%ux%u k%ux%u s%ux%u d%ux%u p%u,%u "
			      "act%d:%g%s ",
			      model, tuning->n, conv->h, conv->w, conv->c, conv->picture ? "p" : "",
			      conv->oh, conv->ow, conv->oc, conv->kernel[0], conv->kernel[1],
			      conv->stride[0], conv->stride[1], conv->dilation[0],
			      conv->dilation[1], conv->pad[0], conv->pad[1], conv->act.kind,
			      conv->act.kind == SP_ACT_CLIP ? conv->act.high : 0,
			      tuning->residual ? " + residual" : "");
	snprintf(key + at, size - at, "on %s, %u.%u, cuDNN %s", tuner->device.name,
		 tuner->device.major, tuner->device.minor, tuner->version);
	for (char *c = key; *c; c++)
		if (*c == '|' || *c == '\n')
			*c = '/';
}

/* Our kernel as something to try. */
static int run_ours(void *arg, cudaStream_t stream, const struct sp_conv_run *run, void *workspace,
		    struct sp_err *err)
{
	const struct sp_tuning *tuning = arg;

	(void)workspace;
	return tuning->ours(tuning->arg, stream, run, err);
}

static int run_engine(void *arg, cudaStream_t stream, const struct sp_conv_run *run,
		      void *workspace, struct sp_err *err)
{
	return sp_engine_run(arg, stream, run, workspace, err);
}

/*
 * The fastest of @choices in @entry, and in @engine its plan; ours if none of cuDNN's runs, agrees
 * and is faster. -errno: the device or ours failed.
 */
static int measure(struct sp_tuner *tuner, const struct sp_tuning *tuning, struct sp_engine *engine,
		   const struct sp_cudnn_choice *choices, unsigned int n,
		   struct sp_tuner_entry *entry, struct sp_err *err)
{
	struct sp_trial *trial;
	struct sp_cudnn_plan *best = NULL;
	struct sp_err why;
	int rc = sp_trial_create(tuning->conv, tuning->n, tuning->residual, tuner->stream, &trial,
				 err);

	if (rc)
		return rc;
	rc = sp_trial_reference(trial, run_ours, (void *)tuning, &entry->ours_us, err);
	entry->ours = true;
	for (unsigned int i = 0; !rc && i < n; i++) {
		float us;

		/* What cuDNN cannot do here, or does otherwise, is no candidate. */
		if (engine_plan(engine, &choices[i], &why))
			continue;
		if (!sp_trial_compete(trial, run_engine, engine, sp_engine_workspace(engine), &us,
				      &why) &&
		    (!best || us < entry->cudnn_us)) {
			struct sp_cudnn_plan *old = best;

			best = engine->plan;
			engine->plan = old;
			entry->cudnn_us = us;
			entry->choice = choices[i];
		}
		sp_cudnn_plan_destroy(engine->plan);
		engine->plan = NULL;
		/* What a candidate did wrong is its own; an error that stays is the device's. */
		forget_error();
		rc = SP_CUDA(err, cudaStreamSynchronize(tuner->stream));
	}
	entry->ours = !best || entry->cudnn_us >= entry->ours_us;
	sp_cudnn_plan_destroy(best);
	sp_trial_destroy(trial);
	return rc;
}

/* What was found by an earlier measurement, or by one now. 0 or -errno with @err filled. */
static int look_up(struct sp_tuner *tuner, const struct sp_tuning *tuning, struct sp_engine *engine,
		   struct sp_tuner_entry *entry, struct sp_err *err)
{
	struct sp_cudnn_choice choices[CANDIDATES_MAX];
	struct sp_err why;
	int n = sp_cudnn_conv_propose(engine->conv, choices, CANDIDATES_MAX, &why), rc;

	entry->ours = true;
	if (n < 0) {
		warn_once(tuner, why.text);
		return 0;
	}
	rc = measure(tuner, tuning, engine, choices, (unsigned int)n, entry, err);
	if (rc == -ENOMEM) {
		/* A network that leaves no memory to measure with may still run. */
		warn_once(tuner, err->text);
		entry->ours = true;
		return 0;
	}
	if (!rc && tuner->cache)
		sp_tuner_cache_keep(tuner->cache, entry);
	return rc;
}

int sp_tuner_choose(struct sp_tuner *tuner, const struct sp_tuning *tuning,
		    struct sp_engine **ret_engine, struct sp_err *err)
{
	const struct sp_tuner_entry *known;
	struct sp_tuner_entry entry = { 0 };
	struct sp_engine *engine = NULL;
	struct sp_err why;
	int rc;

	*ret_engine = NULL;
	if (!cudnn_can(tuner, tuning))
		return 0;
	key_of(tuner, tuning, entry.key, sizeof(entry.key));
	known = tuner->cache ? sp_tuner_cache_find(tuner->cache, entry.key) : NULL;
	if (known && known->ours)
		return 0;
	if (engine_create(tuner, tuning, &engine, &why)) {
		warn_once(tuner, why.text);
		forget_error();
		return 0;
	}
	if (!known || engine_plan(engine, &known->choice, &why)) {
		rc = look_up(tuner, tuning, engine, &entry, &why);
		if (rc) {
			sp_engine_destroy(engine);
			return sp_err_set(err, rc, "choosing an engine: %s", why.text);
		}
		if (entry.ours || engine_plan(engine, &entry.choice, &why)) {
			sp_engine_destroy(engine);
			forget_error();
			return 0;
		}
	}
	*ret_engine = engine;
	return 0;
}
