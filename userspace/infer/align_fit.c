/* SPDX-License-Identifier: Apache-2.0 */
/* Where the aligned picture of a face lies in its frame. */
#include "infer/align.h"

#include <errno.h>
#include <math.h>

const float sp_align_template[5][2] = {
	{ 38.2946f, 51.6963f }, { 73.5318f, 51.5014f }, { 56.0252f, 71.7366f },
	{ 41.5493f, 92.3655f }, { 70.7299f, 92.2041f },
};

/*
 * With both sets about their means, minimising Σ |R p - q|² over R = [a -b; b a] gives
 * a = Σ p·q / Σ |p|² and b = Σ p×q / Σ |p|².
 */
int sp_align_fit(const float from[5][2], const float to[5][2], struct sp_similarity *ret_similarity)
{
	double mean_from[2] = { 0, 0 }, mean_to[2] = { 0, 0 }, dot = 0, cross = 0, square = 0;

	for (int i = 0; i < 5; i++) {
		for (int c = 0; c < 2; c++) {
			mean_from[c] += from[i][c] / 5.0;
			mean_to[c] += to[i][c] / 5.0;
		}
	}
	for (int i = 0; i < 5; i++) {
		double px = from[i][0] - mean_from[0], py = from[i][1] - mean_from[1];
		double qx = to[i][0] - mean_to[0], qy = to[i][1] - mean_to[1];

		dot += px * qx + py * qy;
		cross += px * qy - py * qx;
		square += px * px + py * py;
	}
	/* A hundredth of a pixel is one point; NaN fails too. */
	if (!(square > 1e-4) || !isfinite(dot) || !isfinite(cross) || !isfinite(square))
		return -EINVAL;

	double a = dot / square, b = cross / square;

	*ret_similarity = (struct sp_similarity){
		.a = (float)a,
		.b = (float)b,
		.tx = (float)(mean_to[0] - a * mean_from[0] + b * mean_from[1]),
		.ty = (float)(mean_to[1] - b * mean_from[0] - a * mean_from[1]),
	};
	return 0;
}

int sp_align_invert(const struct sp_similarity *similarity, struct sp_similarity *ret_inverse)
{
	double a = similarity->a, b = similarity->b, tx = similarity->tx, ty = similarity->ty;
	double square = a * a + b * b;

	if (!(square > 1e-12) || !isfinite(square))
		return -EINVAL;
	*ret_inverse = (struct sp_similarity){
		.a = (float)(a / square),
		.b = (float)(-b / square),
		.tx = (float)(-(a * tx + b * ty) / square),
		.ty = (float)((b * tx - a * ty) / square),
	};
	return 0;
}
