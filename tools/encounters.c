/* SPDX-License-Identifier: Apache-2.0 */
#include "encounters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "app/documents.h"
#include "app/recall.h"
#include "base/clock.h"
#include "base/progress.h"
#include "command.h"
#include "lane/encounter.h"

int encounters_journal(const char *me, const struct sp_place_options *place, char *directory,
		       size_t size)
{
	struct sp_err err;

	if (!sp_place_journal(place, directory, size, &err))
		return -1;
	return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
}

int encounters_one(const char *me, const struct sp_place_options *place, const char *id,
		   struct sp_encounter **ret_encounter)
{
	struct sp_encounter *encounter;
	char directory[4096];
	struct sp_err err;
	int code = encounters_journal(me, place, directory, sizeof(directory)), status;

	if (code >= 0)
		return code;
	encounter = calloc(1, sizeof(*encounter));
	if (!encounter)
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	status = sp_recall_one(directory, id, encounter, &err);
	if (status) {
		free(encounter);
		return sp_command_fail(me, status == -ENOENT ? SP_EXIT_NOTHING : SP_EXIT_FAILED,
				       "%s", err.text);
	}
	*ret_encounter = encounter;
	return -1;
}

void encounters_drop(struct sp_encounter *encounter)
{
	sp_encounter_clear(encounter);
	free(encounter);
}

static int parse_time(const char *me, const char *name, const char *text, uint64_t *ret_utc_ns)
{
	if (!text || !sp_clock_parse_utc(text, sp_clock_utc(), ret_utc_ns))
		return -1;
	return sp_command_fail(me, SP_EXIT_USAGE,
			       "--%s: '%s' is not a time such as 2026-11-23T14:05 or an age "
			       "such as 15m, 12h, 3d",
			       name, text);
}

int encounters_filter(const char *me, const struct encounters_span *span,
		      struct sp_recall_filter *ret_filter)
{
	struct sp_recall_filter filter = { .lane = span->lane };
	int code = parse_time(me, "since", span->since, &filter.since_utc_ns);

	if (code < 0)
		code = parse_time(me, "until", span->until, &filter.until_utc_ns);
	if (code < 0)
		*ret_filter = filter;
	return code;
}

int encounters_stills(const char *me, const struct sp_place_options *place,
		      const struct sp_stills_config *config, struct sp_stills **ret_stills)
{
	struct sp_stills_config complete = *config;
	struct sp_config *instance = NULL;
	struct sp_err err;
	int status = 0;

	if (!place->data) {
		status = sp_config_load(place->config ?: "/etc/sallyport.yaml", &instance, &err);
		if (status)
			return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
		complete.model_directory = complete.model_directory ?: instance->model_directory;
		complete.quality = complete.quality ?: instance->compute.quality;
		/* Who names one of the two means a pair of his own. */
		if (!complete.detector && !complete.embedder) {
			complete.detector = instance->compute.detector;
			complete.embedder = instance->compute.embedder;
		}
	}
	status = sp_stills_open(&complete, ret_stills, &err);
	sp_config_free(instance);
	return status ? sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text) : -1;
}

int encounters_look(const char *me, struct sp_documents *documents, struct sp_stills *stills)
{
	struct sp_progress progress;
	struct sp_err err;
	int code = -1;

	sp_progress_start(&progress, "documents", documents->n);
	for (uint32_t i = 0; i < documents->n && code < 0; i++) {
		const struct sp_document *document = &documents->document[i];
		int status = sp_documents_look(documents, i, stills, &err);

		sp_progress_update(&progress, i + 1, document->name);
		if (!status && document->has_face)
			continue;
		sp_progress_end(&progress);
		if (status)
			code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
		else
			sp_command_fail(me, SP_EXIT_NOTHING, "%s: no face found", document->path);
	}
	sp_progress_end(&progress);
	return code;
}

int encounters_open_private(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;
	int status;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && (!S_ISREG(st.st_mode) || !fchmod(fd, 0600)))
		return fd;
	status = -errno;
	close(fd);
	return status;
}
