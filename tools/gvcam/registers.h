/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a camera as its controller sees it: bootstrap registers, feature registers and the
 * GenICam description, with who may write what. No side effects: camera.c has those.
 */
#ifndef GVCAM_REGISTERS_H
#define GVCAM_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

#include <sallyport/gvcp.h>

/* Feature registers, u32 unless said otherwise. Named in the GenICam description. */
enum gvcam_feature {
	GVCAM_WIDTH = 0xA000, /* pixels */
	GVCAM_HEIGHT = 0xA004,
	GVCAM_PIXEL_FORMAT = 0xA008,
	GVCAM_PAYLOAD_SIZE = 0xA00C, /* bytes */
	GVCAM_WIDTH_MAX = 0xA010,
	GVCAM_HEIGHT_MAX = 0xA014,
	GVCAM_ACQUISITION_MODE = 0xA020,
	GVCAM_ACQUISITION_START = 0xA024, /* write 1 */
	GVCAM_ACQUISITION_STOP = 0xA028, /* write 1 */
	GVCAM_ACQUISITION_COUNT = 0xA02C, /* frames of a MultiFrame acquisition */
	GVCAM_ACQUISITION_STATUS = 0xA030, /* 1 while frames are made */
	GVCAM_FRAME_RATE = 0xA034, /* IEEE 754 single, Hz */
	GVCAM_TEST_PATTERN = 0xA038,
	GVCAM_CHUNK_MODE = 0xA03C, /* 1: chunk data come with the image */
	GVCAM_FEATURES_END = 0xA040,
};

enum gvcam_acquisition_mode { GVCAM_CONTINUOUS = 0, GVCAM_SINGLE_FRAME = 1, GVCAM_MULTI_FRAME = 2 };
enum gvcam_test_pattern { GVCAM_PICTURES = 0, GVCAM_FRAME_COUNTER = 1 };

enum {
	GVCAM_BOOTSTRAP_BYTES = 0x1000,
	GVCAM_FEATURE_BASE = 0xA000,
	GVCAM_XML_BASE = 0x10000,
	GVCAM_SIDE_MIN = 16, /* pixels */
	GVCAM_SIDE_MAX = 16384,
	GVCAM_PACKET_MIN = 220, /* bytes of SCPS */
	GVCAM_PACKET_MAX = 16384,
	GVCAM_HEARTBEAT_MIN = 500, /* ms */
};
#define GVCAM_RATE_MIN 0.1
#define GVCAM_RATE_MAX 10000.0

struct gvcam_registers {
	uint8_t bootstrap[GVCAM_BOOTSTRAP_BYTES];
	uint8_t features[GVCAM_FEATURES_END - GVCAM_FEATURE_BASE];
	const uint8_t *xml; /* a multiple of 4 bytes; not owned */
	size_t xml_bytes;
};

/*
 * @count bytes from @address, as they lie in memory; both multiples of 4. Returns a GVCP status:
 * INVALID_ADDRESS if any of it is not there.
 */
uint16_t gvcam_registers_read(const struct gvcam_registers *registers, uint32_t address,
			      uint8_t *out, uint32_t count);

/* May the word at @address be written? SUCCESS, INVALID_ADDRESS or WRITE_PROTECT. */
uint16_t gvcam_registers_writable(uint32_t address);

/* The camera's own access: no rights, but @address has to be a word of the map. */
uint32_t gvcam_registers_get(const struct gvcam_registers *registers, uint32_t address);
void gvcam_registers_set(struct gvcam_registers *registers, uint32_t address, uint32_t value);
/* NUL-padded text of a field of @field bytes; longer texts are cut. */
void gvcam_registers_set_text(struct gvcam_registers *registers, uint32_t address, size_t field,
			      const char *text);

#endif
