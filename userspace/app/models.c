/* SPDX-License-Identifier: Apache-2.0 */
#include "app/models.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/known_models.h"
#include "base/diag.h"

const char *sp_models_shared(void)
{
	const char *shared = getenv("SALLYPORT_SHARED");

	return shared && *shared ? shared : "../shared";
}

/* ---- the search path ------------------------------------------------------------------------- */

static void add_place(struct sp_models_places *places, const char *directory, const char *below)
{
	char *path = places->path[places->n];

	if (!directory || !*directory ||
	    snprintf(path, SP_MODELS_PLACE_SIZE, "%s%s", directory, below) >= SP_MODELS_PLACE_SIZE)
		return;
	for (unsigned int i = 0; i < places->n; i++)
		if (!strcmp(places->path[i], path))
			return;
	places->n++;
}

/* PREFIX of PREFIX/bin/sallyport, or "". */
static void find_prefix(char *prefix, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", prefix, size - 1);

	prefix[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(prefix, '/');

		if (slash)
			*slash = '\0';
	}
}

void sp_models_places(const char *directory, struct sp_models_places *ret_places)
{
	char prefix[PATH_MAX];

	find_prefix(prefix, sizeof(prefix));
	ret_places->n = 0;
	add_place(ret_places, directory, "");
	add_place(ret_places, getenv("SALLYPORT_MODELS"), "");
	add_place(ret_places, "/var/lib/sallyport/models", "");
	add_place(ret_places, "models", "");
	add_place(ret_places, prefix, "/share/sallyport/models");
	add_place(ret_places, sp_models_shared(), "/models");
}

int sp_models_find(const char *directory, const char *name, char *path, size_t size,
		   struct sp_err *err)
{
	struct sp_models_places places;
	char looked[300] = "";

	if (strchr(name, '/')) {
		if (access(name, R_OK))
			return sp_err_set(err, -ENOENT, "model %s: %s", name, strerror(errno));
		if (snprintf(path, size, "%s", name) >= (int)size)
			return sp_err_set(err, -ENAMETOOLONG, "model %s: the path is too long",
					  name);
		return 0;
	}
	sp_models_places(directory, &places);
	for (unsigned int i = 0; i < places.n; i++) {
		size_t used = strlen(looked);

		if (snprintf(path, size, "%s/%s", places.path[i], name) < (int)size &&
		    !access(path, R_OK))
			return 0;
		snprintf(looked + used, sizeof(looked) - used, "%s%s", used ? ", " : "",
			 places.path[i]);
	}
	return sp_err_set(err, -ENOENT,
			  "model %s is not in %s; run `sallyport model install`, put the file "
			  "there or set SALLYPORT_MODELS",
			  name, looked);
}

/* ---- the choice ------------------------------------------------------------------------------ */

static bool is_ours(const char *name)
{
	const struct sp_known_model *known;

	if (!name)
		return false; /* nothing is named */
	known = sp_known_model_named(strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
	return known && known->origin == SP_MODEL_OURS;
}

static const char *name_of(const char *wished, enum sp_model_role role, enum sp_model_origin origin)
{
	return wished ?: sp_known_model_for(role, origin)->file;
}

static int choose_pair(enum sp_model_origin origin, const struct sp_models_wish *wish,
		       struct sp_models *models, struct sp_err *err)
{
	return sp_models_find(wish->directory, name_of(wish->detector, SP_ROLE_DETECTOR, origin),
			      models->detector, sizeof(models->detector), err) ?:
	       sp_models_find(wish->directory, name_of(wish->embedder, SP_ROLE_EMBEDDER, origin),
			      models->embedder, sizeof(models->embedder), err);
}

static int choose_quality(enum sp_model_origin origin, const struct sp_models_wish *wish,
			  struct sp_models *models, struct sp_err *err)
{
	const char *name = name_of(wish->quality, SP_ROLE_QUALITY, origin);
	int status;

	if (!strcmp(name, "none"))
		return 0;
	status = sp_models_find(wish->directory, name, models->quality, sizeof(models->quality),
				wish->quality ? err : NULL);
	if (!status || wish->quality)
		return status;
	models->quality[0] = '\0';
	models->quality_lacking = true;
	return 0;
}

int sp_models_choose(const struct sp_models_wish *wish, struct sp_models *ret_models,
		     struct sp_err *err)
{
	/* Who names one of ours means all of them. */
	bool ours = is_ours(wish->detector) || is_ours(wish->embedder);
	enum sp_model_origin origin = ours ? SP_MODEL_OURS : SP_MODEL_RECOMMENDED;
	struct sp_models models = { 0 };
	struct sp_err why;
	int status = choose_pair(origin, wish, &models, &why);

	if (status && !ours && !choose_pair(SP_MODEL_OURS, wish, &models, NULL)) {
		origin = SP_MODEL_OURS;
		status = 0;
	}
	if (status)
		return sp_err_set(err, status, "%s", why.text);
	status = choose_quality(origin, wish, &models, err);
	if (status)
		return status;
	models.demonstration = is_ours(models.detector) || is_ours(models.embedder) ||
			       is_ours(models.quality);
	*ret_models = models;
	return 0;
}

void sp_models_warn(const struct sp_models *models)
{
	if (models->demonstration)
		sp_log(SP_LOG_WARNING,
		       "models for demonstration are in use: they know synthetic people only "
		       "(`sallyport model install` fetches the recommended ones)");
	if (models->quality_lacking)
		sp_log(SP_LOG_WARNING,
		       "no quality network was found: shots are judged without it (README, "
		       "\"Models\")");
}
