/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of lanesim; how they are called and complain is command.h's. */
#ifndef LANESIM_COMMANDS_H
#define LANESIM_COMMANDS_H

int lanesim_cmd_scenes(int argc, char **argv);
int lanesim_cmd_portraits(int argc, char **argv);
int lanesim_cmd_documents(int argc, char **argv);
int lanesim_cmd_sheet(int argc, char **argv);
int lanesim_cmd_identities(int argc, char **argv);
int lanesim_cmd_digest(int argc, char **argv);
int lanesim_cmd_bench(int argc, char **argv);
int lanesim_cmd_measure(int argc, char **argv);
int lanesim_cmd_tensor(int argc, char **argv);
int lanesim_cmd_tensor_faces(int argc, char **argv);
int lanesim_cmd_tensor_crops(int argc, char **argv);

#endif
