/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole backends of networks that come with cards: frames in, faces out as the networks' outputs
 * and the cards have them. The networks have random weights (tests/goldens/make_networks.py), so
 * that what they find are no faces, but it is well defined.
 */
#include <errno.h>
#include <math.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "infer/compute.h"
#include "infer/cpu/detector.h"
#include "infer/model.h"
#include "infer/role.h"
#include "packet_frame.h"
#include "test.h"

enum { WIDTH = 96, HEIGHT = 64 };

static const struct sp_compute_ops *const cpu = &sp_compute_cpu;
static char directory[64];
static char names[8][128];
static unsigned int names_n;

/* A copy of a network of tests/goldens, with @card beside it. */
static const char *bring(const char *network, const char *card)
{
	char from[128], *path = names[names_n++], beside[160];
	static char bytes[1 << 17];
	size_t size;
	FILE *file;

	if (!*directory) {
		strcpy(directory, "/tmp/sp-families-XXXXXX");
		CHECK(mkdtemp(directory));
	}
	snprintf(from, sizeof(from), "tests/goldens/networks/%s.onnx", network);
	file = fopen(from, "rb");
	if (!file)
		SKIP("%s is not there; run the test at the top of the source tree", from);
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	snprintf(path, sizeof(names[0]), "%s/%s.onnx", directory, network);
	file = fopen(path, "wb");
	CHECK(file && fwrite(bytes, 1, size, file) == size && !fclose(file));
	snprintf(beside, sizeof(beside), "%s/%s.yaml", directory, network);
	file = fopen(beside, "w");
	CHECK(file && fputs(card, file) >= 0 && !fclose(file));
	return path;
}

static void clean_up(void)
{
	while (names_n) {
		char *path = names[--names_n];

		unlink(path);
		strcpy(path + strlen(path) - 4, "yaml");
		unlink(path);
	}
	rmdir(directory);
	*directory = '\0';
}

static const char scrfd[] = "kind: detector\nlicence: none\n"
			    "input: {colours: rgb, mean: 127.5, deviation: 128}\n"
			    "decode: {like: scrfd, score_min: 0.05}\n";
static const char retinaface[] = "kind: detector\nlicence: none\n"
				 "input: {colours: bgr, mean: [104, 117, 123], deviation: 100}\n"
				 "decode: {like: retinaface, score_min: 0.05, overlap_max: 0.2}\n";
static const char arcface[] = "kind: embedder\nlicence: none\n"
			      "input: {colours: rgb, mean: 127.5, deviation: 127.5}\n"
			      "output: {size: 24}\n";
static const char quality[] = "kind: quality\nlicence: none\n"
			      "input: {colours: rgb, mean: 127.5, deviation: 127.5, side: 112}\n"
			      "output: {worst: 1, best: 0}\n";

/* The best face by the network and its card alone: input, run, decoding. */
static struct sp_detection expected(const char *path, const struct packet_frame *pf)
{
	static struct sp_detector detector;
	struct sp_detect_outputs outputs;
	struct sp_detector_size *size;
	struct sp_detection best;
	struct sp_model_card card;
	struct sp_model *model;
	uint32_t width, height;
	struct sp_err err;

	if (sp_model_load(path, &model, &err) ||
	    sp_model_card_load(model, SP_ROLE_DETECTOR, &card, &err) ||
	    sp_detector_check(model, &card, &outputs, &width, &height, &err))
		FAIL("%s", err.text);
	sp_detector_init(&detector, model, &card, &outputs);
	if (sp_detector_prepare(&detector, WIDTH, HEIGHT, &size, &err))
		FAIL("%s", err.text);
	for (unsigned int c = 0; c < 3; c++)
		for (unsigned int i = 0; i < WIDTH * HEIGHT; i++)
			size->input[c * WIDTH * HEIGHT + i] =
				(float)pf->bytes[3 * i + (card.input.bgr ? 2 - c : c)] *
					card.input.scale[c] +
				card.input.shift[c];
	CHECK(sp_detector_run(&detector, size, card.score_min) > 0);
	best = detector.detections[0];
	sp_detector_uninit(&detector);
	sp_model_free(model);
	return best;
}

static struct sp_compute *open_cpu(const struct sp_compute_config *config)
{
	struct sp_compute *compute;
	struct sp_err err;

	if (cpu->open(config, &compute, &err))
		FAIL("%s", err.text);
	return compute;
}

static struct sp_result *look(struct sp_compute *compute, struct packet_frame *pf)
{
	struct sp_frame *frame = &pf->frame;
	struct sp_result *result;

	CHECK_EQ(cpu->submit(compute, &frame, 1), 1);
	while (!cpu->poll(compute, &result, 1))
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	CHECK_EQ(result->cause, SP_RESULT_FACES);
	return result;
}

static void check_family(const char *network, const char *card, uint64_t seed)
{
	struct sp_compute_config config = {
		.detector = bring(network, card),
		.embedder = bring("arcface", arcface),
		.quality = bring("quality", quality),
		.precision = SP_PRECISION_F32,
		.workers = 1,
		.embed_invalid = true,
	};
	struct sp_compute *compute = open_cpu(&config);
	struct packet_frame pf;
	struct sp_detection want;
	struct sp_result *result;
	double square = 0;

	packet_frame_init(&pf, SP_PFNC_RGB8, WIDTH, HEIGHT, 1000, seed);
	want = expected(config.detector, &pf);
	CHECK_EQ(compute->info.embedding_size, 24);
	result = look(compute, &pf);
	CHECK(result->faces_n);
	CHECK_NEAR(result->faces[0].score, want.score, 1e-5);
	for (unsigned int c = 0; c < 4; c++)
		CHECK_NEAR(result->faces[0].box[c], want.box[c], 1e-2);
	for (unsigned int k = 0; k < 10; k++)
		CHECK_NEAR(result->faces[0].landmark[k / 2][k % 2], want.landmark[k / 2][k % 2],
			   1e-2);
	for (unsigned int i = 0; i < 24; i++)
		square += (double)result->faces[0].embedding[i] *
			  (double)result->faces[0].embedding[i];
	CHECK(result->faces[0].embedded);
	CHECK_NEAR(square, 1, 1e-5);
	CHECK(result->faces[0].quality.network > 0 && result->faces[0].quality.network < 1);
	printf("# %s, seed %llu: %u faces, the best %.3f\n", network, (unsigned long long)seed,
	       result->faces_n + result->faces_dropped, (double)want.score);
	result->frame = NULL;
	cpu->put(compute, result);
	cpu->close(compute);
	packet_frame_uninit(&pf);
	clean_up();
}

TEST(scrfd_and_retinaface_find_what_their_networks_say)
{
	check_family("scrfd", scrfd, 5);
	check_family("retinaface", retinaface, 6);
}

/* Side, points and colours of a card reach the network: another template of the same face. */
TEST(what_a_card_says_of_an_embedder_reaches_it)
{
	static const char *const cards[] = {
		arcface,
		"kind: embedder\nlicence: none\n",
		"kind: embedder\nlicence: none\n"
		"input: {colours: bgr, mean: 127.5, deviation: 127.5}\n",
		"kind: embedder\nlicence: none\n"
		"input: {colours: rgb, mean: 127.5, deviation: 127.5}\n"
		"align: {points: [[30, 40], [80, 40], [56, 70], [40, 95], [72, 95]]}\n",
	};
	enum { N = sizeof(cards) / sizeof(cards[0]) };
	float embedding[N][24];
	uint8_t id[N][SP_MODEL_ID_SIZE];
	struct packet_frame pf;

	packet_frame_init(&pf, SP_PFNC_RGB8, WIDTH, HEIGHT, 1000, 7);
	for (unsigned int i = 0; i < N; i++) {
		struct sp_compute_config config = {
			.detector = bring("scrfd", scrfd),
			.embedder = bring("arcface", cards[i]),
			.precision = SP_PRECISION_F32,
			.workers = 1,
			.embed_invalid = true,
		};
		struct sp_compute *compute = open_cpu(&config);
		struct sp_result *result = look(compute, &pf);

		CHECK(result->faces_n && result->faces[0].embedded);
		memcpy(embedding[i], result->faces[0].embedding, sizeof(embedding[i]));
		memcpy(id[i], compute->info.embedder_id, sizeof(id[i]));
		result->frame = NULL;
		cpu->put(compute, result);
		cpu->close(compute);
		for (unsigned int k = 0; k < i; k++) {
			CHECK(memcmp(embedding[i], embedding[k], sizeof(embedding[i])));
			CHECK(memcmp(id[i], id[k], sizeof(id[i])));
		}
		clean_up();
	}
	packet_frame_uninit(&pf);
}

static void check_refused(const char *detector, const char *embedder, const char *words)
{
	struct sp_compute_config config = { .detector = bring("scrfd", detector),
					    .embedder = bring("arcface", embedder),
					    .workers = 1 };
	struct sp_compute *compute;
	struct sp_err err = { "" };
	int rc = cpu->open(&config, &compute, &err);

	if (!rc)
		cpu->close(compute);
	CHECK_EQ(rc, -EINVAL);
	if (!strstr(err.text, words))
		FAIL("\"%s\" says nothing of \"%s\"", err.text, words);
	clean_up();
}

TEST(cards_that_do_not_fit_their_networks_are_refused_at_open)
{
	check_refused("kind: detector\nlicence: none\n"
		      "input: {colours: rgb, mean: 0, deviation: 1}\n"
		      "decode: {like: scrfd, anchors: 1}\n",
		      arcface, "outputs do not fit");
	check_refused("kind: detector\nlicence: none\n", arcface, "no output cls_8");
	check_refused(arcface, arcface, "detector is wanted here");
	check_refused(scrfd, "kind: embedder\nlicence: none\noutput: {size: 25}\n",
		      "output.size: 25");
	check_refused(scrfd, "kind: embedder\nlicence: none\ninput: {side: 128}\n",
		      "its input is not 3 x 128 x 128");
}

TEST_MAIN()
