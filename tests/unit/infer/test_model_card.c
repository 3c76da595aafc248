/* SPDX-License-Identifier: Apache-2.0 */
/* Cards: read as they stand, refused by line and field, and part of a template's identity. */
#include "infer/model_card.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "infer/align.h"
#include "infer/model.h"
#include "net.h"

static struct sp_model_card card;
static struct sp_err err;

static int parse(const char *text, enum sp_model_role role)
{
	err.text[0] = '\0';
	return sp_model_card_parse(text, strlen(text), "a.yaml", role, &card, &err);
}

static void expect_refusal(const char *text, enum sp_model_role role, const char *words)
{
	CHECK_EQ(parse(text, role), -EINVAL);
	if (strncmp(err.text, "a.yaml: ", 8) || !strstr(err.text, words) || strchr(err.text, '\n'))
		FAIL("\"%s\" says nothing of \"%s\"", err.text, words);
}

#define DETECTOR "kind: detector\nlicence: MIT\n"
#define EMBEDDER "kind: embedder\nlicence: MIT\n"
#define INPUT "input: {colours: rgb, mean: 127.5, deviation: 128}\n"

TEST(a_short_card_has_what_its_kind_usually_has)
{
	struct sp_model_card usual;

	CHECK_EQ(parse(EMBEDDER, SP_ROLE_EMBEDDER), 0);
	sp_model_card_default(SP_ROLE_EMBEDDER, &usual);
	CHECK_EQ(card.side, SP_ALIGNED_SIDE);
	CHECK(!memcmp(card.points, usual.points, sizeof(card.points)));
	CHECK(!memcmp(&card.input, &usual.input, sizeof(card.input)));
	CHECK_STR(card.licence, "MIT");
	CHECK_EQ(parse("{kind: quality, licence: MIT}", SP_ROLES), 0);
	CHECK_EQ(card.role, SP_ROLE_QUALITY);
	CHECK_EQ(card.side, 96);
	CHECK(card.worst == 0 && card.best == 1);
	CHECK_EQ(parse(DETECTOR, SP_ROLES), 0);
	CHECK_EQ(card.decode, SP_DECODE_YUNET);
	CHECK_EQ(card.levels, 3);
}

TEST(every_field_is_read)
{
	CHECK_EQ(parse(DETECTOR
		       "what: W\nuse: U\nfile: f.onnx\n"
		       "sha256: \"00112233445566778899aabbccddeeff00112233445566778899aabb"
		       "ccddeeff\"\n"
		       "input: {colours: bgr, mean: [104, 117, 123], deviation: [1, 2, 4]}\n"
		       "decode:\n  like: retinaface\n  strides: [8, 16]\n"
		       "  sides: [[16, 20, 32], [64, 96, 128]]\n  variances: [0.1, 0.3]\n"
		       "  logits: true\n  score_min: 0.7\n  overlap_max: 0.25\n"
		       "  landmark_error: 0.04\n"
		       "  outputs: {scores: conf, boxes: loc, landmarks: landms}\n",
		       SP_ROLE_DETECTOR),
		 0);
	CHECK_STR(card.title, "W");
	CHECK_STR(card.note, "U");
	CHECK_STR(card.file, "f.onnx");
	CHECK(card.pinned && card.sha256[1] == 0x11 && card.sha256[31] == 0xFF);
	CHECK(card.input.bgr);
	CHECK_NEAR(card.input.scale[2], 0.25, 0);
	CHECK_NEAR(card.input.shift[1], -58.5, 0);
	CHECK_EQ(card.decode, SP_DECODE_RETINAFACE);
	CHECK_EQ(card.levels, 2);
	CHECK_EQ(card.anchors, 3);
	CHECK_EQ(card.stride[1], 16);
	CHECK_NEAR(card.anchor[0][1], 20, 0);
	CHECK_NEAR(card.anchor[1][2], 128, 0);
	CHECK_NEAR(card.variance[1], 0.3, 1e-7);
	CHECK(card.logits);
	CHECK_NEAR(card.score_min, 0.7, 1e-7);
	CHECK_NEAR(card.overlap_max, 0.25, 0);
	CHECK_NEAR(card.landmark_error, 0.04, 1e-7);
	CHECK_STR(card.output[SP_HEAD_SCORES][0], "conf");
	CHECK_STR(card.output[SP_HEAD_LANDMARKS][0], "landms");
	CHECK_STR(card.output[SP_HEAD_SCORES][1], "");
}

/* Centres of pixels are at halves in every scale. */
TEST(points_stand_in_pixels_of_the_input)
{
	CHECK_EQ(parse(EMBEDDER "input: {side: 224}\nalign: {points: [[0.5, 0.5], [111.5, 0], "
				"[1, 2], [3, 4], [223.5, 223.5]]}\n",
		       SP_ROLE_EMBEDDER),
		 0);
	CHECK_EQ(card.side, 224);
	CHECK_NEAR(card.points[0][0], 0, 1e-6);
	CHECK_NEAR(card.points[1][0], 55.5, 1e-5);
	CHECK_NEAR(card.points[4][1], 111.5, 1e-5);
}

TEST(what_is_wrong_is_said_with_line_and_field)
{
	static const struct {
		const char *text;
		enum sp_model_role role;
		const char *words;
	} cases[] = {
		{ "", SP_ROLES, "no model card" },
		{ "- a\n", SP_ROLES, "no model card" },
		{ "a: [\n", SP_ROLES, "line 2" },
		{ "licence: MIT\n", SP_ROLES, "kind: it is missing" },
		{ "kind: robot\n", SP_ROLES, "line 1: kind: 'robot' is none of detector" },
		{ "kind: [detector]\n", SP_ROLES, "kind: one value" },
		{ EMBEDDER, SP_ROLE_DETECTOR, "kind embedder; detector is wanted" },
		{ "kind: embedder\n", SP_ROLES, "licence: it is missing" },
		{ EMBEDDER "licence: MIT\n", SP_ROLES, "line 3: licence: it is there twice" },
		{ EMBEDDER "colour: red\n", SP_ROLES, "line 3: 'colour' is no field" },
		{ EMBEDDER "\"a\\tb\": 1\n", SP_ROLES, "'a?b' is no field" },
		{ EMBEDDER "decode: {like: scrfd}\n", SP_ROLES, "decode: a network of this kind" },
		{ DETECTOR "align: {points: []}\n", SP_ROLES, "align: a network of this kind" },
		{ EMBEDDER "input: 7\n", SP_ROLES, "line 3: input: a mapping" },
		{ EMBEDDER "input:\n  colours: rgb\n", SP_ROLES, "input: mean is missing" },
		{ EMBEDDER "input:\n  colours: rgb\n  mean: x\n", SP_ROLES,
		  "line 5: input.mean: 'x' is no number" },
		{ EMBEDDER "input:\n  mean: [1, 2]\n", SP_ROLES, "input.mean: 2 values" },
		{ EMBEDDER "input:\n  deviation: 0\n", SP_ROLES, "input.deviation: 0 is out" },
		{ EMBEDDER "input: {mean: nan}\n", SP_ROLES, "input.mean: 'nan' is no number" },
		{ EMBEDDER "input: {side: 1000}\n", SP_ROLES, "input.side: 1000 is out of range" },
		{ EMBEDDER "input: {side: -1}\n", SP_ROLES, "input.side: '-1' is no whole number" },
		{ EMBEDDER "input: {side: 99999999999999999999999}\n", SP_ROLES, "out of range" },
		{ DETECTOR "input: {side: 112}\n", SP_ROLES, "input.side: a network of this" },
		{ EMBEDDER "align: {points: [[1, 2]]}\n", SP_ROLES, "align.points: 1 values; it" },
		{ EMBEDDER "align: {points: [[1],[1],[1],[1],[1]]}\n", SP_ROLES, "takes 2" },
		{ EMBEDDER "align: {points: [[7, 1], [7, 1], [7, 1], [7, 1], [7, 1]]}\n",
		  SP_ROLES, "align.points: all five are one point" },
		{ EMBEDDER "output: {size: 1}\n", SP_ROLES, "output.size: 1 is out of range" },
		{ EMBEDDER "output: {best: 1}\n", SP_ROLES, "output.best: a network of this" },
		{ "kind: quality\nlicence: MIT\noutput: {worst: 1}\n", SP_ROLES,
		  "the same number" },
		{ EMBEDDER "sha256: 12\n", SP_ROLES, "sha256: 64 hexadecimal digits" },
		{ DETECTOR "decode: {like: scrfd}\n", SP_ROLES, "input: it is missing; scrfd's" },
		{ DETECTOR INPUT "decode: {anchors: 2}\n", SP_ROLES, "decode: like is missing" },
		{ DETECTOR "decode: {like: yunet, anchors: 2}\n", SP_ROLES,
		  "decode.anchors: a net" },
		{ DETECTOR INPUT "decode: {like: scrfd, strides: [16, 8]}\n", SP_ROLES,
		  "decode.strides: finest first" },
		{ DETECTOR INPUT "decode: {like: scrfd, anchors: 9}\n", SP_ROLES, "anchors: 9" },
		{ DETECTOR INPUT "decode: {like: yunet, landmark_error: 0}\n", SP_ROLES,
		  "landmark_error: 0" },
		{ DETECTOR INPUT "decode: {like: scrfd, score_min: 2}\n", SP_ROLES,
		  "score_min: 2" },
		{ DETECTOR INPUT "decode: {like: scrfd, logits: maybe}\n", SP_ROLES,
		  "false, true" },
		{ DETECTOR INPUT "decode: {like: retinaface, strides: [8, 16]}\n", SP_ROLES,
		  "sides is missing" },
		{ DETECTOR INPUT "decode: {like: retinaface, sides: [[1, 2], [3], [4, 5]]}\n",
		  SP_ROLES, "decode.sides: 1 values; it takes 2" },
		{ DETECTOR INPUT "decode: {like: scrfd, outputs: {scores: [a, b]}}\n", SP_ROLES,
		  "outputs.scores: 2 names" },
		{ DETECTOR INPUT "decode: {like: scrfd, outputs: {scores: a, boxes: b}}\n",
		  SP_ROLES, "landmarks is missing" },
		{ DETECTOR INPUT "decode: {like: scrfd, outputs: {objectness: a}}\n", SP_ROLES,
		  "objectness: a network of this kind has none" },
		{ EMBEDDER "what: \"a\\nb\"\n", SP_ROLES, "what: control characters" },
		{ EMBEDDER "---\nkind: quality\n", SP_ROLES, "line 4: a second document" },
		{ EMBEDDER "---\na: [\n", SP_ROLES, "line 5" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_refusal(cases[i].text, cases[i].role, cases[i].words);
}

TEST(a_refused_card_leaves_nothing)
{
	struct sp_model_card before;

	memset(&card, 7, sizeof(card));
	before = card;
	expect_refusal(EMBEDDER "output: {size: 1}\n", SP_ROLES, "size");
	CHECK(!memcmp(&before, &card, sizeof(card)));
}

TEST(cards_of_the_documentation_are_good)
{
	DIR *directory = opendir("docs/cards");
	unsigned int n = 0;

	if (!directory)
		SKIP("docs/cards is not there; run the test at the top of the source tree");
	for (struct dirent *entry; (entry = readdir(directory));) {
		char path[300], text[8192];
		size_t size;
		FILE *file;

		if (!strstr(entry->d_name, ".yaml"))
			continue;
		snprintf(path, sizeof(path), "docs/cards/%s", entry->d_name);
		file = fopen(path, "r");
		CHECK(file);
		size = fread(text, 1, sizeof(text), file);
		fclose(file);
		if (sp_model_card_parse(text, size, path, SP_ROLES, &card, &err))
			FAIL("%s", err.text);
		n++;
	}
	closedir(directory);
	CHECK(n >= 6);
}

/* ---- beside a network ------------------------------------------------------------------------ */

static char directory[64];

static struct sp_model *write_model(void)
{
	static struct net net;
	struct sp_model *model;
	char path[128];
	size_t size;
	uint8_t *bytes;
	FILE *file;

	strcpy(directory, "/tmp/sp-card-XXXXXX");
	CHECK(mkdtemp(directory));
	net_begin(&net, 13, 1, SHAPE(1, 3, 4, 4));
	net_output(&net, net_act(&net, net.input, NET_RELU));
	bytes = net_pack(&net, &size);
	snprintf(path, sizeof(path), "%s/net.onnx", directory);
	file = fopen(path, "wb");
	CHECK(file && fwrite(bytes, 1, size, file) == size && !fclose(file));
	net_end(&net);
	if (sp_model_load(path, &model, &err))
		FAIL("%s", err.text);
	return model;
}

static void write_card(const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/net.yaml", directory);
	file = fopen(path, "w");
	CHECK(file && fputs(text, file) >= 0 && !fclose(file));
}

static void clean_up(struct sp_model *model)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/net.yaml", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/net.onnx", directory);
	unlink(path);
	rmdir(directory);
	sp_model_free(model);
}

TEST(the_card_lies_beside_the_network_and_speaks_of_it)
{
	struct sp_model *model = write_model();
	char text[256] = EMBEDDER "sha256: ";

	CHECK_EQ(sp_model_card_load(model, SP_ROLES, &card, &err), -ENOENT);
	CHECK_EQ(sp_model_card_load(model, SP_ROLE_QUALITY, &card, &err), 0);
	CHECK_STR(card.path, "");
	write_card(EMBEDDER "file: other.onnx\n");
	CHECK_EQ(sp_model_card_load(model, SP_ROLES, &card, &err), -EINVAL);
	CHECK(strstr(err.text, "other.onnx"));
	for (int i = 0; i < SP_SHA256_SIZE; i++)
		snprintf(text + strlen(text), 4, "%02x", model->sha256[i]);
	write_card(text);
	CHECK_EQ(sp_model_card_load(model, SP_ROLE_EMBEDDER, &card, &err), 0);
	CHECK(strstr(card.path, "/net.yaml"));
	text[strlen(text) - 1] = text[strlen(text) - 1] == '0' ? '1' : '0';
	write_card(text);
	CHECK_EQ(sp_model_card_load(model, SP_ROLE_EMBEDDER, &card, &err), -EINVAL);
	CHECK(strstr(err.text, "sha256: not that of"));
	write_card("kind: [\n");
	CHECK_EQ(sp_model_card_load(model, SP_ROLE_EMBEDDER, &card, &err), -EINVAL);
	CHECK(strstr(err.text, "net.yaml: line"));
	clean_up(model);
}

TEST(templates_of_another_preprocessing_have_another_identity)
{
	static const char *const others[] = {
		"input: {colours: bgr, mean: 0, deviation: 1}\n",
		"input: {colours: rgb, mean: 0, deviation: 1}\n",
		"input: {colours: rgb, mean: 127.5, deviation: 127.5}\n",
		"input: {colours: rgb, mean: 127.5, deviation: 128}\n",
		"input: {side: 128}\n",
		"align: {points: [[38, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], "
		"[41.5493, 92.3655], [70.7299, 92.2041]]}\n",
	};
	/* The default, spelled out. */
	static const char same[] = EMBEDDER
		"input:\n  colours: rgb\n  mean: [123.675, 116.28, 103.53]\n"
		"  deviation: [58.395, 57.12, 57.375]\n  side: 112\n"
		"align: {points: [[38.2946, 51.6963], [73.5318, 51.5014], "
		"[56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]}\n";
	enum { N = sizeof(others) / sizeof(others[0]) };
	struct sp_model model = { .sha256 = { 1, 2, 3 } };
	uint8_t id[N + 1][32];
	char text[512];

	CHECK_EQ(parse(same, SP_ROLES), 0);
	sp_model_card_identity(&card, &model, id[N]);
	CHECK(!memcmp(id[N], model.sha256, 32));
	for (unsigned int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), EMBEDDER "%s", others[i]);
		CHECK_EQ(parse(text, SP_ROLES), 0);
		sp_model_card_identity(&card, &model, id[i]);
		for (unsigned int k = 0; k <= N; k++)
			CHECK(k == i || (k < N && k > i) || memcmp(id[i], id[k], 32));
	}
	/* And of another network with the same. */
	model.sha256[0] ^= 1;
	sp_model_card_identity(&card, &model, id[0]);
	CHECK(memcmp(id[0], id[N - 1], 32));
}

TEST_MAIN()
