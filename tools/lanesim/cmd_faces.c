/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "command.h"
#include "image/image.h"
#include "lanesim/aligned.h"
#include "lanesim/apart.h"
#include "lanesim/commands.h"
#include "lanesim/crew.h"
#include "lanesim/render/noise.h"
#include "lanesim/tensor.h"
#include "lanesim/traveller.h"

static const char me[] = "lanesim tensor faces";

/* Pixels between the eyes of what is aligned: from the far seats to the near ones. */
#define EYES_MIN 24.0f
#define EYES_MAX 70.0f
/* Of the aligned picture: its side in distances between the eyes, and room to turn and shake. */
#define ALIGNED_EYES 3.18f
#define ROOM 1.4f
#define NIR_SHARE 0.33f

static struct {
	uint64_t seed;
	uint32_t identities, shots, side, threads;
	double jitter, yaw, apart;
	const char *prefix;
	bool json;
} o = {
	.seed = 1,
	.identities = 100,
	.shots = 10,
	.side = 112,
	.jitter = 0.03,
	.yaw = 40,
	.apart = LANESIM_APART_USUAL,
};

static const struct sp_opt options[] = {
	{ "seed", 's', SP_OPT_U64, &o.seed, "S", "of everything (1)", 0, 0 },
	{ "identities", 'n', SP_OPT_U32, &o.identities, "N", "people (100)", 1, 1e6 },
	{ "shots", 'k', SP_OPT_U32, &o.shots, "K",
	  "pictures of each; the first is the document's (10)", 1, 10000 },
	{ "size", 0, SP_OPT_U32, &o.side, "PIXELS", "side of a picture (112)", 16, 512 },
	{ "jitter", 0, SP_OPT_DOUBLE, &o.jitter, "SHARE",
	  "landmarks are off by so much of the distance between the eyes (0.03)", 0, 1 },
	{ "yaw", 0, SP_OPT_DOUBLE, &o.yaw, "DEGREES", "how far turned at most (40)", 0, 90 },
	{ "apart", 0, SP_OPT_DOUBLE, &o.apart, "D", "least distance between people; 0: any", 0,
	  10 },
	{ "output", 'o', SP_OPT_STRING, &o.prefix, "PREFIX", "where to (needed)", 0, 0 },
	{ "threads", 0, SP_OPT_U32, &o.threads, "N", "(one a CPU)", 1, 256 },
	{ "json", 'j', SP_OPT_FLAG, &o.json, NULL, "the summary as JSON", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Aligned faces, person by person, K of each.",
	"The first of each person is the document's, the others are met at chance, a third of them in near\n"
	"infrared. Aligned as the appliance aligns, from the true landmarks and some noise.",
};

struct job {
	struct lanesim_tensor tensor; /* first: lanesim_tensor_take */
	uint64_t *seeds;
};

static float motion_of(const struct lanesim_sensor *sensor)
{
	return sqrtf(sensor->motion_x * sensor->motion_x + sensor->motion_y * sensor->motion_y);
}

static json_t *face_line(uint32_t person, uint64_t seed, uint32_t k,
			 const struct lanesim_shot *shot, const struct lanesim_truth *truth)
{
	const struct lanesim_sensor *sensor = &shot->sensor;

	return json_pack(
		"{s:I, s:I, s:i, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b, s:b, "
		"s:b, s:f}",
		"identity", (json_int_t)person, "seed", (json_int_t)seed, "shot", (int)k,
		"document", k == 0, "yaw", (double)truth->yaw, "pitch", (double)truth->pitch,
		"roll", (double)truth->roll, "eye_distance", (double)truth->eye_distance, "blur",
		(double)sensor->blur, "motion", (double)motion_of(sensor), "exposure_error",
		(double)sensor->compensation, "noise", (double)(sensor->shot + sensor->read),
		"blink", (double)shot->pose.blink, "nir", (int)sensor->nir, "mask",
		(int)truth->mask, "sunglasses", (int)truth->sunglasses, "visibility",
		(double)truth->visibility);
}

/* How shot @k is taken; the side of the picture that the face then fits in. */
static uint32_t draw_shot(struct lanesim_shot *shot, uint32_t k, uint64_t seed)
{
	uint64_t series = draw_series(seed, 0x73686F74);
	float eyes = EYES_MIN * approx_pow(EYES_MAX / EYES_MIN, draw_uniform(&series));
	bool nir = draw_uniform(&series) < NIR_SHARE;
	uint32_t side;

	if (k) {
		lanesim_shot_draw(shot, (float)o.yaw * LANESIM_PI / 180, seed);
		shot->sensor.nir = nir;
	} else {
		lanesim_shot_document(shot, seed);
		eyes = EYES_MAX;
	}
	lanesim_shot_resize(shot, eyes);
	/* Far faces are not sharper for being small. */
	shot->sensor.blur = approx_max(shot->sensor.blur, 0.35f);
	side = (uint32_t)(ALIGNED_EYES * ROOM * eyes) + 1;
	lanesim_shot_centre(shot, 0.46f, side);
	return side;
}

static int make_face(struct lanesim_traveller *traveller, struct lanesim_hand *hand, uint32_t k,
		     uint64_t seed, uint8_t *rgb, struct lanesim_shot *shot,
		     struct lanesim_truth *ret_truth)
{
	uint32_t side = draw_shot(shot, k, seed);
	struct sp_image *image = lanesim_hand_image(hand, side, side);
	struct lanesim_truth *truth = ret_truth;
	int res;

	traveller->share = k ? 1 : 0;
	res = lanesim_traveller_meet(traveller,
				     k ? lanesim_traveller_day(k - 1) : LANESIM_DOCUMENT_DAY);
	if (!image || res)
		return -ENOMEM;
	res = lanesim_traveller_shoot(traveller, shot, hand, image, truth);
	if (res)
		return res;
	lanesim_landmarks_shake(truth->landmark, (float)o.jitter, seed);
	return lanesim_aligned(image, truth->landmark, o.side, rgb);
}

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	const struct job *job = arg;
	struct lanesim_batch *batch = result;
	struct lanesim_traveller traveller = { .identity = job->seeds[i] };
	int res = lanesim_batch_init(batch, &job->tensor, o.shots, err);

	for (uint32_t k = 0; k < o.shots && !res; k++) {
		uint64_t seed = draw_series(draw_series(o.seed, traveller.identity), k);
		struct lanesim_truth truth;
		struct lanesim_shot shot;

		res = make_face(&traveller, hand, k, seed,
				batch->pixels + k * job->tensor.picture_bytes, &shot, &truth);
		if (res)
			sp_err_set(err, res, "person %u, shot %u cannot be made", i, k);
		else if (json_array_append_new(batch->lines,
					       face_line(i, traveller.identity, k, &shot, &truth)))
			res = sp_err_set(err, -ENOMEM, "out of memory");
	}
	lanesim_traveller_part(&traveller);
	if (res)
		lanesim_tensor_drop(arg, batch);
	return res;
}

static int run(struct job *job, struct sp_err *err)
{
	struct lanesim_apart apart = {
		.seed = o.seed,
		.n = o.identities,
		.distance = (float)o.apart,
	};
	struct lanesim_crew crew = {
		.label = me,
		.n = o.identities,
		.threads = o.threads,
		.result_bytes = sizeof(struct lanesim_batch),
		.arg = job,
		.make = make,
		.take = lanesim_tensor_take,
		.drop = lanesim_tensor_drop,
	};
	int res;

	job->seeds = calloc(o.identities, sizeof(*job->seeds));
	if (!job->seeds)
		return sp_err_set(err, -ENOMEM, "out of memory");
	res = lanesim_apart_draw(&apart, job->seeds, NULL, err);
	if (!res)
		res = lanesim_tensor_write(&job->tensor, o.prefix, o.side, &crew, err);
	free(job->seeds);
	return res;
}

int lanesim_cmd_tensor_faces(int argc, char **argv)
{
	static struct job job;
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc || !o.prefix)
		return sp_command_fail(me, SP_EXIT_USAGE, "give -o PREFIX and nothing else");
	if (run(&job, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	return lanesim_output_report(&job.tensor.output, o.prefix, o.json);
}
