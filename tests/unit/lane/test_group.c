/* SPDX-License-Identifier: Apache-2.0 */
/* Which faces are one person's. */
#include "lane/group.h"
#include "unit/lane/scene.h"

static struct sp_group group;

static void begin(unsigned int cameras)
{
	CHECK_EQ(sp_group_init(&group, cameras, SIZE, 0.45f, 0.3f, true), 0);
}

static void end(void)
{
	sp_group_uninit(&group);
}

static void add(struct sp_result *result)
{
	sp_group_add(&group, result);
	scene_free(result);
}

TEST(group_follows_overlap_without_templates)
{
	begin(1);
	for (uint64_t block = 1; block <= 10; block++) {
		struct sp_result *result = scene_result(0, block, block);

		/* Moves 20 of its 80 pixels a frame: overlap 0.6. */
		scene_face(result, 1, 100 + (float)block * 20, 0.5f)->embedded = false;
		add(result);
	}
	CHECK_EQ(group.n, 1);
	CHECK_EQ(group.people[0]->shots, 10);
	/* Too far for overlap, and no template: someone else. */
	{
		struct sp_result *result = scene_result(0, 11, 11);

		scene_face(result, 1, 900, 0.5f)->embedded = false;
		add(result);
	}
	CHECK_EQ(group.n, 2);
	end();
}

TEST(group_overlap_is_of_consecutive_frames)
{
	for (unsigned int missed = 0; missed <= SP_GROUP_MISSES_MAX + 1; missed++) {
		struct sp_result *result = scene_result(0, 1, 1);

		begin(1);
		scene_face(result, 1, 100, 0.5f)->embedded = false;
		add(result);
		for (unsigned int i = 0; i < missed; i++)
			add(scene_result(0, 2 + i, 2 + i));
		result = scene_result(0, 20, 20);
		scene_face(result, 1, 100, 0.5f)->embedded = false;
		add(result);
		CHECK_EQ(group.n, missed <= SP_GROUP_MISSES_MAX ? 1 : 2);
		end();
	}
}

TEST(group_knows_a_face_again_by_its_template)
{
	begin(2);
	for (uint64_t block = 1; block <= 6; block++) {
		struct sp_result *result = scene_result(block % 2, block, block);

		scene_face(result, 7, block % 2 ? 100 : 700, 0.5f);
		add(result);
	}
	CHECK_EQ(group.n, 1);
	end();
}

TEST(group_overlap_yields_to_a_plainly_different_template)
{
	begin(1);
	for (uint64_t block = 1; block <= 6; block++) {
		struct sp_result *result = scene_result(0, block, block);

		scene_face(result, block <= 3 ? 1 : 2, 100, 0.5f);
		add(result);
	}
	CHECK_EQ(group.n, 2);
	CHECK_EQ(group.people[0]->shots, 3);
	end();
}

TEST(group_two_faces_of_a_frame_are_two_people)
{
	begin(1);
	for (uint64_t block = 1; block <= 5; block++) {
		struct sp_result *result = scene_result(0, block, block);

		/* The same template (twins, a photograph) and even the same place. */
		scene_face(result, 1, 100, 0.5f);
		scene_face(result, 1, 110, 0.5f);
		add(result);
	}
	sp_group_merge(&group);
	CHECK_EQ(group.n, 2);
	CHECK_EQ(group.people[0]->shots, 5);
	CHECK_EQ(group.people[1]->shots, 5);
	end();
}

TEST(group_crossing_people_keep_their_names)
{
	begin(1);
	for (uint64_t block = 1; block <= 20; block++) {
		struct sp_result *result = scene_result(0, block, block);
		float step = (float)block * 20;

		/* The order of faces in the frame changes as well. */
		if (block % 2) {
			scene_face(result, 1, 100 + step, 0.5f);
			scene_face(result, 2, 500 - step, 0.5f);
		} else {
			scene_face(result, 2, 500 - step, 0.5f);
			scene_face(result, 1, 100 + step, 0.5f);
		}
		add(result);
	}
	sp_group_merge(&group);
	CHECK_EQ(group.n, 2);
	for (unsigned int p = 0; p < 2; p++) {
		float own[SIZE], other[SIZE], to_own = 0, to_other = 0;

		CHECK_EQ(group.people[p]->shots, 20);
		scene_embed(own, p + 1, 0, 0);
		scene_embed(other, 2 - p, 0, 0);
		for (int i = 0; i < SIZE; i++) {
			to_own += own[i] * group.people[p]->mean[i];
			to_other += other[i] * group.people[p]->mean[i];
		}
		CHECK(to_own > 0.95f && to_other < 0.4f);
	}
	end();
}

TEST(group_merges_when_a_template_comes_later)
{
	struct sp_result *result;

	begin(2);
	result = scene_result(0, 1, 1);
	scene_portrait(scene_face(result, 4, 100, 0.5f), 10);
	add(result);
	/* Camera 1 has it turned away first, then sees who it is, better than camera 0 did. */
	result = scene_result(1, 1, 2);
	scene_face(result, 4, 300, 0.1f)->embedded = false;
	result->faces[0].reasons = SP_FACE_TURNED;
	add(result);
	CHECK_EQ(group.n, 2);
	/* Beside someone else, so that overlap leads to the second person. */
	result = scene_result(1, 2, 3);
	scene_portrait(scene_face(result, 4, 300, 0.9f), 20);
	result->faces[0].box[0] = 300;
	/* As strange to the first person as noise makes it, but overlapping the second. */
	scene_embed(result->faces[0].embedding, 4, 77, 0.9f);
	sp_group_add(&group, result);
	scene_free(result);
	for (uint64_t block = 3; block < 8; block++) {
		result = scene_result(1, block, block);
		scene_face(result, 4, 300, 0.6f);
		add(result);
	}
	sp_group_merge(&group);
	CHECK_EQ(group.n, 1);
	CHECK_EQ(group.people[0]->shots, 8);
	CHECK_EQ(group.people[0]->valid_shots, 7);
	CHECK_EQ(group.people[0]->best.block_id, 2);
	CHECK_EQ(group.people[0]->best.camera, 1);
	CHECK_EQ(group.people[0]->best.face.portrait->rgb[0], 20);
	end();
}

TEST(group_keeps_people_apart_after_merging)
{
	struct sp_result *result;

	/* 0 and 1 stand together; camera 1 sees 0 as person 2, who must not join 1 later. */
	begin(2);
	result = scene_result(0, 1, 1);
	scene_face(result, 1, 100, 0.5f);
	scene_face(result, 2, 400, 0.5f);
	add(result);
	result = scene_result(1, 1, 2);
	scene_face(result, 1, 100, 0.5f)->embedded = false;
	add(result);
	CHECK_EQ(group.n, 3);
	memcpy(group.people[2]->mean, group.people[0]->mean, sizeof(group.people[2]->mean));
	memcpy(group.people[2]->sum, group.people[0]->sum, sizeof(group.people[2]->sum));
	group.people[2]->has_template = true;
	sp_group_merge(&group);
	CHECK_EQ(group.n, 2);
	CHECK(group.people[0]->apart & 1u << group.people[1]->slot);
	CHECK(group.people[1]->apart & 1u << group.people[0]->slot);
	/* The freed place is used again without remembering. */
	result = scene_result(1, 9, 9);
	scene_face(result, 3, 900, 0.5f);
	add(result);
	CHECK_EQ(group.n, 3);
	CHECK_EQ(group.people[2]->apart, 0);
	CHECK_EQ(group.people[2]->shots, 1);
	end();
}

TEST(group_counts_those_without_room)
{
	begin(1);
	for (uint64_t block = 1; block <= 3; block++) {
		struct sp_result *result = scene_result(0, block, block);

		for (unsigned int i = 0; i < 10; i++)
			scene_face(result, block * 100 + i, (float)(block * 1000 + i * 90), 0.5f);
		add(result);
	}
	CHECK_EQ(group.n, SP_OCCUPANTS_MAX);
	CHECK_EQ(group.dropped, 10);
	sp_group_clear(&group);
	CHECK_EQ(group.n, 0);
	CHECK_EQ(group.dropped, 0);
	for (unsigned int i = 0; i < SP_OCCUPANTS_MAX; i++)
		CHECK(!group.people[i]->best.any && !group.people[i]->shots);
	end();
}

TEST_MAIN()
