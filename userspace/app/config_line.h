/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_APP_CONFIG_LINE_H
#define SP_APP_CONFIG_LINE_H

/*
 * The line, from 1, on which @field stands in the YAML file @path; @field as
 * "lanes[0].cameras[1].packet_size". Where the file leaves the field out, the line of the innermost
 * part of it that is there. 0: none is, or the file cannot be read.
 */
unsigned int sp_config_line(const char *path, const char *field);

#endif
