/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/cudnn_table.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"

/* Where else than in the loader's own folders it may lie. */
static const char *const places[] = {
	"libcudnn.so.9",
	"/usr/local/cuda/lib64/libcudnn.so.9",
};

static const struct {
	const char *name;
	size_t at; /* in struct sp_cudnn */
} functions[] = {
	{ "cudnnGetVersion", offsetof(struct sp_cudnn, version) },
	{ "cudnnGetErrorString", offsetof(struct sp_cudnn, error) },
	{ "cudnnGetLastErrorString", offsetof(struct sp_cudnn, last_error) },
	{ "cudnnCreate", offsetof(struct sp_cudnn, create) },
	{ "cudnnDestroy", offsetof(struct sp_cudnn, destroy) },
	{ "cudnnSetStream", offsetof(struct sp_cudnn, set_stream) },
	{ "cudnnBackendCreateDescriptor", offsetof(struct sp_cudnn, create_descriptor) },
	{ "cudnnBackendDestroyDescriptor", offsetof(struct sp_cudnn, destroy_descriptor) },
	{ "cudnnBackendSetAttribute", offsetof(struct sp_cudnn, set) },
	{ "cudnnBackendGetAttribute", offsetof(struct sp_cudnn, get) },
	{ "cudnnBackendFinalize", offsetof(struct sp_cudnn, finalize) },
	{ "cudnnBackendExecute", offsetof(struct sp_cudnn, execute) },
};

int sp_cudnn_open(struct sp_cudnn *cudnn, void **ret_library, struct sp_err *err)
{
	void *library = NULL, *function;
	int ret;

	for (size_t i = 0; !library && i < sizeof(places) / sizeof(places[0]); i++)
		library = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return sp_err_set(err, -ENOENT, "cuDNN: %s; install cuDNN 9 to use it", dlerror());
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		function = dlsym(library, functions[i].name);
		if (!function) {
			ret = sp_err_set(err, -ENOTSUP,
					 "cuDNN: it has no %s; install cuDNN 9 to use it",
					 functions[i].name);
			goto err_close;
		}
		memcpy((uint8_t *)cudnn + functions[i].at, &function, sizeof(function));
	}
	if (cudnn->version() < SP_CUDNN_OLDEST) {
		ret = sp_err_set(err, -ENOTSUP,
				 "cuDNN: version %zu; install 9.0 or later to use it",
				 cudnn->version());
		goto err_close;
	}
	*ret_library = library;
	return 0;
err_close:
	dlclose(library);
	return ret;
}

void sp_cudnn_close(void *library)
{
	dlclose(library);
}
