/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document photographs at hand, each looked at once, and how the occupants of encounters
 * compare with them. They are what travellers hand over at the lane: a few, by name, for 1:1
 * comparisons, and nothing of them is kept beyond the program's run.
 */
#ifndef SP_APP_DOCUMENTS_H
#define SP_APP_DOCUMENTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"
#include "infer/compute.h"
#include "lane/compare.h"
#include "lane/encounter.h"

struct sp_err;
struct sp_stills;

enum { SP_DOCUMENTS_MAX = 256 };

struct sp_document {
	char *path;
	char name[NAME_MAX + 1]; /* the file's; '?' for what tables and JSON cannot show */
	bool has_face;
	float embedding[SP_EMBEDDING_MAX];
	struct sp_image portrait; /* of its main face; rgb NULL where there is none */
};

struct sp_documents {
	uint32_t n;
	struct sp_document document[SP_DOCUMENTS_MAX];
	uint8_t embedder_id[SP_MODEL_ID_SIZE];
	uint32_t embedding_size;
};

/* NULL if there is no memory. */
struct sp_documents *sp_documents_create(void);
void sp_documents_destroy(struct sp_documents *documents); /* faces are wiped */

/*
 * Adds the picture at @path, or the JPEG, PNG, PGM and PPM files of a directory by name. -E2BIG
 * with more than SP_DOCUMENTS_MAX, -ENOENT: nothing is there, with @err filled.
 */
int sp_documents_add(struct sp_documents *documents, const char *path, struct sp_err *err);

/* Looks at document @i: its main face, or has_face false. 0 or -errno with @err filled. */
int sp_documents_look(struct sp_documents *documents, uint32_t i, struct sp_stills *stills,
		      struct sp_err *err);

/* One occupant (0, 1, …) with a template beside one document. As sp_match_compare. */
int sp_documents_compare(const struct sp_documents *documents, uint32_t document,
			 const struct sp_encounter *encounter, uint32_t occupant,
			 const struct sp_match_threshold *threshold,
			 struct sp_comparison *ret_comparison, struct sp_err *err);

/* The best document of an occupant among those that are no other occupant's. */
struct sp_document_match {
	const struct sp_document *document; /* NULL: none is left, or there is no template */
	struct sp_comparison comparison;
};

/*
 * Every occupant of @encounter against every document, 1:1; then an occupant gets at most one
 * document and a document at most one occupant, best first (sp_match_pairs). 0, -EPROTO if the
 * templates are of another model, or another -errno of sp_match_compare, with @err filled.
 */
int sp_documents_match(const struct sp_documents *documents, const struct sp_encounter *encounter,
		       const struct sp_match_threshold *threshold,
		       struct sp_document_match ret_matches[SP_OCCUPANTS_MAX], struct sp_err *err);

#endif
