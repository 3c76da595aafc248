/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mosaics, two columns at a time: those of a pair are the bytes of a word, so that a register has
 * all even and, shifted, all odd columns, and compilers find the rest.
 * Compiled for: base avx2 avx512
 */
#include "infer/cpu/kernel/lines.h"

#include "infer/cpu/kernel/vector.h"

SP_INLINE uint16_t even(sp_pair pair)
{
	return pair & 0xFF;
}

SP_INLINE uint16_t odd(sp_pair pair)
{
	return pair >> 8;
}

SP_INLINE uint16_t mean(uint16_t a, uint16_t b)
{
	return (uint16_t)((a + b + 1) >> 1);
}

SP_INLINE uint16_t mean_of_four(uint16_t a, uint16_t b, uint16_t c, uint16_t d)
{
	return (uint16_t)((uint16_t)(a + b + c + d + 2) >> 2);
}

SP_INLINE uint16_t join(uint16_t at_even, uint16_t at_odd)
{
	return (uint16_t)(at_even | at_odd << 8);
}

/* The line's own colour is in the even columns. */
static void demosaic_even(const sp_pair *up, const sp_pair *mid, const sp_pair *down,
			  uint32_t pairs, sp_pair *restrict own, sp_pair *restrict green,
			  sp_pair *restrict other)
{
	for (int64_t i = 0; i < pairs; i++) {
		uint16_t at = even(mid[i]), left = odd(mid[i - 1]), right = odd(mid[i]);

		own[i] = join(at, mean(at, even(mid[i + 1])));
		green[i] = join(mean_of_four(left, right, even(up[i]), even(down[i])), right);
		other[i] = join(
			mean_of_four(odd(up[i - 1]), odd(up[i]), odd(down[i - 1]), odd(down[i])),
			mean(odd(up[i]), odd(down[i])));
	}
}

static void demosaic_odd(const sp_pair *up, const sp_pair *mid, const sp_pair *down, uint32_t pairs,
			 sp_pair *restrict own, sp_pair *restrict green, sp_pair *restrict other)
{
	for (int64_t i = 0; i < pairs; i++) {
		uint16_t at = odd(mid[i]), left = even(mid[i]), right = even(mid[i + 1]);

		own[i] = join(mean(odd(mid[i - 1]), at), at);
		green[i] = join(left, mean_of_four(left, right, odd(up[i]), odd(down[i])));
		other[i] = join(mean(even(up[i]), even(down[i])),
				mean_of_four(even(up[i]), even(up[i + 1]), even(down[i]),
					     even(down[i + 1])));
	}
}

void SP_ISA_NAME(sp_lines_demosaic)(const uint8_t *up, const uint8_t *mid, const uint8_t *down,
				    uint32_t pairs, unsigned int site, uint8_t *const ret[3])
{
	(site ? demosaic_odd : demosaic_even)((const sp_pair *)up, (const sp_pair *)mid,
					      (const sp_pair *)down, pairs, (sp_pair *)ret[0],
					      (sp_pair *)ret[1], (sp_pair *)ret[2]);
}

/* A quad's colours times 256, from its pair of the line with red and of the one with blue. */
struct quad {
	uint16_t red, green, blue;
};

SP_INLINE struct quad quad_of(sp_pair red, sp_pair blue, unsigned int red_x)
{
	if (red_x)
		return (struct quad){
			.red = red & 0xFF00,
			.green = (uint16_t)(mean(even(red), odd(blue)) << 8),
			.blue = (uint16_t)(blue << 8),
		};
	return (struct quad){
		.red = (uint16_t)(red << 8),
		.green = (uint16_t)(mean(odd(red), even(blue)) << 8),
		.blue = blue & 0xFF00,
	};
}

SP_INLINE void weigh_rows(const uint8_t *const *lines, const uint16_t *weights, unsigned int rows,
			  bool add, unsigned int red_x, uint32_t n, uint16_t *restrict red,
			  uint16_t *restrict green, uint16_t *restrict blue)
{
	const sp_pair *line[2 * SP_LINES_MAX];
	uint16_t weight[SP_LINES_MAX];

	for (unsigned int i = 0; i < rows; i++) {
		line[2 * i] = (const sp_pair *)lines[2 * i];
		line[2 * i + 1] = (const sp_pair *)lines[2 * i + 1];
		weight[i] = weights[i];
	}
	for (uint32_t x = 0; x < n; x++) {
		struct quad sum = { 0 };

		if (add)
			sum = (struct quad){ red[x], green[x], blue[x] };
		SP_UNROLL
		for (unsigned int i = 0; i < rows; i++) {
			struct quad quad = quad_of(line[2 * i][x], line[2 * i + 1][x], red_x);

			sum.red += sp_fine_times(quad.red, weight[i]);
			sum.green += sp_fine_times(quad.green, weight[i]);
			sum.blue += sp_fine_times(quad.blue, weight[i]);
		}
		red[x] = sum.red;
		green[x] = sum.green;
		blue[x] = sum.blue;
	}
}

/* One loop for each number of rows, so that their sum stays in registers. */
SP_INLINE void weigh_any_rows(const uint8_t *const *lines, const uint16_t *weights,
			      unsigned int rows, bool add, unsigned int red_x, uint32_t n,
			      uint16_t *const sum[3])
{
	switch (rows) {
	case 1:
		weigh_rows(lines, weights, 1, add, red_x, n, sum[0], sum[1], sum[2]);
		break;
	case 2:
		weigh_rows(lines, weights, 2, add, red_x, n, sum[0], sum[1], sum[2]);
		break;
	case 3:
		weigh_rows(lines, weights, 3, add, red_x, n, sum[0], sum[1], sum[2]);
		break;
	default:
		weigh_rows(lines, weights, 4, add, red_x, n, sum[0], sum[1], sum[2]);
	}
}

void SP_ISA_NAME(sp_lines_weigh_quads)(const uint8_t *const *lines, const uint16_t *weights,
				       unsigned int rows, bool add, unsigned int red_x, uint32_t n,
				       uint16_t *const sum[3])
{
	if (add && red_x)
		weigh_any_rows(lines, weights, rows, true, 1, n, sum);
	else if (add)
		weigh_any_rows(lines, weights, rows, true, 0, n, sum);
	else if (red_x)
		weigh_any_rows(lines, weights, rows, false, 1, n, sum);
	else
		weigh_any_rows(lines, weights, rows, false, 0, n, sum);
}
