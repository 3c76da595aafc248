/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compute backend that may lose its device, and another that stands in for it meanwhile.
 *
 * When a result of the first says SP_RESULT_LOST, no more frames go there (they wait with the caller,
 * who sheds by its own rule); a helper thread opens the second, closes the first once its last result
 * has been put, and opens it again, after 1, 2, 4 … 60 seconds, until that succeeds: then frames go
 * there again. The second stays open from then on, idle. Submitting and polling never wait for the
 * helper.
 *
 * Each frame still has one result, put goes to the backend that made it, regions are registered with
 * whoever is opened, and searches go on: on the CPU while the first is away. Regions come and go by
 * the thread that submits, or while none does.
 */
#ifndef SP_INFER_FAILOVER_H
#define SP_INFER_FAILOVER_H

struct sp_compute;
struct sp_compute_config;
struct sp_compute_ops;
struct sp_err;

/*
 * Opens the first. @config is copied with what it points at; config->done also tells of changes. The
 * info of what is opened is the first's. 0, or -errno of the first's open.
 */
int sp_failover_open(const struct sp_compute_ops *first, const struct sp_compute_ops *second,
		     const struct sp_compute_config *config, struct sp_compute **ret_compute,
		     struct sp_err *err);

#endif
