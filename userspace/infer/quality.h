/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How good a shot of a face is: the members of struct sp_quality (infer/compute.h), one figure to
 * rank by, and the reasons to refuse it. What ISO/IEC 29794-5 calls each, and where OFIQ differs:
 * docs/quality.md. Pure.
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
 * …_error	twice the standard deviation of the angle that the detector's landmark error makes:
 *		propagated to first order to the angle's tangent, and from there as it is. 90: no
 *		pose. People's own proportions come on top.
 * sharpness	variance of the 4-neighbour Laplacian of the luma of the aligned picture (pixels
 *		with all four neighbours), squared grey levels. The picture has a fixed size, so
 *		this is detail on the face, not in the frame.
 * exposure	mean luma of the aligned picture's face part, columns [26, 86), lines [36, 104);
 *		1 is white.
 * contrast	standard deviation of the luma of the face part; 1 is white.
 * underexposed	share of the face part with a luma, rounded to one of 256 levels, of at most 25.
 * overexposed	the same of at least 247.
 * dynamic_range
 *		entropy of the histogram of these levels, bits: 8 if all are equally frequent.
 * evenness	what the histograms of the face part's left and right half (columns below and from
 *		56), in bins of 8 levels, have in common: Σ min; 1 if they are equal.
 * occlusion	share of the box's bytes that missing packets carried.
 * aligned_occlusion
 *		share of the aligned picture's pixels of which a source is missing: one of the four
 *		pixels of the frame around it or, of a mosaic, of those around these.
 * margin_…	from the middle of the eyes to each border of the frame, in eye distances.
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

struct sp_frame;
struct sp_similarity;

/* Sets eye_distance, yaw, pitch, roll. Points in a heap give angles of 90 degrees. */
void sp_quality_from_landmarks(const float landmark[5][2], struct sp_quality *quality);

/*
 * Sets yaw_error, pitch_error, roll_error. @landmark_error: how far the detector's landmarks are
 * from the true ones on average, in eye distances.
 */
void sp_quality_pose_errors(const float landmark[5][2], float landmark_error,
			    struct sp_quality *quality);

/* Sets the margins in a frame of @width × @height; all are 0 without an eye distance. */
void sp_quality_from_frame(const float landmark[5][2], uint32_t width, uint32_t height,
			   struct sp_quality *quality);

/* Sets sharpness, exposure, contrast … evenness from an aligned picture (infer/align.h). */
void sp_quality_from_aligned(const uint8_t *rgb, struct sp_quality *quality);

/*
 * Sets occlusion and aligned_occlusion from a frame's description and its bitmap of missing packets;
 * its pixels may be gone, and its region is not touched. @to_frame takes the aligned picture to the
 * frame; NULL: there is none. Whether any packet is missing under the box or the
 * aligned picture; others of the frame do not matter.
 */
bool sp_quality_from_damage(const struct sp_frame *frame, const float box[4],
			    const struct sp_similarity *to_frame, struct sp_quality *quality);

/* The ranking score from the other members. @network: whether there is a network's score. */
float sp_quality_rank(const struct sp_quality *quality, bool network);

/* What is known of a face beside its quality. */
struct sp_quality_place {
	const float *box; /* x, y, width, height */
	uint32_t width, height; /* of the frame */
	bool damaged; /* a packet under it is missing (sp_quality_from_damage) */
	bool network; /* there is a network's score */
};

/*
 * The limits where nobody sets others: generous, so that what they refuse is plainly no use. Of the
 * 442 faces in the middle of LFW's development photographs (in lfw_dev_small) the 0.5th percentile
 * of sharpness is 26.7 and the least network score 0.417: 5 are refused, 2 blurred, 3 turned.
 * Strangers in the background of these have sharpness from 0.9 and scores from 0.01.
 */
extern const struct sp_quality_limits sp_quality_default_limits;

/*
 * enum sp_face_reason bits. A limit of 0 or less is none (but occlusion_max: nothing may be lost
 * then); a value that is no number breaks its limit.
 */
uint32_t sp_quality_reasons(const struct sp_quality *quality,
			    const struct sp_quality_limits *limits,
			    const struct sp_quality_place *place);

#endif
