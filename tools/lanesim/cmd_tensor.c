/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "lanesim/commands.h"

static const struct sp_command commands[] = {
	{ "faces", "aligned faces, many of each person: for embedders and quality nets",
	  lanesim_cmd_tensor_faces },
	{ "crops", "pieces of scenes with the faces in them: for detectors",
	  lanesim_cmd_tensor_crops },
	{ 0 },
};

int lanesim_cmd_tensor(int argc, char **argv)
{
	return sp_command_dispatch(
		commands, "lanesim tensor",
		"Training sets: PREFIX.u8, picture after picture of side × side × RGB "
		"bytes, and PREFIX.jsonl.",
		argc, argv);
}
