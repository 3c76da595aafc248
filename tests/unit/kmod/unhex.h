/* SPDX-License-Identifier: Apache-2.0 */
/* Golden bytes as text. */
#ifndef SP_TESTS_UNHEX_H
#define SP_TESTS_UNHEX_H

#include "test.h"

/* "00 1f" into bytes; spaces are skipped. Returns how many. */
static uint32_t unhex(const char *hex, uint8_t *bytes)
{
	uint32_t n = 0;
	unsigned int byte;

	while (*hex) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		if (sscanf(hex, "%2x", &byte) != 1)
			FAIL("bad hex: %s", hex);
		bytes[n++] = (uint8_t)byte;
		hex += 2;
	}
	return n;
}

#endif
