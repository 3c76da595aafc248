/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "lanesim/commands.h"
#include "lanesim/digest.h"
#include "lanesim/kernel.h"

static const char me[] = "lanesim digest";

static uint64_t seed = 1;
static uint32_t n = 8, scenes = LANESIM_DIGEST_SCENES, threads;
static bool json;

static const struct sp_opt options[] = {
	{ "seed", 's', SP_OPT_U64, &seed, "S", "of everything (1)", 0, 0 },
	{ "people", 'n', SP_OPT_U32, &n, "N", "so many documents and as many heads (8)", 1, 1e6 },
	{ "scenes", 0, SP_OPT_U32, &scenes, "N", "and so many scenes (8)", 0,
	  LANESIM_DIGEST_SCENES },
	{ "threads", 0, SP_OPT_U32, &threads, "N", "(one a CPU)", 1, 256 },
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "one JSON object", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"sha256 over the pixels of documents, heads and scenes: the same on every machine.",
	"LANESIM_ISA=base|avx2|avx512 chooses the instruction set; it is printed too.",
};

int lanesim_cmd_digest(int argc, char **argv)
{
	uint8_t digest[LANESIM_DIGEST_BYTES];
	char text[2 * LANESIM_DIGEST_BYTES + 1];
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc)
		return sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not an option", argv[0]);
	if (lanesim_digest(seed, n, scenes, threads, digest, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	for (unsigned int i = 0; i < LANESIM_DIGEST_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	if (json)
		sp_command_print_json(
			json_pack("{s:s, s:s}", "sha256", text, "isa", lanesim_kernels()->isa));
	else
		printf("%s  %s\n", text, lanesim_kernels()->isa);
	return SP_EXIT_OK;
}
