/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an encounter: refused, or read and written again as something that reads the same. */
#include <stdlib.h>
#include <string.h>

#include "journal/record.h"
#include "lane/encounter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sp_encounter e, again;
	size_t needed = 0, needed_again;
	uint8_t *bytes, *bytes_again;

	if (sp_record_decode_encounter(data, size, &e, NULL))
		return 0;
	if (sp_record_encode_encounter(&e, NULL, 0, &needed) >= 0)
		abort();
	bytes = malloc(needed);
	bytes_again = malloc(needed);
	if (!bytes || !bytes_again ||
	    sp_record_encode_encounter(&e, bytes, needed, NULL) != (int64_t)needed ||
	    sp_record_decode_encounter(bytes, needed, &again, NULL) ||
	    sp_record_encode_encounter(&again, bytes_again, needed, &needed_again) != (int64_t)needed ||
	    memcmp(bytes, bytes_again, needed))
		abort();
	sp_encounter_clear(&e);
	sp_encounter_clear(&again);
	free(bytes);
	free(bytes_again);
	return 0;
}
