/* SPDX-License-Identifier: Apache-2.0 */
/* How an occupant moves: a function of time, so that any picture can be made alone. */
#include "lanesim/render/noise.h"
#include "lanesim/scene/occupant.h"

#define RADIANS(degrees) ((degrees) * (LANESIM_PI / 180))

/* What one looks at for a while: directions in the world, radians. */
struct attention {
	float yaw, pitch, roll, eyes; /* eyes: share of the turn that the eyes make alone */
};

/* Towards a camera before the windshield. */
static struct attention at_camera(const struct lanesim_occupant *occupant, uint64_t *series)
{
	struct vec d = vec_sub(vec_make(draw_between(series, -90, 90), 170, 270), occupant->eyes);

	return (struct attention){ .yaw = approx_atan2(d.x, d.z),
				   .pitch = approx_atan2(d.y, d.z) * draw_between(series, .2f, 1) };
}

/* The @k-th thing that comes to the occupant's mind. */
static struct attention attend(const struct lanesim_occupant *occupant, int32_t k)
{
	uint64_t series = draw_series(occupant->habit, 1000 + (uint64_t)(uint32_t)k);
	float chance = draw_uniform(&series) * (occupant->calm ? .74f : 1);
	/* The officer stands at the driver's window: a larger turn for who sits next to it. */
	float officer = occupant->seat == 0 ? RADIANS(48) : RADIANS(30);
	struct attention a = { .eyes = draw_between(&series, .1f, .35f) };

	if (chance < .36f) {
		a.pitch = RADIANS(-3);
	} else if (chance < .66f) {
		a = at_camera(occupant, &series);
		a.eyes = draw_between(&series, 0, .4f);
	} else if (chance < .82f) {
		a.yaw = officer * draw_between(&series, .5f, 1.25f) * (occupant->calm ? .6f : 1);
		a.pitch = RADIANS(draw_between(&series, 0, 9));
		if (occupant->eyes.x < -10 &&
		    draw_uniform(&series) < .6f) /* out of one's own window */
			a.yaw = -a.yaw;
	} else if (chance < .9f) { /* one's neighbour */
		a.yaw = (occupant->eyes.x > 0 ? -1 : 1) * RADIANS(draw_between(&series, 20, 50));
	} else if (chance < .96f) { /* something in the lap */
		a.pitch = RADIANS(draw_between(&series, -28, -14));
		a.yaw = RADIANS(draw_between(&series, -15, 15));
	} else {
		a.yaw = (occupant->eyes.x > 0 ? 1 : -1) * RADIANS(draw_between(&series, 55, 85));
	}
	a.yaw += RADIANS(5) * draw_gauss(&series);
	a.pitch += RADIANS(4) * draw_gauss(&series);
	a.roll = RADIANS(4) * draw_gauss(&series);
	return a;
}

/* A slow sway of about unit size: three sines whose periods have no common one. */
static float sway(uint64_t *series, float seconds, float period)
{
	float a = draw_uniform(series), b = draw_uniform(series), c = draw_uniform(series);

	return .5f * approx_sin_turns(seconds / period + a) +
	       .3f * approx_sin_turns(seconds / (period * .618f) + b) +
	       .2f * approx_sin_turns(seconds / (period * .287f) + c);
}

static float blink(uint64_t *series, float seconds)
{
	float period = draw_between(series, 2.4f, 6),
	      turn = seconds / period + draw_uniform(series);

	return approx_bump((turn - (float)approx_floor(turn) - .5f) * period / .09f);
}

/* Turns of the head: held for some seconds each, with a quick change between. */
static void pose_head(const struct lanesim_occupant *occupant, uint64_t *series, float seconds,
		      struct lanesim_pose *pose)
{
	float hold = draw_between(series, 1.8f, 3.8f), change = draw_between(series, .35f, .7f);
	float turn = seconds / hold + draw_uniform(series);
	int32_t k = approx_floor(turn);
	float t = approx_step(0, change / hold, turn - (float)k);
	struct attention old = attend(occupant, k - 1), new = attend(occupant, k);
	float yaw = approx_mix(old.yaw, new.yaw, t), pitch = approx_mix(old.pitch, new.pitch, t);
	float eyes = approx_mix(old.eyes, new.eyes, t);

	pose->yaw = yaw * (1 - eyes) + RADIANS(2.2f) * sway(series, seconds, 5.3f);
	pose->pitch = pitch * (1 - .5f * eyes) + RADIANS(1.8f) * sway(series, seconds, 6.1f);
	pose->roll = approx_mix(old.roll, new.roll, t) + RADIANS(2) * sway(series, seconds, 8.7f);
	pose->gaze_x = approx_clamp(yaw - pose->yaw, -.35f, .35f) +
		       .03f * sway(series, seconds, 1.9f);
	pose->gaze_y = approx_clamp(pitch - pose->pitch, -.2f, .2f) +
		       .02f * sway(series, seconds, 2.3f);
}

void lanesim_occupant_pose(const struct lanesim_occupant *occupant, float seconds,
			   struct lanesim_pose *ret_pose)
{
	uint64_t series = draw_series(occupant->habit, 'p');
	struct lanesim_pose pose = { 0 };
	float mood = draw_uniform(&series), talk, nap = draw_uniform(&series);

	pose_head(occupant, &series, seconds, &pose);
	pose.smile = approx_clamp(mood * mood * .7f - .1f + .35f * sway(&series, seconds, 7.9f), 0,
				  1);
	talk = approx_step(.2f, .6f, sway(&series, seconds, 11.3f));
	pose.open = talk * .35f * approx_max(0, .4f + sway(&series, seconds, .83f));
	pose.brow = .3f * sway(&series, seconds, 9.1f);
	pose.blink = blink(&series, seconds);
	pose.lean_x = RADIANS(3) * draw_gauss(&series) + RADIANS(1) * sway(&series, seconds, 12.7f);
	pose.lean_z = RADIANS(draw_between(&series, -2, 5)) +
		      RADIANS(1) * sway(&series, seconds, 14.9f);
	if (occupant->seat > 1 && !occupant->calm && nap < .07f) { /* asleep */
		pose.yaw = RADIANS(20) * (nap / .035f - 1);
		pose.pitch = RADIANS(-12);
		pose.roll = RADIANS(occupant->eyes.x > 0 ? -17 : 17);
		pose.blink = 1;
		pose.open = .12f;
		pose.smile = 0;
	}
	*ret_pose = pose;
}
