/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "base/diag.h"
#include "infer/compute.h"
#include "infer/failover.h"
#include "infer/plugin.h"

static int open_cuda(const struct sp_compute_config *config, struct sp_compute **ret_compute,
		     struct sp_err *err)
{
	const struct sp_compute_ops *ops;
	int rc = sp_plugin_cuda(&ops, err);

	rc = rc ? rc : sp_failover_open(ops, &sp_compute_cpu, config, ret_compute, err);
	return rc ? sp_err_prefix(err, rc, "compute backend 'cuda'") : 0;
}

static int probe_cuda(unsigned int device, char text[SP_COMPUTE_TEXT], struct sp_err *err)
{
	const struct sp_compute_ops *ops;
	int rc = sp_plugin_cuda(&ops, err);

	return rc ? rc : ops->probe(device, text, err);
}

/*
 * What is not there is no fault, and one line tells. What is there and does not work, wrong models
 * among it, the CPU finds out for itself, or does better.
 */
static int open_auto(const struct sp_compute_config *config, struct sp_compute **ret_compute,
		     struct sp_err *err)
{
	struct sp_err why;

	if (!open_cuda(config, ret_compute, &why))
		return 0;
	sp_log(SP_LOG_INFO, "%s: the CPU computes", why.text);
	return sp_compute_cpu.open(config, ret_compute, err);
}

const struct sp_compute_ops sp_compute_cuda = {
	.name = "cuda",
	.open = open_cuda,
	.probe = probe_cuda,
};

const struct sp_compute_ops sp_compute_auto = {
	.name = "auto",
	.open = open_auto,
	.probe = probe_cuda,
};
