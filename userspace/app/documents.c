/* SPDX-License-Identifier: Apache-2.0 */
#include "app/documents.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <jansson.h>

#include "app/stills.h"
#include "base/diag.h"

enum { SMALL_SIDE = 256 }; /* pixels */

struct sp_documents *sp_documents_create(void)
{
	return calloc(1, sizeof(struct sp_documents));
}

static void wipe(struct sp_image *image)
{
	if (image->rgb)
		explicit_bzero(image->rgb, (size_t)image->width * image->height * 3);
	sp_image_uninit(image);
}

void sp_documents_destroy(struct sp_documents *d)
{
	if (!d)
		return;
	for (uint32_t i = 0; i < d->n; i++) {
		wipe(&d->document[i].portrait);
		free(d->document[i].path);
	}
	explicit_bzero(d, sizeof(*d));
	free(d);
}

/* ---- what there is --------------------------------------------------------------------------- */

/* A '|' would begin another column of a table, and JSON is UTF-8. */
static void show_name(const char *file, char name[NAME_MAX + 1])
{
	json_t *utf8 = json_string(file);
	size_t i = 0;

	for (; file[i] && i < NAME_MAX; i++) {
		unsigned char c = (unsigned char)file[i];
		bool plain = c >= 0x20 && c < 0x7F && c != '|';

		name[i] = plain || (c >= 0x80 && utf8) ? file[i] : '?';
	}
	name[i] = '\0';
	json_decref(utf8);
}

static int add_file(struct sp_documents *d, const char *path, struct sp_err *err)
{
	struct sp_document *document = &d->document[d->n];
	const char *slash = strrchr(path, '/');

	if (d->n == SP_DOCUMENTS_MAX)
		return sp_err_set(err, -E2BIG,
				  "more than %d documents; give those that are at hand",
				  SP_DOCUMENTS_MAX);
	document->path = strdup(path);
	if (!document->path)
		return sp_err_set(err, -ENOMEM, "out of memory");
	show_name(slash ? slash + 1 : path, document->name);
	d->n++;
	return 0;
}

static int is_picture(const struct dirent *entry)
{
	static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".pgm", ".ppm" };
	const char *dot = strrchr(entry->d_name, '.');

	for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++)
		if (!strcasecmp(dot, endings[i]))
			return entry->d_name[0] != '.';
	return 0;
}

static int add_directory(struct sp_documents *d, const char *directory, struct sp_err *err)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_picture, alphasort), status = 0;
	char path[4096];

	if (n < 0)
		return sp_err_set(err, -errno, "%s: %s", directory, strerror(errno));
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		free(entries[i]);
		status = status ?: add_file(d, path, err);
	}
	free(entries);
	if (!n)
		return sp_err_set(err, -ENOENT, "%s: no JPEG, PNG, PGM or PPM file is there",
				  directory);
	return status;
}

int sp_documents_add(struct sp_documents *d, const char *path, struct sp_err *err)
{
	struct stat st;

	if (stat(path, &st))
		return sp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	return S_ISDIR(st.st_mode) ? add_directory(d, path, err) : add_file(d, path, err);
}

/* ---- their faces ----------------------------------------------------------------------------- */

/* A document without its portrait is still one: only sheets show it. */
static int keep_portrait(struct sp_document *document, const struct sp_portrait *portrait)
{
	wipe(&document->portrait);
	if (!portrait)
		return 0;
	if (sp_image_init(&document->portrait, portrait->width, portrait->height))
		return -ENOMEM;
	memcpy(document->portrait.rgb, portrait->rgb,
	       (size_t)portrait->width * portrait->height * 3);
	return 0;
}

/* Keeps the main face of @picture if its part of the picture is clearly greater than *@share. */
static int look_at(struct sp_document *document, const struct sp_image *picture,
		   struct sp_stills *stills, float *share, struct sp_err *err)
{
	const struct sp_result *result;
	const struct sp_face *face;
	float part;
	int status = sp_stills_analyse(stills, picture, &result, err);

	if (status)
		return sp_err_prefix(err, status, "%s", document->path);
	face = sp_stills_main_face(result);
	part = face ? face->box[2] * face->box[3] / ((float)picture->width * (float)picture->height)
		    : 0;
	if (part <= 2 * *share)
		return 0; /* the same face again, or none */
	*share = part;
	document->has_face = true;
	memcpy(document->embedding, face->embedding,
	       sp_stills_info(stills)->embedding_size * sizeof(float));
	if (keep_portrait(document, face->portrait))
		return sp_err_set(err, -ENOMEM, "out of memory");
	return 0;
}

/*
 * Detectors are made for faces of a camera's picture, and a document's may fill it: in a small copy
 * it is of the size that they know. A face that was found in the picture itself is sharper.
 */
static int look_at_copy(struct sp_document *document, const struct sp_image *picture,
			struct sp_stills *stills, float *share, struct sp_err *err)
{
	uint32_t longest = picture->width > picture->height ? picture->width : picture->height;
	struct sp_image copy;
	int status;

	if (longest <= SMALL_SIDE)
		return 0;
	status = sp_image_init(&copy, picture->width * SMALL_SIDE / longest ?: 1,
			       picture->height * SMALL_SIDE / longest ?: 1);
	if (status)
		return sp_err_set(err, status, "out of memory");
	sp_image_letterbox(&copy, picture);
	status = look_at(document, &copy, stills, share, err);
	wipe(&copy);
	return status;
}

int sp_documents_look(struct sp_documents *d, uint32_t i, struct sp_stills *stills,
		      struct sp_err *err)
{
	const struct sp_compute_info *info = sp_stills_info(stills);
	struct sp_document *document = &d->document[i];
	struct sp_image picture;
	float share = 0;
	int status = sp_image_read(document->path, &picture, err);

	if (status)
		return status;
	d->embedding_size = info->embedding_size;
	memcpy(d->embedder_id, info->embedder_id, sizeof(d->embedder_id));
	status = look_at(document, &picture, stills, &share, err);
	if (!status)
		status = look_at_copy(document, &picture, stills, &share, err);
	wipe(&picture);
	return status;
}

/* ---- comparison ------------------------------------------------------------------------------ */

int sp_documents_compare(const struct sp_documents *d, uint32_t document,
			 const struct sp_encounter *e, uint32_t occupant,
			 const struct sp_match_threshold *threshold,
			 struct sp_comparison *ret_comparison, struct sp_err *err)
{
	const struct sp_occupant *o = &e->occupants[occupant];
	const struct sp_template seen = { e->embedder_id, o->embedding, o->embedding_size };
	const struct sp_template held = { d->embedder_id, d->document[document].embedding,
					  d->embedding_size };
	int status = sp_match_compare(&seen, &held, threshold, ret_comparison, err);

	return status ? sp_err_prefix(err, status, "occupant %u and %s", occupant + 1,
				      d->document[document].name)
		      : 0;
}

int sp_documents_match(const struct sp_documents *d, const struct sp_encounter *e,
		       const struct sp_match_threshold *threshold,
		       struct sp_document_match ret_matches[SP_OCCUPANTS_MAX], struct sp_err *err)
{
	struct sp_document_match matches[SP_OCCUPANTS_MAX] = { 0 };
	struct sp_pair pairs[SP_OCCUPANTS_MAX * SP_DOCUMENTS_MAX];
	struct sp_comparison c;
	uint32_t n = 0;
	int status;

	for (uint32_t i = 0; i < e->occupants_n; i++) {
		for (uint32_t k = 0; k < d->n && e->occupants[i].embedding_size; k++) {
			if (!d->document[k].has_face)
				continue;
			status = sp_documents_compare(d, k, e, i, threshold, &c, err);
			if (status)
				return status;
			pairs[n++] = (struct sp_pair){ i, k, c.similarity };
		}
	}
	n = sp_match_pairs(pairs, n);
	for (uint32_t i = 0; i < n; i++) {
		struct sp_document_match *match = &matches[pairs[i].a];

		match->document = &d->document[pairs[i].b];
		match->comparison = (struct sp_comparison){
			.similarity = pairs[i].similarity,
			.threshold = *threshold,
			.decision = pairs[i].similarity >= threshold->similarity ? SP_MATCH
										  : SP_NO_DECISION,
		};
	}
	memcpy(ret_matches, matches, sizeof(matches));
	return 0;
}
