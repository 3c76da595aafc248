/* SPDX-License-Identifier: Apache-2.0 */
/* lanesim: synthetic travellers, by seed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "lanesim/commands.h"

static const struct sp_command commands[] = {
	{ "scenes", "vehicles and their people, as a lane's cameras see them", lanesim_cmd_scenes },
	{ "portraits", "single people: document photographs, or heads met at chance",
	  lanesim_cmd_portraits },
	{ "documents", "document photographs of the people that gvcam --lanesim shows",
	  lanesim_cmd_documents },
	{ "sheet", "a contact sheet of travellers", lanesim_cmd_sheet },
	{ "tensor", "training sets, each in one flat file", lanesim_cmd_tensor },
	{ "identities", "seeds of people who are kept apart", lanesim_cmd_identities },
	{ "digest", "a checksum over pictures: the same on every machine", lanesim_cmd_digest },
	{ "bench", "travellers a second", lanesim_cmd_bench },
	{ "measure", "what a detector or an embedder makes of them", lanesim_cmd_measure },
	{ 0 },
};

int main(int argc, char **argv)
{
	int code = sp_command_dispatch(
		commands, "lanesim",
		"Synthetic travellers, vehicles and documents by seed: nobody real "
		"stands behind them.",
		argc, argv);

	/* A script must not take a part of the answer for the whole. */
	if (fflush(stdout) || ferror(stdout))
		return sp_command_fail("lanesim", SP_EXIT_FAILED, "standard output: %s",
				       strerror(errno));
	return code;
}
