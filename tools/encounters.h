/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `sallyport encounters` share. */
#ifndef SP_TOOLS_ENCOUNTERS_H
#define SP_TOOLS_ENCOUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "app/stills.h"
#include "place.h"

struct sp_encounter;
struct sp_recall_filter;

/* The subcommands that have a file of their own. */
int cmd_encounters_compare(int argc, char **argv);
int cmd_encounters_sheet(int argc, char **argv);

/*
 * All of these return -1 to go on, or an exit code after a complaint in the name of @me.
 * The directory of the journal; it is not opened.
 */
int encounters_journal(const char *me, const struct sp_place_options *place, char *directory,
		       size_t size);
/* The encounter whose id begins with @id; it ends with encounters_drop. */
int encounters_one(const char *me, const struct sp_place_options *place, const char *id,
		   struct sp_encounter **ret_encounter);
void encounters_drop(struct sp_encounter *encounter);

/* --lane, --since, --until. */
struct encounters_span {
	const char *lane, *since, *until;
};

#define ENCOUNTERS_SPAN_OPTIONS(span)                                                              \
	{ "lane", 'l', SP_OPT_STRING, &(span).lane, "NAME", "only of this lane", 0, 0 },           \
	{ "since", 0, SP_OPT_STRING, &(span).since, "TIME",                                        \
	  "ended at or after, UTC or an age (15m, 12h, 3d)", 0, 0 },                               \
	{ "until", 0, SP_OPT_STRING, &(span).until, "TIME", "ended at or before", 0, 0 }

int encounters_filter(const char *me, const struct encounters_span *span,
		      struct sp_recall_filter *ret_filter);

#define ENCOUNTERS_MODEL_OPTIONS(stills_config)                                                    \
	{ "model-dir", 'm', SP_OPT_STRING, &(stills_config).model_directory, "DIR",                \
	  "look for models here first", 0, 0 },                                                    \
	{ "detector", 0, SP_OPT_STRING, &(stills_config).detector, "FILE",                         \
	  "a YuNet-shaped ONNX model (the configuration's)", 0, 0 },                               \
	{ "embedder", 0, SP_OPT_STRING, &(stills_config).embedder, "FILE",                         \
	  "the model that the encounters were recorded with (the configuration's)", 0, 0 }

/* Opens @config completed by the instance's configuration: its templates are of those models. */
int encounters_stills(const char *me, const struct sp_place_options *place,
		      const struct sp_stills_config *config, struct sp_stills **ret_stills);

struct sp_documents;

/* Looks at all of them, with a progress bar; one without a face is named on stderr. */
int encounters_look(const char *me, struct sp_documents *documents, struct sp_stills *stills);

/*
 * Empties or makes a file for faces: nobody but its owner may read it, also if it was there before.
 * The descriptor or -errno.
 */
int encounters_open_private(const char *path);

#endif
