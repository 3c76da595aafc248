/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/known_models.h"
#include "app/model_install.h"
#include "app/models.h"
#include "base/diag.h"
#include "base/progress.h"
#include "base/table.h"
#include "cmd_model.h"
#include "command.h"
#include "fetch.h"

static const char me[] = "sallyport model install";

static const char *to, *from;
static bool json, show_table, force;

static const struct sp_opt options[] = {
	{ "to", 't', SP_OPT_STRING, &to, "DIR",
	  "where to ($SALLYPORT_MODELS, or /var/lib/sallyport/models)", 0, 0 },
	{ "from", 'f', SP_OPT_STRING, &from, "DIR|URL",
	  "a folder with the files, or a mirror, instead of the authors' addresses", 0, 0 },
	{ "force", 0, SP_OPT_FLAG, &force, NULL, "replace a file of another content", 0, 0 },
	{ "list", 'l', SP_OPT_FLAG, &show_table, NULL, "show what is pinned, install nothing", 0,
	  0 },
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "JSON lines, one a file", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"[NAME…]",
	"Fetches the recommended models from where their authors publish them.",
	"Every file is checked by its pinned size and sha256 before it gets its name. Without\n"
	"network: copy the files to the machine by hand and give --from DIR. Needs the program\n"
	"curl, unless --from names a folder.",
};

/* ---- what is pinned -------------------------------------------------------------------------- */

static bool fits(const struct sp_known_model *model)
{
	return model->origin == SP_MODEL_RECOMMENDED;
}

static void address(const struct sp_known_model *m, char *url, size_t size)
{
	snprintf(url, size, "https://raw.githubusercontent.com/%s/%s/%s", m->repository, m->commit,
		 m->path);
}

static int list_pinned(void)
{
	struct sp_table table;
	char url[512];

	if (sp_table_init(&table, "model|kind|>bytes|sha256|licence|from"))
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	for (const struct sp_known_model *m = sp_known_models; m->file; m++) {
		if (!fits(m))
			continue;
		if (m->path)
			address(m, url, sizeof(url));
		else
			snprintf(url, sizeof(url), "a conversion of %s @ %s: --from DIR only",
				 m->repository, m->commit);
		if (json)
			sp_command_print_json(json_pack(
				"{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s*, s:s*}", "file", m->file,
				"kind", sp_model_role_name(m->role), "bytes", (json_int_t)m->bytes,
				"sha256", m->sha256, "licence", m->licence, "repository",
				m->repository, "commit", m->commit, "path", m->path, "url",
				m->path ? url : NULL));
		else
			sp_table_row(&table, "%s|%s|%llu|%s|%s|%s", m->file,
				     sp_model_role_name(m->role), (unsigned long long)m->bytes,
				     m->sha256, m->licence, url);
	}
	if (!json)
		sp_table_print(&table, stdout);
	sp_table_uninit(&table);
	return SP_EXIT_OK;
}

/* ---- where it comes from --------------------------------------------------------------------- */

static void show(void *arg, uint64_t bytes)
{
	sp_progress_update(arg, bytes, NULL);
}

static int put(const struct sp_known_model *m, int fd, struct sp_err *err)
{
	struct sp_progress progress;
	int status;

	sp_progress_start(&progress, m->file, m->bytes);
	status = sp_model_put(m, fd, to, show, &progress, err);
	sp_progress_end(&progress);
	return status;
}

static int fetch(const struct sp_known_model *m, const char *url, bool mirror, struct sp_err *err)
{
	static const char remedy[] = "or copy the file to this machine by hand and give --from DIR";
	struct sp_fetch fetch;
	struct sp_err curl;
	int status = sp_fetch_open(url, mirror, m->bytes, &fetch, &curl), ended;

	if (status)
		return sp_err_set(err, status, "%s; install it, %s", curl.text, remedy);
	status = put(m, fetch.fd, err);
	ended = sp_fetch_close(&fetch, &curl);
	/* A transfer that broke off explains why the file is short. */
	if (status == -EBADMSG && ended)
		sp_err_set(err, status, "%s; try again, %s", curl.text, remedy);
	return status ? sp_err_prefix(err, status, "%s", url) : 0;
}

/* Opens @m in the folder --from, by our name or by its authors'. The descriptor, or -errno. */
static int open_in_folder(const struct sp_known_model *m, char *path, size_t size)
{
	const char *theirs = m->path ? strrchr(m->path, '/') + 1 : m->file;
	int fd;

	snprintf(path, size, "%s/%s", from, theirs);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	snprintf(path, size, "%s/%s", from, m->file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int put_from_folder(const struct sp_known_model *m, struct sp_err *err)
{
	char path[SP_MODELS_PATH_SIZE];
	int fd = open_in_folder(m, path, sizeof(path)), status;

	if (fd < 0)
		return sp_err_set(err, fd, "%s: %s", path, strerror(-fd));
	status = put(m, fd, err);
	close(fd);
	return status ? sp_err_prefix(err, status, "%s", path) : 0;
}

static int bring(const struct sp_known_model *m, struct sp_err *err)
{
	char url[SP_MODELS_PATH_SIZE];

	if (from && !strstr(from, "://"))
		return put_from_folder(m, err);
	if (from) {
		snprintf(url, sizeof(url), "%s%s%s", from,
			 *from && from[strlen(from) - 1] == '/' ? "" : "/", m->file);
		return fetch(m, url, true, err);
	}
	if (!m->path)
		return sp_err_set(err, -EOPNOTSUPP,
				  "%s: cannot be fetched: it is a conversion, and its authors "
				  "publish no ONNX file; copy it to this machine by hand and give "
				  "--from DIR",
				  m->file);
	address(m, url, sizeof(url));
	return fetch(m, url, false, err);
}

/* ---- the command ----------------------------------------------------------------------------- */

static void report(const struct sp_known_model *m, const char *path, const char *status,
		   const char *error)
{
	if (json)
		sp_command_print_json(json_pack("{s:s, s:s, s:s, s:s*}", "file", m->file, "path",
						path, "status", status, "error", error));
	else if (!error)
		printf("%s: %s (%llu bytes, sha256 %.16s… as pinned)\n", path, status,
		       (unsigned long long)m->bytes, m->sha256);
	if (error)
		sp_command_fail(me, SP_EXIT_FAILED, "%s", error);
}

/* @named: someone asked for this one, so that its lack is a failure. An exit code. */
static int install(const struct sp_known_model *m, bool named)
{
	char path[SP_MODELS_PATH_SIZE];
	struct sp_err err = { "" };
	int status;

	if (snprintf(path, sizeof(path), "%s/%s", to, m->file) >= (int)sizeof(path))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s: the path is too long", to);
	status = sp_model_verify(m, path, &err);
	if (!status) {
		report(m, path, "already there", NULL);
		return SP_EXIT_OK;
	}
	/* What cannot be read is somebody's file all the same. */
	if (!access(path, F_OK) && !force) {
		char kept[512];

		snprintf(kept, sizeof(kept), "%.400s; remove it, or give --force", err.text);
		report(m, path, "failed", kept);
		return SP_EXIT_FAILED;
	}
	status = bring(m, &err);
	if (!status) {
		report(m, path, "installed", NULL);
		return SP_EXIT_OK;
	}
	/* Nobody can fetch a conversion: the rest is worth having without it. */
	if (!named && !m->path && (status == -EOPNOTSUPP || status == -ENOENT)) {
		report(m, path, "left out", err.text);
		return SP_EXIT_OK;
	}
	report(m, path, "failed", err.text);
	if (status == -EACCES || status == -EROFS)
		sp_command_fail(me, SP_EXIT_FAILED, "as another user, give --to models");
	return SP_EXIT_FAILED;
}

/* "mobilefacenet" or "mobilefacenet.onnx". */
static const struct sp_known_model *named(const char *name)
{
	char file[128];
	const struct sp_known_model *m = sp_known_model_named(name);

	snprintf(file, sizeof(file), "%.100s.onnx", name);
	m = m ?: sp_known_model_named(file);
	return m && fits(m) ? m : NULL;
}

int cmd_model_install(int argc, char **argv)
{
	const char *environment = getenv("SALLYPORT_MODELS");
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	for (int i = 0; i < argc; i++)
		if (!named(argv[i]))
			return sp_command_fail(me, SP_EXIT_USAGE,
					       "'%s' is not pinned; `%s --list` shows what is",
					       argv[i], me);
	if (show_table)
		return list_pinned();
	if (!to)
		to = environment && *environment ? environment : "/var/lib/sallyport/models";
	code = SP_EXIT_OK;
	for (int i = 0; i < argc; i++)
		code |= install(named(argv[i]), true);
	for (const struct sp_known_model *m = sp_known_models; m->file && !argc; m++)
		if (fits(m))
			code |= install(m, false);
	return code;
}
