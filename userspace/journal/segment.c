/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/segment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <isa-l/crc.h>

#include "base/diag.h"
#include "base/le.h"

/* Not text, and damaged by a transfer that translates line ends. */
static const uint8_t magic[8] = { 0x89, 'S', 'P', 'J', 'S', 'E', 'G', '\n' };

enum {
	AT_MAGIC = 0,
	AT_VERSION = 8,
	AT_BLOCK = 12,
	AT_UUID = 16,
	AT_SEQUENCE = 32,
	AT_SIZE = 40,
	AT_CREATED = 48,
	AT_CLASS = 56,
	AT_CIPHER = 60,
	AT_EPOCH = 64,
	AT_KEY_ID = 72,
	AT_WRAPPED_KEY = 104, /* 64 bytes for the encryption to come; zero */
	AT_PREVIOUS_UUID = 168,
	AT_PREVIOUS_RECORDS = 184,
	AT_END = 192, /* zero from here to the CRC */
	AT_CRC = SP_BLOCK - 4,
};

uint32_t sp_crc32c(uint32_t crc, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	/* The library takes an int; it does not write, though its prototype lacks the const. */
	while (n) {
		int part = n > 1 << 30 ? 1 << 30 : (int)n;

		crc = crc32_iscsi((unsigned char *)p, part, crc);
		p += part;
		n -= (size_t)part;
	}
	return crc;
}

uint32_t sp_segment_seed(const uint8_t uuid[16])
{
	return sp_crc32c(~0u, uuid, 16);
}

void sp_segment_header_build(const struct sp_segment_header *header, uint8_t block[SP_BLOCK])
{
	memset(block, 0, SP_BLOCK);
	memcpy(block + AT_MAGIC, magic, sizeof(magic));
	sp_le32_put(block + AT_VERSION, SP_SEGMENT_FORMAT);
	sp_le32_put(block + AT_BLOCK, SP_BLOCK);
	memcpy(block + AT_UUID, header->uuid, 16);
	sp_le64_put(block + AT_SEQUENCE, header->sequence);
	sp_le64_put(block + AT_SIZE, header->size);
	sp_le64_put(block + AT_CREATED, header->created_utc_ns);
	sp_le32_put(block + AT_CLASS, header->retention_class);
	sp_le32_put(block + AT_CIPHER, header->cipher);
	sp_le64_put(block + AT_EPOCH, header->epoch);
	memcpy(block + AT_KEY_ID, header->key_id, 32);
	memcpy(block + AT_PREVIOUS_UUID, header->previous_uuid, 16);
	sp_le64_put(block + AT_PREVIOUS_RECORDS, header->previous_records);
	sp_le32_put(block + AT_CRC, ~sp_crc32c(~0u, block, AT_CRC));
}

int sp_segment_header_parse(const uint8_t block[SP_BLOCK], struct sp_segment_header *ret_header,
			    struct sp_err *err)
{
	struct sp_segment_header header;
	uint32_t version = sp_le32_get(block + AT_VERSION);

	if (memcmp(block + AT_MAGIC, magic, sizeof(magic)))
		return sp_err_set(err, -EBADMSG, "not a journal segment (no magic number)");
	if (sp_le32_get(block + AT_CRC) != (uint32_t)~sp_crc32c(~0u, block, AT_CRC))
		return sp_err_set(err, -EBADMSG, "damaged header (checksum)");
	if (version != SP_SEGMENT_FORMAT || sp_le32_get(block + AT_BLOCK) != SP_BLOCK)
		return sp_err_set(err, -ENOTSUP,
				  "journal format %" PRIu32 "; this program reads %d", version,
				  SP_SEGMENT_FORMAT);
	memset(&header, 0, sizeof(header));
	memcpy(header.uuid, block + AT_UUID, 16);
	header.sequence = sp_le64_get(block + AT_SEQUENCE);
	header.size = sp_le64_get(block + AT_SIZE);
	header.created_utc_ns = sp_le64_get(block + AT_CREATED);
	header.retention_class = sp_le32_get(block + AT_CLASS);
	header.cipher = sp_le32_get(block + AT_CIPHER);
	header.epoch = sp_le64_get(block + AT_EPOCH);
	memcpy(header.key_id, block + AT_KEY_ID, 32);
	memcpy(header.previous_uuid, block + AT_PREVIOUS_UUID, 16);
	header.previous_records = sp_le64_get(block + AT_PREVIOUS_RECORDS);
	if (header.cipher != SP_CIPHER_NONE)
		return sp_err_set(err, -ENOTSUP, "encrypted with cipher %" PRIu32
				  ", which this program does not know", header.cipher);
	*ret_header = header;
	return 0;
}

char *sp_segment_name(uint64_t sequence, char name[SP_SEGMENT_NAME_SIZE])
{
	snprintf(name, SP_SEGMENT_NAME_SIZE, "seg-%016" PRIx64 ".spj", sequence);
	return name;
}

bool sp_segment_name_parse(const char *name, uint64_t *ret_sequence)
{
	char again[SP_SEGMENT_NAME_SIZE];
	uint64_t sequence;

	if (strlen(name) != SP_SEGMENT_NAME_SIZE - 1 ||
	    sscanf(name, "seg-%16" SCNx64, &sequence) != 1 ||
	    strcmp(sp_segment_name(sequence, again), name))
		return false;
	*ret_sequence = sequence;
	return true;
}
