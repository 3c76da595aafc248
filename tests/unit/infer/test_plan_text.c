/* SPDX-License-Identifier: Apache-2.0 */
/* The logical plan in words and figures, against figures made by hand. */
#include "infer/graph.h"
#include "infer/plan_text.h"
#include "net.h"

static struct net net;

static const struct window half = { { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 };
static const struct window point = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };
static const struct window deep = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 16 };

/* 3 × 8 × 8 → 8 × 4 × 4 → 16 × 4 × 4, to which a layer of itself is added. */
static struct sp_model *residual(bool dynamic)
{
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 3, 8, 8)), y;
	struct sp_model *model;
	struct sp_err err;
	size_t size;
	uint8_t *bytes;

	net.dynamic = dynamic;
	x = net_act(&net, net_conv(&net, x, 8, &half, true), NET_RELU);
	x = net_conv(&net, net_conv(&net, x, 16, &point, true), 16, &deep, true);
	x = net_act(&net, x, NET_RELU);
	y = net_binary(&net, "Add", net_conv(&net, x, 16, &point, true), x);
	net_output(&net, y);
	net_output(&net, net_act(&net, x, NET_SIGMOID));
	bytes = net_pack(&net, &size);
	if (sp_model_parse(bytes, size, "residual", &model, &err))
		FAIL("%s", err.text);
	return model;
}

TEST(steps_costs_and_pairs)
{
	static const struct {
		const char *what, *from;
		struct sp_plan_cost cost;
	} want[] = {
		{ "conv 3 → 8 3x3/2 pad 1 relu", "t0", { 3456, 224, 3200, 2176 } },
		{ "separable 8 → 16 3x3 pad 1 relu", "1", { 4352, 304, 6848, 2752 } },
		{ "pointwise 16 → 16 + add", "2 + 2", { 4096, 272, 6208, 4160 } },
		{ "sigmoid", "2", { 0, 0, 2048, 2048 } },
	};
	struct sp_model *model = residual(false);
	struct sp_plan_cost total = { 0 };
	struct sp_plan_text text;
	struct sp_shape open[2];
	struct sp_err err;
	char shape[64];

	if (sp_plan_text_init(model, &model->inputs[0].shape, &text, &err))
		FAIL("%s", err.text);
	CHECK_EQ(text.steps_n, 4);
	for (unsigned int i = 0; i < 4; i++) {
		const struct sp_plan_step *step = &text.steps[i];

		CHECK_STR(step->what, want[i].what);
		CHECK_STR(step->from, want[i].from);
		CHECK_EQ(step->cost.macs, want[i].cost.macs);
		CHECK_EQ(step->cost.parameters, want[i].cost.parameters);
		CHECK_EQ(step->cost.unfused, want[i].cost.unfused);
		CHECK_EQ(step->cost.fused, want[i].cost.fused);
		CHECK_EQ(step->pointwise == SP_NONE, i != 1);
		CHECK_EQ(text.step_of[model->graph->nodes[step->node].output], i + 1);
		total.macs += step->cost.macs;
		total.fused += step->cost.fused;
	}
	CHECK_EQ(text.total.macs, total.macs);
	CHECK_EQ(text.total.fused, total.fused);
	CHECK_EQ(sp_plan_text_outputs(model, &model->inputs[0].shape, &text, open), 0);
	CHECK_STR(sp_shape_text(&open[0], shape, sizeof(shape)), "1x16x4x4");
	sp_plan_text_uninit(&text);
	sp_model_free(model);
	net_end(&net);
}

/* The same network for another picture: costs grow with it, but for the weights. */
TEST(a_plan_is_for_one_size)
{
	struct sp_model *model = residual(true);
	struct sp_shape input = SHAPE(2, 3, 16, 24), open[2];
	struct sp_plan_text text;
	struct sp_err err;
	char shape[64];

	CHECK_STR(sp_shape_text(&model->inputs[0].shape, shape, sizeof(shape)), "1x3x?x?");
	input.dim[0] = 1;
	if (sp_plan_text_init(model, &input, &text, &err))
		FAIL("%s", err.text);
	CHECK_EQ(text.steps[0].cost.macs, 3456 * 6);
	CHECK_EQ(text.total.parameters, 224 + 304 + 272);
	CHECK_EQ(text.shape_nodes, 0);
	CHECK_EQ(sp_plan_text_outputs(model, &input, &text, open), 0);
	CHECK_STR(sp_shape_text(&open[1], shape, sizeof(shape)), "1x16x?x?");
	sp_plan_text_uninit(&text);
	/* One that does not fit is refused with the place. */
	input.dim[1] = 4;
	CHECK(sp_plan_text_init(model, &input, &text, &err) < 0);
	CHECK(strstr(err.text, "residual: node"));
	input.dim[1] = 3;
	input.dim[2] = input.dim[3] = 1 << 14;
	CHECK(sp_plan_text_init(model, &input, &text, &err) < 0);
	CHECK(strstr(err.text, "input 't0': a shape of 1x3x16384x16384 is not supported"));
	sp_model_free(model);
	net_end(&net);
}

/* Every form of window and activation has its word. */
TEST(words)
{
	static const struct window odd = { { 3, 5 }, { 1, 2 }, { 2, 1 }, { 0, 1, 2, 3 }, 2 };
	static const struct window pool = { { 2, 2 }, { 2, 2 }, { 1, 1 }, { 0 }, 1 };
	static const int64_t turn[] = { 0, 3, 1, 2 };
	static const char *const want[] = {
		"conv 4 → 6 3x5/1x2 pad 0,1,2,3 dilated 2x1 groups 2 prelu",
		"max-pool 2x2/2",
		"transpose 0,3,1,2",
		"mul",
		"mean of 6x4",
	};
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 4, 10, 16)), y;
	struct sp_model *model;
	struct sp_plan_text text;
	struct sp_err err;
	size_t size;
	uint8_t *bytes;

	x = net_act(&net, net_conv(&net, x, 6, &odd, true), NET_PRELU);
	x = net_transpose(&net, net_maxpool(&net, x, &pool, false), turn);
	x = net_binary(&net, "Mul", x, x);
	y = net_tensor(&net, SHAPE(1, net.tensors[x].shape.dim[1], 1, 1));
	NODE(&net, "GlobalAveragePool", y, x);
	net_output(&net, y);
	bytes = net_pack(&net, &size);
	if (sp_model_parse(bytes, size, "words", &model, &err) ||
	    sp_plan_text_init(model, &model->inputs[0].shape, &text, &err))
		FAIL("%s", err.text);
	CHECK_EQ(text.steps_n, 5);
	for (unsigned int i = 0; i < 5; i++)
		CHECK_STR(text.steps[i].what, want[i]);
	CHECK_STR(text.steps[3].from, "3, 3");
	sp_plan_text_uninit(&text);
	sp_model_free(model);
	net_end(&net);
}

TEST_MAIN()
