/* SPDX-License-Identifier: Apache-2.0 */
/* Where models are found, which are taken, and that ours are the files of their cards. */
#include "app/models.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "app/known_models.h"
#include "base/diag.h"
#include "lane/compare.h"
#include "temporary.h"
#include "test.h"

/* ---- search path and choice, with files that are empty --------------------------------------- */

static char first[128], second[128];

/* Two directories, the second in SALLYPORT_MODELS; nothing else of this machine is found. */
static void fresh_directories(void)
{
	const char *top = temporary_directory();

	snprintf(first, sizeof(first), "%s/first", top);
	snprintf(second, sizeof(second), "%s/second", top);
	CHECK(!mkdir(first, 0700) && !mkdir(second, 0700) && !chdir(top));
	setenv("SALLYPORT_MODELS", second, 1);
	setenv("SALLYPORT_SHARED", top, 1);
	if (!access("/var/lib/sallyport/models", F_OK))
		SKIP("this machine has /var/lib/sallyport/models");
}

static void touch(const char *directory, const char *file)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	f = fopen(path, "w");
	CHECK(f && !fclose(f));
}

static const char *base(const char *path)
{
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static struct sp_models choose(const char *detector, const char *embedder, const char *quality)
{
	const struct sp_models_wish wish = { first, detector, embedder, quality };
	struct sp_models models;
	struct sp_err err = { "" };

	if (sp_models_choose(&wish, &models, &err))
		FAIL("%s", err.text);
	CHECK_STR(err.text, "");
	return models;
}

TEST(models_are_found_in_the_order_of_the_path)
{
	char path[256];
	struct sp_err err = { "" };

	fresh_directories();
	touch(second, "a.onnx");
	CHECK_EQ(sp_models_find(first, "a.onnx", path, sizeof(path), &err), 0);
	CHECK(!strncmp(path, second, strlen(second)));
	touch(first, "a.onnx");
	CHECK_EQ(sp_models_find(first, "a.onnx", path, sizeof(path), &err), 0);
	CHECK(!strncmp(path, first, strlen(first)));
	CHECK_EQ(sp_models_find(first, "b.onnx", path, sizeof(path), &err), -ENOENT);
	CHECK(strstr(err.text, first) && strstr(err.text, second) && strstr(err.text, "install"));
}

TEST(models_recommended_come_before_ours)
{
	const struct sp_models_wish wish = { .directory = first };
	struct sp_models models;
	struct sp_err err = { "" };

	fresh_directories();
	CHECK_EQ(sp_models_choose(&wish, &models, &err), -ENOENT);
	CHECK(strstr(err.text, "yunet_n_dynamic.onnx"));
	/* Ours need no quality network, but say that there is none. */
	touch(first, "sallyport_detector.onnx");
	touch(first, "sallyport_embedder.onnx");
	models = choose(NULL, NULL, NULL);
	CHECK_STR(base(models.embedder), "sallyport_embedder.onnx");
	CHECK(models.demonstration && models.quality_lacking && !*models.quality);
	touch(first, "sallyport_quality.onnx");
	models = choose(NULL, NULL, NULL);
	CHECK_STR(base(models.quality), "sallyport_quality.onnx");
	CHECK(models.demonstration && !models.quality_lacking);
	/* Half of the recommended set is none of it: detector and embedder come from one. */
	touch(second, "yunet_n_dynamic.onnx");
	models = choose(NULL, NULL, NULL);
	CHECK_STR(base(models.detector), "sallyport_detector.onnx");
	touch(second, "mobilefacenet.onnx");
	models = choose(NULL, NULL, NULL);
	CHECK_STR(base(models.detector), "yunet_n_dynamic.onnx");
	CHECK_STR(base(models.embedder), "mobilefacenet.onnx");
	CHECK(!models.demonstration && models.quality_lacking);
	touch(second, "lightqnet_dm025.onnx");
	models = choose(NULL, NULL, NULL);
	CHECK_STR(base(models.quality), "lightqnet_dm025.onnx");
	CHECK(!models.demonstration && !models.quality_lacking);
}

TEST(models_named_are_taken_as_named)
{
	const struct sp_models_wish wish = { first, NULL, NULL, "nosuch.onnx" };
	struct sp_models models;
	struct sp_err err = { "" };

	fresh_directories();
	for (const struct sp_known_model *m = sp_known_models; m->file; m++)
		touch(first, m->file);
	touch(first, "mine.onnx");
	models = choose("mine.onnx", NULL, "none");
	CHECK_STR(base(models.detector), "mine.onnx");
	CHECK_STR(base(models.embedder), "mobilefacenet.onnx");
	CHECK(!*models.quality && !models.quality_lacking && !models.demonstration);
	/* One of ours brings the others along, and says what it is. */
	models = choose(NULL, "sallyport_embedder.onnx", NULL);
	CHECK_STR(base(models.detector), "sallyport_detector.onnx");
	CHECK_STR(base(models.quality), "sallyport_quality.onnx");
	CHECK(models.demonstration);
	CHECK_EQ(sp_models_choose(&wish, &models, &err), -ENOENT);
	CHECK(strstr(err.text, "nosuch.onnx"));
}

/* ---- ours are what their cards say ----------------------------------------------------------- */

static char tree[1024]; /* where the tests were started: the top of the source tree */

__attribute__((constructor)) static void remember_tree(void)
{
	if (!getcwd(tree, sizeof(tree)))
		tree[0] = '\0';
}

static char *read_text(const char *name, size_t *ret_size)
{
	char path[1200];
	long size;
	char *text;
	FILE *f;

	snprintf(path, sizeof(path), "%s/models/%s", tree, name);
	f = fopen(path, "rb");
	if (!f)
		FAIL("%s is not there; it belongs to the repository", path);
	CHECK(!fseek(f, 0, SEEK_END));
	size = ftell(f);
	rewind(f);
	text = calloc(1, (size_t)size + 1);
	CHECK(text && fread(text, 1, (size_t)size, f) == (size_t)size);
	fclose(f);
	*ret_size = (size_t)size;
	return text;
}

/* A top-level value of a card, without quotes and comment; "" if there is none. */
static void card_value(const char *card, const char *key, char *value, size_t size)
{
	size_t n = strlen(key);

	value[0] = '\0';
	for (const char *line = card; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) || line[n] != ':')
			continue;
		line += n + 1 + strspn(line + n + 1, " \"'");
		snprintf(value, size, "%.*s", (int)strcspn(line, " \"'#\n"), line);
		return;
	}
}

static void check_card(const struct sp_known_model *m)
{
	char name[128], value[128], hex[65];
	uint8_t sha256[32];
	size_t size;
	char *text;

	text = read_text(m->file, &size);
	CHECK(EVP_Digest(text, size, sha256, NULL, EVP_sha256(), NULL));
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
	free(text);
	if (strcmp(hex, m->sha256))
		FAIL("models/%s is %s, the program knows %s: run tools/adopt-models", m->file, hex,
		     m->sha256);
	snprintf(name, sizeof(name), "%.*s.yaml", (int)(strlen(m->file) - 5), m->file);
	text = read_text(name, &size);
	card_value(text, "sha256", value, sizeof(value));
	CHECK_STR(value, hex);
	card_value(text, "kind", value, sizeof(value));
	CHECK_STR(value, sp_model_role_name(m->role));
	card_value(text, "file", value, sizeof(value));
	CHECK_STR(value, m->file);
	card_value(text, "licence", value, sizeof(value));
	CHECK_STR(value, m->licence);
	free(text);
}

TEST(models_of_ours_are_those_of_their_cards)
{
	for (const struct sp_known_model *m = sp_known_models; m->file; m++)
		if (m->origin == SP_MODEL_OURS)
			check_card(m);
}

/* The figure behind the next @key of the list, or the end. */
static double next_number(const char **at, const char *key)
{
	*at = strstr(*at, key);
	CHECK(*at);
	*at += strlen(key);
	return strtod(*at, NULL);
}

TEST(thresholds_of_ours_are_those_of_the_card)
{
	size_t size;
	char *card = read_text("sallyport_embedder.yaml", &size);
	char *list = strstr(card, "\nthresholds:"), *end = list ? list + 1 : NULL;
	unsigned int n = 0;

	CHECK(list);
	/* The list ends with the next key. */
	while ((end = strchr(end, '\n')) && strspn(end + 1, " -"))
		end++;
	if (end)
		*end = '\0';
	for (const char *at = list; strstr(at, "fmr:"); n++) {
		double fmr = next_number(&at, "fmr:"), similarity = next_number(&at, "similarity:");
		bool known = false;

		for (unsigned int i = 0; i < sp_match_synthetic.thresholds_n; i++) {
			const struct sp_match_threshold *t = &sp_match_synthetic.thresholds[i];

			known |= t->fmr == fmr && t->similarity == (float)similarity;
		}
		if (!known)
			FAIL("the card's %g at %g is not known: run tools/adopt-models", similarity,
			     fmr);
	}
	CHECK_EQ(sp_match_synthetic.thresholds_n, n);
	free(card);
}

TEST_MAIN()
