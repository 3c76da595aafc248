/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of a test: the same numbers on the host, as float32, and on the card. */
#ifndef SP_TESTS_CUDA_TENSORS_H
#define SP_TESTS_CUDA_TENSORS_H

#include <math.h>

#include "card.h"
#include "cuda/tensor.h"
#include "infer/element.h"

struct numbers {
	struct sp_device_tensor card;
	float *host; /* with padding */
	size_t n; /* of them, with padding */
};

/* Memory of the card and the host; the card's has what it has. */
__attribute__((unused)) static struct numbers numbers_empty(enum sp_tensor_type type, uint32_t n,
							    uint32_t h, uint32_t w, uint32_t c,
							    uint32_t pitch)
{
	struct numbers numbers = {
		.card = { .type = type, .n = n, .h = h, .w = w, .c = c, .pitch = pitch },
	};

	numbers.n = n * sp_tensor_picture(&numbers.card);
	numbers.host = calloc(numbers.n + 1, sizeof(float));
	CHECK(numbers.host);
	numbers.card.at = card_memory(sp_tensor_bytes(&numbers.card) + 16);
	return numbers;
}

__attribute__((unused)) static void numbers_free(struct numbers *numbers)
{
	card_free(numbers->card.at);
	free(numbers->host);
}

/* Host to card; numbers are rounded on the host as well. */
__attribute__((unused)) static void numbers_send(struct numbers *numbers)
{
	bool bf16 = numbers->card.type == SP_TENSOR_BF16;
	uint16_t *halves = calloc(numbers->n + 1, sizeof(*halves));

	CHECK(halves);
	for (size_t i = 0; i < numbers->n && bf16; i++) {
		halves[i] = sp_bf16_of(numbers->host[i]);
		numbers->host[i] = sp_bf16_to_float(halves[i]);
	}
	CARD(cudaMemcpy(numbers->card.at, bf16 ? (void *)halves : numbers->host,
			sp_tensor_bytes(&numbers->card), cudaMemcpyHostToDevice));
	free(halves);
}

/* Card to host, after all that was put into streams. */
__attribute__((unused)) static void numbers_fetch(struct numbers *numbers)
{
	bool bf16 = numbers->card.type == SP_TENSOR_BF16;
	uint16_t *halves = calloc(numbers->n + 1, sizeof(*halves));

	CHECK(halves);
	CARD(cudaDeviceSynchronize());
	CARD(cudaMemcpy(bf16 ? (void *)halves : numbers->host, numbers->card.at,
			sp_tensor_bytes(&numbers->card), cudaMemcpyDeviceToHost));
	for (size_t i = 0; i < numbers->n && bf16; i++)
		numbers->host[i] = sp_bf16_to_float(halves[i]);
	free(halves);
}

/* In [-1, 1). */
__attribute__((unused)) static float numbers_random(uint64_t *seed)
{
	return (float)((double)(card_random(seed) >> 40) / (1 << 23) - 1);
}

/* Random numbers, zeros as padding. */
__attribute__((unused)) static struct numbers numbers_of(enum sp_tensor_type type, uint32_t n,
							 uint32_t h, uint32_t w, uint32_t c,
							 uint32_t pitch, uint64_t *seed)
{
	struct numbers numbers = numbers_empty(type, n, h, w, c, pitch);

	for (size_t i = 0; i < numbers.n; i++)
		numbers.host[i] = i % pitch < c ? numbers_random(seed) : 0.0f;
	numbers_send(&numbers);
	return numbers;
}

__attribute__((unused)) static size_t numbers_at(const struct numbers *numbers, uint32_t n,
						 uint32_t y, uint32_t x)
{
	const struct sp_device_tensor *card = &numbers->card;

	return (((size_t)n * card->h + y) * card->w + x) * card->pitch;
}

/*
 * Whether what was fetched is @want [n], but for sums of float32 and one rounding to bfloat16 (half of
 * its last bit is 2⁻⁸ of a number); padding must be 0. A number that is none wants one.
 */
__attribute__((unused)) static void numbers_check(const struct numbers *got, const double *want,
						  const char *what)
{
	double relative = got->card.type == SP_TENSOR_BF16 ? 1.01 / 256 : 0;

	for (size_t i = 0; i < got->n; i++) {
		double off = fabs((double)got->host[i] - want[i]);
		double most = relative * fabs(want[i]) + 1e-5 * fmax(1, fabs(want[i]));

		if (i % got->card.pitch >= got->card.c) {
			if (got->host[i] != 0.0f)
				FAIL("%s: padding %zu is %g", what, i, (double)got->host[i]);
		} else if (isnan(want[i]) ? !isnan(got->host[i])
					  : !(off <= most) && (double)got->host[i] != want[i]) {
			FAIL("%s: number %zu (channel %zu) is %.9g, not %.9g ± %.3g", what, i,
			     i % got->card.pitch, (double)got->host[i], want[i], most);
		}
	}
}

#endif
