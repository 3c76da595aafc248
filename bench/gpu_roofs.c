/* SPDX-License-Identifier: Apache-2.0 */
/* What the card itself can do: its memory, its tensor cores, the bus that it hangs on. */
#include <errno.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "gpu.h"

struct copy {
	void *from, *to, *host;
	uint64_t bytes;
};

static int device_copy(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct copy *copy = arg;

	return SP_CUDA(err, gpu_copy_launch(stream, copy->from, copy->to, copy->bytes));
}

static int bus_copy(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct copy *copy = arg;

	return SP_CUDA(err, cudaMemcpyAsync(copy->to, copy->host, copy->bytes,
					    cudaMemcpyHostToDevice, stream));
}

int gpu_products_init(struct gpu_products *products, const struct gpu_bench *bench,
		      struct gpu_memory *memory, struct sp_err *err)
{
	products->blocks = bench->small ? 1 : bench->device.processors * 4;
	products->rounds = bench->small ? 2 : 20000;
	products->to = gpu_take(
		memory, (size_t)products->blocks * GPU_TENSOR_WARPS * 32 * sizeof(float), err);
	return products->to ? 0 : -ENOMEM;
}

int gpu_products_work(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct gpu_products *products = arg;

	return SP_CUDA(err,
		       gpu_tensor_launch(stream, products->blocks, products->rounds, products->to));
}

struct roof {
	const char *label, *metric, *unit;
	double scale; /* of the unit */
	gpu_work work;
	void *arg;
	unsigned int runs;
	double done; /* by one run: bytes, operations */
};

/* The median of what is done a second into @ret_roof. */
static int measure(struct gpu_bench *bench, const struct roof *roof, double *ret_roof,
		   struct sp_err *err)
{
	double seconds[GPU_ROUNDS], rate[GPU_ROUNDS];
	int rc = gpu_time(bench, roof->work, roof->arg, roof->runs, seconds, err);

	if (rc)
		return rc;
	for (unsigned int i = 0; i < bench->rounds; i++)
		rate[i] = roof->done / seconds[i] / roof->scale;
	*ret_roof = roof->scale *
		    gpu_record(bench, roof->label, roof->metric, roof->unit, rate, bench->rounds);
	return 0;
}

static int measure_all(struct gpu_bench *bench, struct copy *copy, struct gpu_products *products,
		       struct sp_err *err)
{
	const struct roof memory = {
		"copy on the device", "bandwidth", "GB/s", 1e9,
		device_copy,	      copy,	   20,	   2.0 * (double)copy->bytes
	};
	const struct roof bus = {
		"copy from pinned memory", "bandwidth", "GB/s", 1e9, bus_copy, copy, 3,
		(double)copy->bytes
	};
	const struct roof tensor = { "mma of bfloat16 in registers",
				     "operations",
				     "T/s",
				     1e12,
				     gpu_products_work,
				     products,
				     3,
				     (double)products->blocks * GPU_TENSOR_WARPS *
					     GPU_TENSOR_CHAINS * products->rounds * 2 * 16 * 16 *
					     8 };
	int rc = measure(bench, &memory, &bench->roofs->bandwidth, err);

	if (!rc)
		rc = measure(bench, &bus, &bench->roofs->bus, err);
	return rc ? rc : measure(bench, &tensor, &bench->roofs->tensor, err);
}

void gpu_roofs(struct gpu_bench *bench)
{
	struct copy copy = { .bytes = bench->small ? 1 << 16 : 1ull << 30 }; /* beyond all caches */
	struct gpu_memory memory = { 0 };
	struct gpu_products products;
	void *view;
	struct sp_err err;
	int rc = -ENOMEM;

	copy.from = gpu_take(&memory, copy.bytes, &err);
	copy.to = copy.from ? gpu_take(&memory, copy.bytes, &err) : NULL;
	copy.host = copy.to ? gpu_take_pinned(&memory, copy.bytes, &view, &err) : NULL;
	if (copy.host)
		rc = gpu_products_init(&products, bench, &memory, &err);
	if (!rc)
		rc = gpu_fill(copy.from, copy.bytes, &err);
	if (!rc)
		rc = measure_all(bench, &copy, &products, &err);
	if (rc)
		gpu_failed(bench, "roofs", &err);
	gpu_give_back(&memory);
}
