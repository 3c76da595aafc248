/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/tuner_cache.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"

enum { LINE = 2048, PATH = 4096 };

static const char HEAD[] = "# sallyport: engines of convolutions, measured; may be deleted\n";

struct sp_tuner_cache {
	char path[PATH];
	void (*log)(int level, const char *text);
	bool warned;
	unsigned int n;
	struct sp_tuner_entry *entries; /* room for SP_TUNER_ENTRIES_MAX, oldest first */
};

__attribute__((format(printf, 2, 3))) static void warn(struct sp_tuner_cache *cache,
						       const char *fmt, ...)
{
	char text[PATH + 256];
	va_list ap;

	if (cache->warned || !cache->log)
		return;
	cache->warned = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cache->log(SP_LOG_WARNING, text);
}

/* FNV-1a, 32 bits: finds lines that are cut or have wrong bytes. */
static uint32_t checksum(const char *text)
{
	uint32_t sum = 2166136261u;

	for (; *text; text++)
		sum = (sum ^ (uint8_t)*text) * 16777619u;
	return sum;
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* Without its checksum. Bytes, or -1: it does not fit. */
static int format_entry(const struct sp_tuner_entry *entry, char *line, size_t size)
{
	int at = snprintf(line, size, "%s | ", entry->key);

	if (entry->ours)
		at += snprintf(line + at, size - (size_t)at, "ours");
	else
		at += snprintf(line + at, size - (size_t)at, "%" PRId64, entry->choice.engine);
	for (unsigned int i = 0; !entry->ours && i < entry->choice.knobs_n; i++) {
		at += snprintf(line + at, size - (size_t)at, " %" PRId64 "=%" PRId64,
			       entry->choice.knobs[i].type, entry->choice.knobs[i].value);
		if ((size_t)at >= size)
			return -1;
	}
	at += snprintf(line + at, size - (size_t)at, " | %.2f %.2f", (double)entry->ours_us,
		       (double)entry->cudnn_us);
	return (size_t)at < size ? at : -1;
}

static bool parse_choice(char *text, struct sp_tuner_entry *entry)
{
	struct sp_cudnn_choice *choice = &entry->choice;
	char *end;

	entry->ours = !strcmp(text, "ours");
	if (entry->ours)
		return true;
	choice->engine = strtoll(text, &end, 10);
	if (end == text || choice->engine < 0)
		return false;
	while (*end == ' ') {
		int used = 0;

		if (choice->knobs_n == SP_CUDNN_KNOBS_MAX ||
		    sscanf(end, " %" SCNd64 "=%" SCNd64 "%n", &choice->knobs[choice->knobs_n].type,
			   &choice->knobs[choice->knobs_n].value, &used) < 2)
			return false;
		choice->knobs_n++;
		end += used;
	}
	return !*end;
}

/* @line is cut into pieces. */
static bool parse_entry(char *line, struct sp_tuner_entry *entry)
{
	char *piece[4];
	uint32_t sum;
	int used = 0;

	memset(entry, 0, sizeof(*entry));
	line[strcspn(line, "\n")] = 0;
	piece[3] = strrchr(line, '|');
	if (!piece[3] || piece[3] < line + 3 ||
	    sscanf(piece[3], "| %" SCNx32 "%n", &sum, &used) < 1 || piece[3][used])
		return false;
	piece[3][-1] = 0;
	if (checksum(line) != sum)
		return false;
	piece[0] = line;
	for (int i = 1; i < 3; i++) {
		piece[i] = strstr(piece[i - 1], " | ");
		if (!piece[i])
			return false;
		*piece[i] = 0;
		piece[i] += 3;
	}
	if (strlen(piece[0]) >= sizeof(entry->key))
		return false;
	strcpy(entry->key, piece[0]);
	return parse_choice(piece[1], entry) &&
	       sscanf(piece[2], "%f %f", &entry->ours_us, &entry->cudnn_us) == 2;
}

/* ---- the file ------------------------------------------------------------------------------- */

static void put(struct sp_tuner_cache *cache, const struct sp_tuner_entry *entry)
{
	struct sp_tuner_entry *to = cache->entries;

	while (to < cache->entries + cache->n && strcmp(to->key, entry->key))
		to++;
	if (to == cache->entries + SP_TUNER_ENTRIES_MAX) {
		to = cache->entries + --cache->n;
		memmove(cache->entries, cache->entries + 1, cache->n * sizeof(*to));
	}
	if (to == cache->entries + cache->n)
		cache->n++;
	*to = *entry;
}

static void read_file(struct sp_tuner_cache *cache)
{
	FILE *file = fopen(cache->path, "r");
	struct sp_tuner_entry entry;
	char line[LINE];
	unsigned int bad = 0;

	if (!file) {
		if (errno != ENOENT)
			warn(cache, "%s: %s; convolutions are measured again", cache->path,
			     strerror(errno));
		return;
	}
	/* A file of ours has no more lines than that, with the first. */
	for (unsigned int i = 0; i <= SP_TUNER_ENTRIES_MAX && fgets(line, sizeof(line), file);
	     i++) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (parse_entry(line, &entry))
			put(cache, &entry);
		else
			bad++;
	}
	fclose(file);
	if (bad)
		warn(cache,
		     "%s: %u lines are damaged and left out; what they were about is measured "
		     "again",
		     cache->path, bad);
}

static bool write_lines(const struct sp_tuner_cache *cache, FILE *file)
{
	char line[LINE];

	if (fputs(HEAD, file) < 0)
		return false;
	for (unsigned int i = 0; i < cache->n; i++) {
		if (format_entry(&cache->entries[i], line, sizeof(line)) < 0)
			continue;
		if (fprintf(file, "%s | %08" PRIx32 "\n", line, checksum(line)) < 0)
			return false;
	}
	return true;
}

/* Its parent must be there. What is wrong with it the file's own trouble tells. */
static void make_directory(const struct sp_tuner_cache *cache)
{
	char path[PATH];
	char *slash;

	memcpy(path, cache->path, sizeof(path));
	slash = strrchr(path, '/');
	if (!slash)
		return;
	*slash = 0;
	(void)mkdir(path, 0700);
}

static void write_file(struct sp_tuner_cache *cache)
{
	char path[PATH + 16];
	FILE *file = NULL;
	bool wrote;
	int fd;

	make_directory(cache);
	snprintf(path, sizeof(path), "%s.XXXXXX", cache->path);
	fd = mkstemp(path);
	if (fd >= 0)
		file = fdopen(fd, "w");
	if (!file) {
		warn(cache, "%s: %s; what is measured of convolutions is not kept", cache->path,
		     strerror(errno));
		if (fd >= 0) {
			close(fd);
			unlink(path);
		}
		return;
	}
	wrote = write_lines(cache, file);
	wrote &= !fclose(file);
	if (wrote && !rename(path, cache->path))
		return;
	warn(cache, "%s: %s; what is measured of convolutions is not kept", cache->path,
	     strerror(errno));
	unlink(path);
}

struct sp_tuner_cache *sp_tuner_cache_open(const char *directory,
					   void (*log)(int level, const char *text))
{
	struct sp_tuner_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->entries = calloc(SP_TUNER_ENTRIES_MAX, sizeof(*cache->entries));
	if (!cache->entries) {
		free(cache);
		return NULL;
	}
	cache->log = log;
	snprintf(cache->path, sizeof(cache->path), "%s/convolutions", directory);
	read_file(cache);
	return cache;
}

void sp_tuner_cache_close(struct sp_tuner_cache *cache)
{
	if (!cache)
		return;
	free(cache->entries);
	free(cache);
}

const struct sp_tuner_entry *sp_tuner_cache_find(const struct sp_tuner_cache *cache,
						 const char *key)
{
	for (unsigned int i = 0; i < cache->n; i++)
		if (!strcmp(cache->entries[i].key, key))
			return &cache->entries[i];
	return NULL;
}

void sp_tuner_cache_keep(struct sp_tuner_cache *cache, const struct sp_tuner_entry *entry)
{
	put(cache, entry);
	write_file(cache);
}
