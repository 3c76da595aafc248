/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "app/version.h"
#include "command.h"

static const struct sp_command commands[] = {
	{ "run", "the appliance in the foreground", cmd_run },
	{ "detect", "faces, landmarks and quality of pictures", cmd_detect },
	{ "compare", "1:1 similarity of two pictures' faces", cmd_compare },
	{ "cameras", "discover cameras, show their features", cmd_cameras },
	{ "lanes", "list the lanes of a running instance, trigger and close encounters",
	  cmd_lanes },
	{ "encounters", "list, show, compare what was recorded", cmd_encounters },
	{ "journal", "verify the journal on disk", cmd_journal },
	{ "stats", "counters of a running instance", cmd_stats },
	{ "model", "list, inspect and install model files", cmd_model },
	{ "config", "check a configuration", cmd_config },
	{ "doctor", "what this machine lacks for a configuration", cmd_doctor },
	{ 0 },
};

int main(int argc, char **argv)
{
	int code;

	/* Most commands hold faces or templates: none leaves a core dump. */
	prctl(PR_SET_DUMPABLE, 0);
	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		printf("sallyport %s (%s)\n", sp_version, sp_commit);
		return SP_EXIT_OK;
	}
	code = sp_command_dispatch(
		commands, "sallyport",
		"Photographs of everyone in a vehicle, from GigE Vision cameras to a durable "
		"record.",
		argc, argv);
	/* A script must not take a part of the answer for the whole. */
	if (fflush(stdout) || ferror(stdout))
		return sp_command_fail("sallyport", SP_EXIT_FAILED, "standard output: %s",
				       strerror(errno));
	return code;
}
