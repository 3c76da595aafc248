/* SPDX-License-Identifier: Apache-2.0 */
/* Single pictures through the compute port, with the real models. */
#include "app/stills.h"

#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "image/image.h"
#include "test.h"

static struct sp_stills *open_stills(uint32_t side_max)
{
	static char directory[1024];
	struct sp_stills_config config = { .model_directory = directory, .side_max = side_max };
	struct sp_stills *stills;
	struct sp_err err = { "" };

	snprintf(directory, sizeof(directory), "%s", sp_test_shared("models/lightqnet_dm025.onnx"));
	sp_test_shared("models/yunet_n_dynamic.onnx");
	sp_test_shared("models/mobilefacenet.onnx");
	*strrchr(directory, '/') = '\0';
	if (sp_stills_open(&config, &stills, &err))
		FAIL("%s", err.text);
	return stills;
}

static struct sp_image read_picture(const char *name)
{
	struct sp_image image;
	struct sp_err err = { "" };

	if (sp_image_read(sp_test_shared(name), &image, &err))
		FAIL("%s", err.text);
	return image;
}

static const struct sp_result *analyse(struct sp_stills *stills, const struct sp_image *image)
{
	const struct sp_result *result;
	struct sp_err err = { "" };

	if (sp_stills_analyse(stills, image, &result, &err))
		FAIL("%s", err.text);
	return result;
}

TEST(stills_find_the_people_and_the_main_face)
{
	struct sp_image two = read_picture("data/two_people.jpg"), black;
	struct sp_stills *stills = open_stills(0);
	const struct sp_result *result = analyse(stills, &two);
	const struct sp_face *main_face;

	CHECK_EQ(result->faces_n, 2);
	main_face = sp_stills_main_face(result);
	CHECK(main_face && main_face->embedded);
	for (unsigned int i = 0; i < 2; i++) {
		const float *box = result->faces[i].box;
		double norm = 0;

		CHECK(box[2] * box[3] <= main_face->box[2] * main_face->box[3]);
		for (unsigned int k = 0; k < sp_stills_info(stills)->embedding_size; k++)
			norm += (double)result->faces[i].embedding[k] *
				result->faces[i].embedding[k];
		CHECK_NEAR(norm, 1, 1e-4);
	}
	/* The same object looks at the next picture; nobody is in it. */
	CHECK_EQ(sp_image_init(&black, 320, 240), 0);
	result = analyse(stills, &black);
	CHECK_EQ(result->faces_n, 0);
	CHECK(!sp_stills_main_face(result));
	sp_image_uninit(&black);
	sp_stills_close(stills);
	sp_image_uninit(&two);
}

/* A picture above side_max is looked at reduced; boxes come in its own pixels all the same. */
TEST(stills_reduce_large_pictures)
{
	struct sp_image two = read_picture("data/two_people.jpg");
	struct sp_stills *whole = open_stills(0), *reduced = open_stills(320);
	const struct sp_face *a = sp_stills_main_face(analyse(whole, &two));
	const struct sp_face *b = sp_stills_main_face(analyse(reduced, &two));

	CHECK(two.width > 320 || two.height > 320);
	CHECK(a && b);
	for (int i = 0; i < 4; i++)
		CHECK_NEAR(b->box[i], a->box[i], 0.15 * a->box[2]);
	sp_stills_close(reduced);
	sp_stills_close(whole);
	sp_image_uninit(&two);
}

TEST(stills_say_what_they_lack)
{
	const struct sp_stills_config absent = { .detector = "no-such-model.onnx" };
	const struct sp_stills_config backend = { .backend = "quantum" };
	struct sp_stills *stills = NULL;
	struct sp_err err = { "" };

	CHECK_EQ(sp_stills_open(&absent, &stills, &err), -ENOENT);
	CHECK(strstr(err.text, "no-such-model.onnx") && strstr(err.text, "SALLYPORT_MODELS"));
	CHECK_EQ(sp_stills_open(&backend, &stills, &err), -EINVAL);
	CHECK(strstr(err.text, "quantum") && strstr(err.text, "cpu"));
	CHECK(!stills);
	sp_stills_close(NULL);
}

TEST_MAIN()
