/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian integers and floats in bytes, at any alignment. */
#ifndef SP_BASE_LE_H
#define SP_BASE_LE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t sp_le16_get(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t sp_le32_get(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t sp_le64_get(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* IEEE 754 binary32. */
static inline float sp_lef32_get(const uint8_t *p)
{
	uint32_t bits = sp_le32_get(p);
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static inline void sp_le16_put(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void sp_le32_put(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void sp_le64_put(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static inline void sp_lef32_put(uint8_t *p, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	sp_le32_put(p, bits);
}

#endif
