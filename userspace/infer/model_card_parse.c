/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a card, and what they must be to each other. */
#include "infer/model_card.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/diag.h"
#include "infer/align.h"
#include "infer/card_yaml.h"
#include "infer/compute.h"

enum {
	DETECTOR = 1 << SP_ROLE_DETECTOR,
	EMBEDDER = 1 << SP_ROLE_EMBEDDER,
	QUALITY = 1 << SP_ROLE_QUALITY,
	ALL = DETECTOR | EMBEDDER | QUALITY,
};

/* A card being read, and what its fields must wait for. */
struct filling {
	struct sp_model_card card;
	bool colours, mean, deviation; /* given */
	float means[3], deviations[3];
	bool points_given;
	unsigned int names[SP_HEADS]; /* of outputs, given */
};

static struct filling *filling(struct sp_card_yaml *yaml)
{
	return yaml->arg;
}

static struct sp_model_card *card(struct sp_card_yaml *yaml)
{
	return &filling(yaml)->card;
}

/* ---- what every card has --------------------------------------------------------------------- */

static void read_file(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	sp_card_text(yaml, node, field, card(yaml)->file, sizeof(card(yaml)->file));
}

static void read_licence(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	sp_card_text(yaml, node, field, card(yaml)->licence, sizeof(card(yaml)->licence));
}

static void read_what(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	sp_card_text(yaml, node, field, card(yaml)->title, sizeof(card(yaml)->title));
}

static void read_use(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	sp_card_text(yaml, node, field, card(yaml)->note, sizeof(card(yaml)->note));
}

static void read_sha256(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	char text[80] = "";

	sp_card_text(yaml, node, field, text, sizeof(text));
	if (yaml->error)
		return;
	if (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64) {
		sp_card_fail(yaml, node, field,
			     "64 hexadecimal digits are expected, as sha256sum writes them");
		return;
	}
	for (unsigned int i = 0; i < 32; i++) {
		unsigned int byte;

		sscanf(text + 2 * i, "%2x", &byte);
		card(yaml)->sha256[i] = (uint8_t)byte;
	}
	card(yaml)->pinned = true;
}

/* ---- input ----------------------------------------------------------------------------------- */

static void read_colours(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	static const char *const orders[] = { "rgb", "bgr", NULL };

	card(yaml)->input.bgr = sp_card_choice(yaml, node, field, orders) == 1;
	filling(yaml)->colours = true;
}

/* One for all three planes, or one each. */
static void read_planes(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field, double low,
			double high, float values[3])
{
	unsigned int n = sp_card_items(yaml, node, field, 1, 3);

	if (n == 2)
		sp_card_fail(yaml, node, field, "2 values; it takes one for all planes, or three");
	for (unsigned int i = 0; n && i < 3 && !yaml->error; i++)
		values[i] = sp_card_number(yaml, sp_card_item(yaml, node, n == 3 ? i : 0), field,
					   low, high);
}

static void read_mean(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	read_planes(yaml, node, field, -1000, 1000, filling(yaml)->means);
	filling(yaml)->mean = true;
}

static void read_deviation(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	read_planes(yaml, node, field, 1e-3, 1e5, filling(yaml)->deviations);
	filling(yaml)->deviation = true;
}

static void read_side(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	card(yaml)->side = sp_card_whole(yaml, node, field, SP_CARD_SIDE_MIN, SP_CARD_SIDE_MAX);
}

static void read_input(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	static const struct sp_card_field fields[] = {
		{ "colours", read_colours, ALL },
		{ "mean", read_mean, ALL },
		{ "deviation", read_deviation, ALL },
		{ "side", read_side, EMBEDDER | QUALITY },
		{ 0 },
	};
	struct filling *fill = filling(yaml);

	(void)field;
	sp_card_mapping(yaml, node, "input.", fields, 1u << card(yaml)->role);
	if (yaml->error || (!fill->colours && !fill->mean && !fill->deviation))
		return;
	if (!fill->colours || !fill->mean || !fill->deviation) {
		sp_card_fail(yaml, node, "input",
			     "%s is missing; colours, mean and deviation go together",
			     !fill->colours ? "colours"
			     : !fill->mean  ? "mean"
					    : "deviation");
		return;
	}
	for (unsigned int i = 0; i < 3; i++) {
		card(yaml)->input.scale[i] = 1 / fill->deviations[i];
		card(yaml)->input.shift[i] = 0 - fill->means[i] / fill->deviations[i];
	}
}

/* ---- decode ---------------------------------------------------------------------------------- */

static void read_like(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	static const char *const kinds[] = { "yunet", "scrfd", "retinaface", NULL };

	card(yaml)->decode = (enum sp_decode_kind)sp_card_choice(yaml, node, field, kinds);
}

static void read_strides(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	struct sp_model_card *c = card(yaml);

	c->levels = sp_card_items(yaml, node, field, 1, SP_CARD_LEVELS_MAX);
	for (unsigned int i = 0; i < c->levels && !yaml->error; i++) {
		c->stride[i] = sp_card_whole(yaml, sp_card_item(yaml, node, i), field, 2,
					     SP_CARD_STRIDE_MAX);
		if (!yaml->error && i && c->stride[i] <= c->stride[i - 1])
			sp_card_fail(yaml, node, field, "finest first: each larger than the last");
	}
}

static void read_anchors(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	card(yaml)->anchors = sp_card_whole(yaml, node, field, 1, SP_CARD_ANCHORS_MAX);
}

/* A list for each stride, all equally long: that is how many anchors a cell has. */
static void read_sides(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	struct sp_model_card *c = card(yaml);
	unsigned int levels = sp_card_items(yaml, node, field, c->levels, c->levels), n = 0;

	for (unsigned int l = 0; l < levels && !yaml->error; l++) {
		yaml_node_t *list = sp_card_item(yaml, node, l);
		unsigned int min = l ? n : 1, max = l ? n : SP_CARD_ANCHORS_MAX;

		n = sp_card_items(yaml, list, field, min, max);
		for (unsigned int a = 0; a < n && !yaml->error; a++)
			c->anchor[l][a] = sp_card_number(yaml, sp_card_item(yaml, list, a), field,
							 1, 4096);
	}
	c->anchors = n;
}

static void read_variances(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	unsigned int n = sp_card_items(yaml, node, field, 2, 2);

	for (unsigned int i = 0; i < n && !yaml->error; i++)
		card(yaml)->variance[i] = sp_card_number(yaml, sp_card_item(yaml, node, i), field,
							 1e-3, 10);
}

static void read_logits(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	card(yaml)->logits = sp_card_flag(yaml, node, field);
}

static void read_score_min(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	card(yaml)->score_min = sp_card_number(yaml, node, field, 0.01, 1);
}

static void read_overlap_max(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	card(yaml)->overlap_max = sp_card_number(yaml, node, field, 0, 1);
}

static void read_landmark_error(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	card(yaml)->landmark_error = sp_card_number(yaml, node, field, 1e-4, 1);
}

static void read_names(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field,
		       enum sp_head_kind head)
{
	unsigned int levels = card(yaml)->levels;
	unsigned int n = sp_card_items(yaml, node, field, 1, levels);

	if (n > 1 && n < levels)
		sp_card_fail(yaml, node, field,
			     "%u names; it takes one for all strides, or one each (%u)", n, levels);
	for (unsigned int i = 0; i < n && !yaml->error; i++)
		sp_card_text(yaml, sp_card_item(yaml, node, i), field, card(yaml)->output[head][i],
			     SP_CARD_NAME);
	filling(yaml)->names[head] = n;
}

static void read_scores(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	read_names(yaml, node, field, SP_HEAD_SCORES);
}

static void read_boxes(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	read_names(yaml, node, field, SP_HEAD_BOXES);
}

static void read_landmarks(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	read_names(yaml, node, field, SP_HEAD_LANDMARKS);
}

static void read_objectness(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	read_names(yaml, node, field, SP_HEAD_OBJECTNESS);
}

static void read_outputs(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	static const struct sp_card_field fields[] = {
		{ "scores", read_scores, ~0u },
		{ "boxes", read_boxes, ~0u },
		{ "landmarks", read_landmarks, ~0u },
		{ "objectness", read_objectness, 1 << SP_DECODE_YUNET },
		{ 0 },
	};
	const unsigned int *names = filling(yaml)->names;
	bool objectness = card(yaml)->decode == SP_DECODE_YUNET;

	sp_card_mapping(yaml, node, "decode.outputs.", fields, 1u << card(yaml)->decode);
	for (unsigned int i = 0; fields[i].name && !yaml->error; i++) {
		if (i == SP_HEAD_OBJECTNESS && !objectness)
			continue;
		if (!names[i])
			sp_card_fail(yaml, node, field,
				     "%s is missing; who names outputs names all of them",
				     fields[i].name);
		else if (names[i] != names[0])
			sp_card_fail(yaml, node, field,
				     "as many names of %s as of scores are expected",
				     fields[i].name);
	}
}

/* What a network of its kind mostly has. */
static void usual_decode(struct sp_model_card *c)
{
	static const float sides[3][2] = { { 16, 32 }, { 64, 128 }, { 256, 512 } };

	if (c->decode == SP_DECODE_YUNET)
		return;
	c->anchors = 2;
	c->score_min = 0.5f;
	c->overlap_max = 0.4f;
	c->variance[0] = 0.1f;
	c->variance[1] = 0.2f;
	for (unsigned int l = 0; l < 3; l++)
		memcpy(c->anchor[l], sides[l], sizeof(sides[l]));
}

static void read_decode(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	enum {
		YUNET = 1 << SP_DECODE_YUNET,
		SCRFD = 1 << SP_DECODE_SCRFD,
		RETINAFACE = 1 << SP_DECODE_RETINAFACE
	};
	/* Those that others depend on are read before the mapping is, and again with it. */
	static const struct sp_card_field fields[] = {
		{ "like", read_like, ~0u },
		{ "strides", read_strides, SCRFD | RETINAFACE },
		{ "anchors", read_anchors, SCRFD },
		{ "sides", read_sides, RETINAFACE },
		{ "variances", read_variances, RETINAFACE },
		{ "logits", read_logits, SCRFD | RETINAFACE },
		{ "score_min", read_score_min, ~0u },
		{ "overlap_max", read_overlap_max, ~0u },
		{ "landmark_error", read_landmark_error, ~0u },
		{ "outputs", read_outputs, ~0u },
		{ 0 },
	};
	yaml_node_t *like = sp_card_value(yaml, node, "like");
	yaml_node_t *strides = sp_card_value(yaml, node, "strides");

	if (!like)
		sp_card_fail(yaml, node, field, "like is missing; it says whose outputs these are");
	else
		read_like(yaml, like, "decode.like");
	usual_decode(card(yaml));
	if (strides && card(yaml)->decode != SP_DECODE_YUNET) {
		read_strides(yaml, strides, "decode.strides");
		if (card(yaml)->decode == SP_DECODE_RETINAFACE && card(yaml)->levels != 3 &&
		    !sp_card_value(yaml, node, "sides"))
			sp_card_fail(yaml, node, field, "sides is missing; one list a stride");
	}
	if (!yaml->error)
		sp_card_mapping(yaml, node, "decode.", fields, 1u << card(yaml)->decode);
}

/* ---- align, output --------------------------------------------------------------------------- */

static void read_points(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	unsigned int n = sp_card_items(yaml, node, field, 5, 5);
	struct sp_similarity unused;

	for (unsigned int i = 0; i < n && !yaml->error; i++) {
		yaml_node_t *point = sp_card_item(yaml, node, i);

		if (sp_card_items(yaml, point, field, 2, 2) != 2)
			return;
		for (unsigned int c = 0; c < 2; c++)
			card(yaml)->points[i][c] =
				sp_card_number(yaml, sp_card_item(yaml, point, c), field,
					       -SP_CARD_SIDE_MAX, 2 * SP_CARD_SIDE_MAX);
	}
	filling(yaml)->points_given = true;
	/* Nothing could be turned so that it lies there. */
	if (!yaml->error &&
	    sp_align_fit((const float(*)[2])card(yaml)->points, sp_align_template, &unused))
		sp_card_fail(yaml, node, field, "all five are one point");
}

static void read_align(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	static const struct sp_card_field fields[] = {
		{ "points", read_points, EMBEDDER | QUALITY },
		{ 0 },
	};

	(void)field;
	sp_card_mapping(yaml, node, "align.", fields, 1u << card(yaml)->role);
}

static void read_size(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	card(yaml)->size = sp_card_whole(yaml, node, field, 2, SP_EMBEDDING_MAX);
}

static void read_worst(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	card(yaml)->worst = sp_card_number(yaml, node, field, -1e6, 1e6);
}

static void read_best(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	card(yaml)->best = sp_card_number(yaml, node, field, -1e6, 1e6);
}

static void read_output(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	static const struct sp_card_field fields[] = {
		{ "size", read_size, EMBEDDER },
		{ "worst", read_worst, QUALITY },
		{ "best", read_best, QUALITY },
		{ 0 },
	};

	sp_card_mapping(yaml, node, "output.", fields, 1u << card(yaml)->role);
	if (card(yaml)->role == SP_ROLE_QUALITY && card(yaml)->worst == card(yaml)->best)
		sp_card_fail(yaml, node, field, "worst and best are the same number");
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The last rows say how a model came to be: they are for people, whatever they hold. */
static const struct sp_card_field card_fields[] = {
	{ "kind", NULL, ALL }, /* read first */
	{ "licence", read_licence, ALL },
	{ "file", read_file, ALL },
	{ "sha256", read_sha256, ALL },
	{ "what", read_what, ALL },
	{ "use", read_use, ALL },
	{ "input", read_input, ALL },
	{ "decode", read_decode, DETECTOR },
	{ "align", read_align, EMBEDDER | QUALITY },
	{ "output", read_output, EMBEDDER | QUALITY },
	{ "source", NULL, ALL },
	{ "bytes", NULL, ALL },
	{ "score", NULL, ALL },
	{ "made_by", NULL, ALL },
	{ "data_made_by", NULL, ALL },
	{ "data", NULL, ALL },
	{ "runs", NULL, ALL },
	{ "figures", NULL, ALL },
	{ "limits", NULL, ALL },
	{ "thresholds", NULL, ALL },
	{ 0 },
};

static void read_kind(struct sp_card_yaml *yaml, yaml_node_t *root, enum sp_model_role wanted)
{
	static const char *const kinds[] = { "detector", "embedder", "quality", NULL };
	yaml_node_t *node = sp_card_value(yaml, root, "kind");
	enum sp_model_role role;

	if (!node) {
		sp_card_fail(yaml, root, "kind",
			     "it is missing; detector, embedder or quality is expected");
		return;
	}
	role = (enum sp_model_role)sp_card_choice(yaml, node, "kind", kinds);
	if (!yaml->error && wanted != SP_ROLES && role != wanted)
		sp_card_fail(yaml, node, "kind",
			     "this is the card of a network of kind %s; %s is wanted here",
			     kinds[role], kinds[wanted]);
	if (!yaml->error)
		sp_model_card_default(role, card(yaml));
}

/* What no field can see alone. */
static void finish(struct sp_card_yaml *yaml, yaml_node_t *root)
{
	struct sp_model_card *c = card(yaml);

	if (yaml->error)
		return;
	if (!*c->licence)
		sp_card_fail(yaml, root, "licence",
			     "it is missing; who runs a network must know on what terms");
	else if (c->role == SP_ROLE_DETECTOR && c->decode != SP_DECODE_YUNET &&
		 !filling(yaml)->colours)
		sp_card_fail(yaml, root, "input",
			     "it is missing; %s's networks differ in colours, mean and deviation",
			     sp_decode_kind_name(c->decode));
	/* Points stand in pixels of the input; centres of pixels are at halves in both scales. */
	for (unsigned int i = 0; i < 5 && filling(yaml)->points_given; i++)
		for (unsigned int k = 0; k < 2 && c->side != SP_ALIGNED_SIDE; k++)
			c->points[i][k] =
				(c->points[i][k] + 0.5f) * SP_ALIGNED_SIDE / (float)c->side - 0.5f;
}

static void read_root(struct sp_card_yaml *yaml, enum sp_model_role role)
{
	yaml_node_t *root = yaml_document_get_root_node(yaml->document);

	if (!root || root->type != YAML_MAPPING_NODE) {
		sp_card_fail(yaml, root, "",
			     "this is no model card: fields with values are expected "
			     "(docs/models.md)");
		return;
	}
	read_kind(yaml, root, role);
	if (!yaml->error)
		sp_card_mapping(yaml, root, "", card_fields, 1u << card(yaml)->role);
	finish(yaml, root);
}

static void fail_parse(struct sp_card_yaml *yaml, const yaml_parser_t *parser)
{
	yaml->error = sp_err_set(yaml->err, -EINVAL, "%s: line %zu: %s", yaml->name,
				 parser->problem_mark.line + 1,
				 parser->problem ? parser->problem : "this is no YAML");
}

/* After the card's document there is none. */
static void read_end(struct sp_card_yaml *yaml, yaml_parser_t *parser)
{
	yaml_document_t document;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &document)) {
		fail_parse(yaml, parser);
		return;
	}
	root = yaml_document_get_root_node(&document);
	if (root)
		yaml->error = sp_err_set(yaml->err, -EINVAL,
					 "%s: line %zu: a second document begins; a card is one",
					 yaml->name, root->start_mark.line + 1);
	yaml_document_delete(&document);
}

int sp_model_card_parse(const void *bytes, size_t size, const char *name, enum sp_model_role role,
			struct sp_model_card *ret_card, struct sp_err *err)
{
	struct filling fill;
	yaml_document_t document;
	struct sp_card_yaml yaml = { &document, name, &fill, err, 0 };
	yaml_parser_t parser;

	if (size > SP_CARD_BYTES_MAX)
		return sp_err_set(err, -EFBIG, "%s: more than %d bytes; this is no model card",
				  name, SP_CARD_BYTES_MAX);
	memset(&fill, 0, sizeof(fill));
	if (!yaml_parser_initialize(&parser))
		return sp_err_set(err, -ENOMEM, "%s: out of memory", name);
	yaml_parser_set_input_string(&parser, bytes, size);
	if (yaml_parser_load(&parser, &document)) {
		read_root(&yaml, role);
		yaml_document_delete(&document);
		if (!yaml.error)
			read_end(&yaml, &parser);
	} else {
		fail_parse(&yaml, &parser);
	}
	yaml_parser_delete(&parser);
	if (!yaml.error)
		*ret_card = fill.card;
	return yaml.error;
}
