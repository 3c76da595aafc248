/* SPDX-License-Identifier: Apache-2.0 */
#include "lane/encounter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* RFC 9562, 5.7: 48 bits of milliseconds, version 7, variant 10, the rest random. */
struct sp_encounter_id sp_encounter_id_make(uint64_t utc_ns, const uint8_t *random)
{
	uint64_t ms = utc_ns / 1000000;
	struct sp_encounter_id id;

	for (unsigned int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	memcpy(id.bytes + 6, random, 10);
	id.bytes[6] = 0x70 | (id.bytes[6] & 0x0F);
	id.bytes[8] = 0x80 | (id.bytes[8] & 0x3F);
	return id;
}

/* True where the text form has a dash before byte @i. */
static bool dash_before(unsigned int i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

char *sp_encounter_id_format(const struct sp_encounter_id *id, char text[SP_ENCOUNTER_ID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	for (unsigned int i = 0; i < sizeof(id->bytes); i++) {
		if (dash_before(i))
			*p++ = '-';
		*p++ = digits[id->bytes[i] >> 4];
		*p++ = digits[id->bytes[i] & 15];
	}
	*p = 0;
	return text;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int sp_encounter_id_parse(const char *text, struct sp_encounter_id *ret_id)
{
	struct sp_encounter_id id;

	for (unsigned int i = 0; i < sizeof(id.bytes); i++) {
		int high, low;

		if (dash_before(i) && *text++ != '-')
			return -EINVAL;
		high = digit(text[0]);
		low = high < 0 ? -1 : digit(text[1]);
		if (low < 0)
			return -EINVAL;
		id.bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text)
		return -EINVAL;
	*ret_id = id;
	return 0;
}

void sp_encounter_clear(struct sp_encounter *encounter)
{
	for (unsigned int i = 0; i < encounter->occupants_n; i++) {
		struct sp_occupant *occupant = &encounter->occupants[i];

		if (occupant->jpeg)
			explicit_bzero(occupant->jpeg, occupant->jpeg_size);
		free(occupant->jpeg);
	}
	explicit_bzero(encounter, sizeof(*encounter));
}
