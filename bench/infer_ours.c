/* SPDX-License-Identifier: Apache-2.0 */
#include "infer_ours.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"

#include "infer_cpu.h"

struct infer_ours {
	struct sp_model *model;
	unsigned int threads;
	struct sp_executor *executor[INFER_THREADS_MAX];
};

int infer_ours_open(const struct infer_work *work, const char *kernels,
		    struct infer_ours **ret_ours, struct sp_err *err)
{
	const struct sp_executor_options options = { work->precision, kernels };
	struct infer_ours *ours = calloc(1, sizeof(*ours));
	int ret;

	if (!ours)
		return sp_err_set(err, -ENOMEM, "out of memory");
	ret = sp_model_load(work->model, &ours->model, err);
	for (; !ret && ours->threads < work->threads; ours->threads++) {
		struct sp_executor **executor = &ours->executor[ours->threads];

		ret = sp_executor_create(ours->model, work->shape, &options, executor, err);
		if (!ret)
			memcpy(sp_executor_input(*executor), work->input,
			       infer_work_elements(work) * sizeof(float));
	}
	if (ret) {
		infer_ours_close(ours);
		return ret;
	}
	*ret_ours = ours;
	return 0;
}

void infer_ours_close(struct infer_ours *ours)
{
	if (!ours)
		return;
	for (unsigned int i = 0; i < ours->threads; i++)
		sp_executor_destroy(ours->executor[i]);
	sp_model_free(ours->model);
	free(ours);
}

struct sp_executor *infer_ours_executor(struct infer_ours *ours)
{
	return ours->executor[0];
}

float *infer_ours_outputs(struct infer_ours *ours, size_t *ret_n)
{
	struct sp_executor *executor = ours->executor[0];
	float *all = NULL;
	size_t n = 0;

	if (sp_executor_run(executor))
		return NULL;
	for (unsigned int i = 0; i < sp_executor_outputs(executor); i++) {
		struct sp_shape shape;
		const float *output = sp_executor_output(executor, i, NULL, &shape);
		size_t more = (size_t)sp_shape_elements(&shape);
		float *longer = realloc(all, (n + more) * sizeof(*all));

		if (!longer) {
			free(all);
			return NULL;
		}
		all = longer;
		memcpy(all + n, output, more * sizeof(*all));
		n += more;
	}
	*ret_n = n;
	return all;
}

/* One thread's share. */
struct share {
	struct sp_executor *executor;
	unsigned int n, threads;
	int error;
};

static void *run_share(void *arg)
{
	struct share *share = arg;

	if (share->threads > 1)
		infer_cpu_use(share->threads);
	for (unsigned int i = 0; i < share->n && !share->error; i++)
		share->error = sp_executor_run(share->executor);
	return NULL;
}

double infer_ours_run(struct infer_ours *ours, unsigned int n)
{
	struct share shares[INFER_THREADS_MAX];
	pthread_t threads[INFER_THREADS_MAX];
	uint64_t begin = sp_clock_now();
	unsigned int started = 0;
	int error = 0;

	for (unsigned int i = 0; i < ours->threads; i++)
		shares[i] = (struct share){ ours->executor[i], n, ours->threads, 0 };
	/* The caller is pinned already. */
	if (ours->threads == 1)
		run_share(&shares[0]);
	else
		for (; started < ours->threads && !error; started += !error)
			error = pthread_create(&threads[started], NULL, run_share,
					       &shares[started]);
	for (unsigned int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	for (unsigned int i = 0; i < ours->threads && !error; i++)
		error = shares[i].error;
	return error ? -1 : (double)(sp_clock_now() - begin) / SP_NS_PER_S;
}
