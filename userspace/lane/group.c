/* SPDX-License-Identifier: Apache-2.0 */
#include "lane/group.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A template of a face without any quality still counts a little. */
#define WEIGHT_MIN 0.01f

int sp_group_init(struct sp_group *group, unsigned int cameras, uint32_t embedding_size,
		  float same_similarity, float same_overlap, bool with_portraits)
{
	*group = (struct sp_group){
		.same_similarity = same_similarity,
		.same_overlap = same_overlap,
		.embedding_size = embedding_size,
		.cameras = cameras,
		.frames = calloc(cameras, sizeof(*group->frames)),
		.memory = calloc(SP_OCCUPANTS_MAX, sizeof(*group->memory)),
		.tracks = calloc((size_t)SP_OCCUPANTS_MAX * cameras, sizeof(*group->tracks)),
	};
	if (!group->frames || !group->memory || !group->tracks)
		goto err_uninit;
	for (unsigned int i = 0; i < SP_OCCUPANTS_MAX; i++) {
		struct sp_person *person = group->people[i] = &group->memory[i];

		person->slot = i;
		person->tracks = group->tracks + (size_t)i * cameras;
		if (sp_best_shot_init(&person->best, with_portraits))
			goto err_uninit;
	}
	return 0;

err_uninit:
	sp_group_uninit(group);
	return -ENOMEM;
}

void sp_group_uninit(struct sp_group *group)
{
	if (group->memory && group->tracks)
		sp_group_clear(group);
	for (unsigned int i = 0; group->memory && i < SP_OCCUPANTS_MAX; i++)
		sp_best_shot_uninit(&group->memory[i].best);
	free(group->frames);
	free(group->memory);
	free(group->tracks);
	*group = (struct sp_group){ 0 };
}

static void clear_person(struct sp_group *group, struct sp_person *person)
{
	person->apart = 0;
	person->shots = person->valid_shots = 0;
	person->has_template = false;
	explicit_bzero(person->sum, sizeof(person->sum));
	explicit_bzero(person->mean, sizeof(person->mean));
	sp_best_shot_clear(&person->best);
	memset(person->tracks, 0, group->cameras * sizeof(*person->tracks));
}

void sp_group_clear(struct sp_group *group)
{
	for (unsigned int i = 0; i < group->n; i++)
		clear_person(group, group->people[i]);
	group->n = 0;
	group->dropped = 0;
}

static float dot(const float *a, const float *b, uint32_t n)
{
	float sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Area of the intersection over that of the union. */
static float overlap(const float a[4], const float b[4])
{
	float width = fminf(a[0] + a[2], b[0] + b[2]) - fmaxf(a[0], b[0]);
	float height = fminf(a[1] + a[3], b[1] + b[3]) - fmaxf(a[1], b[1]);
	float both = width > 0 && height > 0 ? width * height : 0;
	float either = a[2] * a[3] + b[2] * b[3] - both;

	return either > 0 ? both / either : 0;
}

/* How much speaks for @face being @person's; 0: not enough. */
static float evidence(const struct sp_group *group, const struct sp_person *person,
		      const struct sp_face *face, uint16_t camera)
{
	const struct sp_track *track = &person->tracks[camera];
	float strength = 0, similarity, shared;

	if (track->frame && group->frames[camera] - track->frame <= SP_GROUP_MISSES_MAX + 1) {
		shared = overlap(track->box, face->box);
		if (shared >= group->same_overlap)
			strength += shared;
	}
	if (face->embedded && person->has_template) {
		similarity = dot(face->embedding, person->mean, group->embedding_size);
		if (similarity >= group->same_similarity)
			strength += similarity;
		else if (similarity < group->same_similarity / 2)
			strength = 0;
	}
	return strength;
}

static void renew_mean(struct sp_group *group, struct sp_person *person)
{
	float norm = sqrtf(dot(person->sum, person->sum, group->embedding_size));

	person->has_template = norm > 0;
	for (uint32_t i = 0; norm > 0 && i < group->embedding_size; i++)
		person->mean[i] = person->sum[i] / norm;
}

static void join(struct sp_group *group, struct sp_person *person, const struct sp_result *result,
		 const struct sp_face *face)
{
	struct sp_track *track = &person->tracks[result->camera];

	person->shots++;
	person->valid_shots += !face->reasons;
	if (face->embedded) {
		float weight = fmaxf(face->quality.score, WEIGHT_MIN);

		for (uint32_t i = 0; i < group->embedding_size; i++)
			person->sum[i] += weight * face->embedding[i];
		renew_mean(group, person);
	}
	track->frame = group->frames[result->camera];
	memcpy(track->box, face->box, sizeof(track->box));
	sp_best_shot_offer(&person->best, result, face);
}

/*
 * The strongest pair first, each face and each person once; of equal pairs the earlier person and
 * the earlier face. ret_people[face] is NULL where nobody fits.
 */
static void assign(const struct sp_group *group, const struct sp_result *result,
		   struct sp_person *ret_people[SP_FACES_MAX])
{
	float strength[SP_OCCUPANTS_MAX][SP_FACES_MAX];

	for (unsigned int p = 0; p < group->n; p++)
		for (unsigned int f = 0; f < result->faces_n; f++)
			strength[p][f] = evidence(group, group->people[p], &result->faces[f],
						  result->camera);
	memset(ret_people, 0, SP_FACES_MAX * sizeof(*ret_people));
	for (;;) {
		unsigned int best_p = 0, best_f = 0;
		float best = 0;

		for (unsigned int p = 0; p < group->n; p++) {
			for (unsigned int f = 0; f < result->faces_n; f++) {
				if (strength[p][f] <= best)
					continue;
				best = strength[p][f];
				best_p = p;
				best_f = f;
			}
		}
		if (best <= 0)
			return;
		ret_people[best_f] = group->people[best_p];
		for (unsigned int f = 0; f < result->faces_n; f++)
			strength[best_p][f] = 0;
		for (unsigned int p = 0; p < group->n; p++)
			strength[p][best_f] = 0;
	}
}

void sp_group_add(struct sp_group *group, const struct sp_result *result)
{
	struct sp_person *people[SP_FACES_MAX];
	uint32_t together = 0, dropped = 0;

	group->frames[result->camera]++;
	/* Merging only when room may run out: before that every frame adds to the evidence. */
	if (group->n + result->faces_n > SP_OCCUPANTS_MAX)
		sp_group_merge(group);
	assign(group, result, people);
	for (unsigned int f = 0; f < result->faces_n; f++) {
		if (!people[f] && group->n < SP_OCCUPANTS_MAX)
			people[f] = group->people[group->n++];
		if (!people[f]) {
			dropped++;
			continue;
		}
		join(group, people[f], result, &result->faces[f]);
		together |= 1u << people[f]->slot;
	}
	for (unsigned int f = 0; f < result->faces_n; f++)
		if (people[f])
			people[f]->apart |= together & ~(1u << people[f]->slot);
	if (dropped > group->dropped)
		group->dropped = dropped;
}

/* Moves what is known of @gone to @kept, which appeared earlier. */
static void absorb(struct sp_group *group, struct sp_person *kept, struct sp_person *gone)
{
	uint32_t kept_bit = 1u << kept->slot, gone_bit = 1u << gone->slot;

	kept->shots += gone->shots;
	kept->valid_shots += gone->valid_shots;
	for (uint32_t i = 0; i < group->embedding_size; i++)
		kept->sum[i] += gone->sum[i];
	renew_mean(group, kept);
	for (unsigned int c = 0; c < group->cameras; c++)
		if (gone->tracks[c].frame > kept->tracks[c].frame)
			kept->tracks[c] = gone->tracks[c];
	if (sp_best_shot_is_better(&gone->best, &kept->best)) {
		struct sp_best_shot better = gone->best;

		gone->best = kept->best;
		kept->best = better;
	}
	kept->apart |= gone->apart;
	for (unsigned int p = 0; p < group->n; p++)
		if (group->people[p]->apart & gone_bit)
			group->people[p]->apart = (group->people[p]->apart & ~gone_bit) | kept_bit;
	clear_person(group, gone);
}

void sp_group_merge(struct sp_group *group)
{
	for (;;) {
		unsigned int kept = 0, gone = 0;
		float best = group->same_similarity;
		struct sp_person *free_person;

		for (unsigned int a = 0; a < group->n; a++) {
			for (unsigned int b = a + 1; b < group->n; b++) {
				const struct sp_person *one = group->people[a],
						       *other = group->people[b];
				float similarity;

				if (!one->has_template || !other->has_template ||
				    one->apart & 1u << other->slot)
					continue;
				similarity = dot(one->mean, other->mean, group->embedding_size);
				if (!(similarity >= best) || (gone && similarity == best))
					continue;
				best = similarity;
				kept = a;
				gone = b;
			}
		}
		if (!gone)
			return;
		free_person = group->people[gone];
		absorb(group, group->people[kept], free_person);
		group->n--;
		memmove(group->people + gone, group->people + gone + 1,
			(group->n - gone) * sizeof(*group->people));
		group->people[group->n] = free_person;
	}
}
