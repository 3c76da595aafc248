/* SPDX-License-Identifier: Apache-2.0 */
/* Where model files are found, and which are taken when none are named. */
#ifndef SP_APP_MODELS_H
#define SP_APP_MODELS_H

#include <stdbool.h>
#include <stddef.h>

struct sp_err;

enum { SP_MODELS_PLACES_MAX = 6, SP_MODELS_PLACE_SIZE = 1024, SP_MODELS_PATH_SIZE = 4096 };

/* Directories, the first to look into first. */
struct sp_models_places {
	unsigned int n;
	char path[SP_MODELS_PLACES_MAX][SP_MODELS_PLACE_SIZE];
};

/*
 * @directory (may be NULL), $SALLYPORT_MODELS, /var/lib/sallyport/models, models/, what was
 * installed with the program (../share/sallyport/models from its own directory) and
 * $SALLYPORT_SHARED/models (default ../shared/models); each once, whether there or not.
 */
void sp_models_places(const char *directory, struct sp_models_places *ret_places);

/*
 * The path of @name into @path: as it stands if it holds a '/', else from the first of these places
 * that has it. 0, or -ENOENT with @err saying where it was looked for.
 */
int sp_models_find(const char *directory, const char *name, char *path, size_t size,
		   struct sp_err *err);

/* What is asked for: names or paths, NULL where the choice is ours; quality may be "none". */
struct sp_models_wish {
	const char *directory; /* looked into first; may be NULL */
	const char *detector, *embedder, *quality;
};

struct sp_models {
	char detector[SP_MODELS_PATH_SIZE], embedder[SP_MODELS_PATH_SIZE];
	char quality[SP_MODELS_PATH_SIZE]; /* "": none */
	bool demonstration; /* a model of ours is among them */
	bool quality_lacking; /* none, though nobody asked for none */
};

/*
 * The one place that decides: what is named as it is named, for the rest the recommended models if
 * the search path has them, else ours. Detector and embedder come from one set. The recommended
 * quality network cannot be fetched by `model install`, so that its absence is no failure.
 * 0, or -ENOENT with @err filled.
 */
int sp_models_choose(const struct sp_models_wish *wish, struct sp_models *ret_models,
		     struct sp_err *err);

/* Tells the log what a person should know of the choice, a line each. */
void sp_models_warn(const struct sp_models *models);

/* $SALLYPORT_SHARED or "../shared": photographs, weights and golden outputs for demo and tests. */
const char *sp_models_shared(void);

#endif
