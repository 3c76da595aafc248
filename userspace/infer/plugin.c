/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/plugin.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "compute_abi.h"
#include "infer/model.h"

#define PLUGIN_NAME "libsallyport-cuda.so"

enum { PLACES = 2 };

static int load_model(const char *path, enum sp_model_role role, struct sp_model **ret_model,
		      struct sp_model_card *ret_card, struct sp_err *err)
{
	int rc = sp_model_load(path, ret_model, err);

	if (rc)
		return rc;
	rc = sp_model_card_load(*ret_model, role, ret_card, err);
	if (rc)
		sp_model_free(*ret_model);
	return rc;
}

static void log_line(int level, const char *text)
{
	sp_log((enum sp_log_level)level, "%s", text);
}

const struct sp_compute_host sp_plugin_host = {
	.load_model = load_model,
	.free_model = sp_model_free,
	.identify = sp_model_card_identity,
	.log = log_line,
	.now_ns = sp_clock_now,
	.signal = sp_event_signal,
};

/* Beside the program, as it is built, and where `make install` puts it. False: unknown. */
static bool place(unsigned int i, char path[PATH_MAX])
{
	static const char *const folders[PLACES] = { "", "../lib/sallyport/" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	slash[1] = '\0';
	return snprintf(path, PATH_MAX, "%s%s%s", self, folders[i], PLUGIN_NAME) < PATH_MAX;
}

/* The file to open: the one that is asked for, or the first that is there; "": none is. */
static void find(char path[PATH_MAX])
{
	const char *asked = getenv("SALLYPORT_CUDA_PLUGIN");

	if (asked && *asked) {
		snprintf(path, PATH_MAX, "%s", asked);
		return;
	}
	for (unsigned int i = 0; i < PLACES; i++)
		if (place(i, path) && !access(path, R_OK))
			return;
	*path = '\0';
}

/*
 * Whether the file's end is there: dlopen maps what the head tells of, and the process dies where a
 * copy was cut short. The section headers come last. What is no ELF at all dlopen refuses itself.
 */
static bool is_whole(const char *path)
{
	ElfW(Ehdr) head;
	struct stat about;
	FILE *file = fopen(path, "rb");
	bool whole = true;

	if (!file)
		return true;
	if (fread(&head, sizeof(head), 1, file) == 1 && !fstat(fileno(file), &about) &&
	    !memcmp(head.e_ident, ELFMAG, SELFMAG))
		whole = head.e_shoff + (uint64_t)head.e_shnum * head.e_shentsize <=
			(uint64_t)about.st_size;
	fclose(file);
	return whole;
}

static int load(const struct sp_compute_ops **ret_ops, struct sp_err *err)
{
	sp_compute_plugin_fn entry;
	char path[PATH_MAX];
	void *handle;

	find(path);
	if (!*path)
		return sp_err_set(err, -ENOENT,
				  PLUGIN_NAME
				  " is neither beside the program nor in "
				  "../lib/sallyport; `make cuda` builds it where the CUDA "
				  "toolkit is");
	if (!is_whole(path))
		return sp_err_set(err, -ELIBBAD, "%s is cut short; copy it again", path);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return sp_err_set(err, access(path, F_OK) ? -ENOENT : -ELIBBAD,
				  "%s cannot be opened: %s", path, dlerror());
	entry = (sp_compute_plugin_fn)dlsym(handle, SP_COMPUTE_PLUGIN_ENTRY);
	if (!entry) {
		dlclose(handle);
		return sp_err_set(err, -ELIBBAD, "%s is no compute plugin of sallyport", path);
	}
	*ret_ops = entry(SP_COMPUTE_ABI, &sp_plugin_host);
	if (!*ret_ops) {
		dlclose(handle);
		return sp_err_set(err, -ELIBBAD,
				  "%s was built from other sources than this program; build and "
				  "install both together",
				  path);
	}
	return 0;
}

int sp_plugin_cuda(const struct sp_compute_ops **ret_ops, struct sp_err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static const struct sp_compute_ops *loaded;
	int rc = 0;

	pthread_mutex_lock(&lock);
	if (!loaded)
		rc = load(&loaded, err);
	*ret_ops = loaded;
	pthread_mutex_unlock(&lock);
	return rc;
}
