/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PORT: between the program and a compute backend in a shared object of its own, which is opened at
 * run time: build/libsallyport-cuda.so. The plugin uses no symbol of the program; what it needs of
 * it comes in struct sp_compute_host. What both read lies as the headers of either say, so both must
 * be built from the same ones: SP_COMPUTE_ABI (generated, gen/compute_abi.h) is a hash of them.
 */
#ifndef SP_INFER_PLUGIN_H
#define SP_INFER_PLUGIN_H

#include <stdint.h>

#include "infer/compute.h"
#include "infer/model_card.h"

struct sp_err;
struct sp_event;
struct sp_model;

#define SP_COMPUTE_PLUGIN_ENTRY "sp_compute_plugin"

/* What the program does for a plugin. Outlives it. Any thread may call any of these. */
struct sp_compute_host {
	/*
	 * A network and its card, as sp_model_load and sp_model_card_load have them; @role decides
	 * what holds without a card. 0 or -errno with @err filled.
	 */
	int (*load_model)(const char *path, enum sp_model_role role, struct sp_model **ret_model,
			  struct sp_model_card *ret_card, struct sp_err *err);
	void (*free_model)(struct sp_model *model);
	/* sp_model_card_identity. */
	void (*identify)(const struct sp_model_card *card, const struct sp_model *model,
			 uint8_t ret_id[SP_MODEL_ID_SIZE]);
	/* One line, without a newline; enum sp_log_level. */
	void (*log)(int level, const char *text);
	/* CLOCK_MONOTONIC. */
	uint64_t (*now_ns)(void);
	/* sp_event_signal. */
	void (*signal)(struct sp_event *event);
};

/* What the program gives to plugins. */
extern const struct sp_compute_host sp_plugin_host;

/*
 * The plugin's one symbol, SP_COMPUTE_PLUGIN_ENTRY. @abi: SP_COMPUTE_ABI of the program. NULL if the
 * plugin was built from other headers. Looks at no device: that is for open.
 */
typedef const struct sp_compute_ops *(*sp_compute_plugin_fn)(uint64_t abi,
							     const struct sp_compute_host *host);

/*
 * The ops of the CUDA plugin: $SALLYPORT_CUDA_PLUGIN, or libsallyport-cuda.so beside the program or
 * in ../lib/sallyport of it. Stays loaded once it is. 0; -ENOENT: it is not there; -ELIBBAD: it is no
 * plugin of this program, or what it needs is not there; with @err filled.
 */
int sp_plugin_cuda(const struct sp_compute_ops **ret_ops, struct sp_err *err);

#endif
