/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How good a shot of a face is: the members of struct sp_quality (infer/compute.h), one figure to
 * rank by, and the reasons to refuse it. Pure.
 *
 * eye_distance	between the two eye landmarks, pixels of the frame.
 * roll		angle of the line from the left to the right eye in the image, clockwise positive.
 * yaw, pitch	from where the nose tip lies between eyes and mouth, on a head whose pupils are
 *		63 mm apart, whose mouth corners lie 73 mm below them and whose nose tip stands
 *		28 mm before the plane of these four (common anthropometric means). With e, m the
 *		middles of eyes and mouth, u along the eyes, v across (down the face):
 *			tan yaw   = (nose - (e + m) / 2)·u / eye_distance × 63 / 28
 *			tan pitch = (0.495 - (nose - e)·v / (m - e)·v) × 73 / 28
 *		0.495 is that ratio in the embedder's template, a mean frontal face. Yaw is
 *		positive towards the right of the image, pitch upwards. An estimate: five points do
 *		not tell a long nose from a turned head.
 * sharpness	variance of the 4-neighbour Laplacian of the luma of the aligned picture (pixels
 *		with all four neighbours), squared grey levels. The picture has a fixed size, so
 *		this is detail on the face, not in the frame.
 * exposure	mean luma of the aligned picture's face part, columns [26, 86), lines [36, 104);
 *		1 is white.
 * occlusion	share of the box's bytes that missing packets carried.
 * score	product of: network; eye_distance / 60, at most 1; cos yaw · cos pitch;
 *		sharpness / (sharpness + 50); 1 for an exposure in [0.25, 0.75], falling to 0 at
 *		black and white; 1 - occlusion. Without a quality network its factor is 1, so
 *		scores of the two kinds do not compare.
 */
#ifndef SP_INFER_QUALITY_H
#define SP_INFER_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/compute.h"
#include "infer/input.h"

enum { SP_QUALITY_SIDE = 96, SP_QUALITY_PIXELS = SP_QUALITY_SIDE * SP_QUALITY_SIDE };

/* Sets eye_distance, yaw, pitch, roll. Points in a heap give angles of 90 degrees. */
void sp_quality_from_landmarks(const float landmark[5][2], struct sp_quality *quality);

/* Sets sharpness and exposure from an aligned picture (infer/align.h). */
void sp_quality_from_aligned(const uint8_t *rgb, struct sp_quality *quality);

/*
 * LightQNet's input of an aligned picture: made 96 × 96 bilinearly (pixel centres at halves, levels
 * as sp_bilinear_u8 has them). 3 × SP_QUALITY_PIXELS floats in @form.
 */
void sp_quality_to_input(const uint8_t *rgb, const struct sp_input_form *form, float *input);

/* The ranking score from the other members. @network: whether there is a network's score. */
float sp_quality_rank(const struct sp_quality *quality, bool network);

/* What is known of a face beside its quality. */
struct sp_quality_place {
	const float *box; /* x, y, width, height */
	uint32_t width, height; /* of the frame */
	bool damaged; /* a packet under the box is missing */
	bool network; /* there is a network's score */
};

/*
 * The limits where nobody sets others: generous, so that what they refuse is plainly no use. Of the
 * 442 frontal faces of LFW's development photographs (in lfw_dev_small) the 0.5th percentile of
 * sharpness is 26.7 and the least network score 0.417: 2 are refused, both by sharpness. Strangers
 * in the background of these have sharpness from 0.9 and scores from 0.01.
 */
extern const struct sp_quality_limits sp_quality_default_limits;

/*
 * enum sp_face_reason bits. A limit of 0 or less is none; a value that is no number breaks its
 * limit.
 */
uint32_t sp_quality_reasons(const struct sp_quality *quality,
			    const struct sp_quality_limits *limits,
			    const struct sp_quality_place *place);

#endif
