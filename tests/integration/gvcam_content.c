/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libaravis as an independent receiver of gvcam's test pattern: every byte of every image, part and
 * chunk of complete frames is compared with what it should be.
 *
 *	gvcam_content ADDRESS FRAMES [FEATURE=VALUE…]
 *
 * Prints one JSON line: frames complete and incomplete, frames with chunks, parts, changes of
 * geometry or format, images with lines left out. Exits 1 with a line on stderr at the first byte
 * that is wrong.
 */
#include <arv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gvcam/block.h"
#include "gvcam/pattern.h"
#include "wire/pfnc.h"

enum { BUFFERS = 16, WAIT_US = 3000000, QUIET_MAX = 3 };

static struct {
	unsigned int complete, incomplete, chunks, parts, shapes, cut;
	uint64_t shape; /* of the last image */
} seen;

static void fail(const char *what, GError *error)
{
	fprintf(stderr, "gvcam_content: %s: %s\n", what, error ? error->message : "wrong");
	exit(EXIT_FAILURE);
}

static void compare(const char *what, guint64 id, const uint8_t *got, const uint8_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (got[i] != want[i]) {
			fprintf(stderr, "gvcam_content: %s of block %llu: byte %zu is %u, not %u\n",
				what, (unsigned long long)id, i, got[i], want[i]);
			exit(EXIT_FAILURE);
		}
}

/*
 * One image; where lines were left out, as many whole ones as came. @inverted: a second part.
 */
static void check_image(const char *what, guint64 id, uint32_t format, uint32_t width,
			uint32_t height, const uint8_t *got, size_t bytes, bool inverted)
{
	size_t n = sp_pfnc_image_bytes(format, width, height);
	uint8_t *want;

	if (!sp_pfnc_by_code(format) ||
	    (bytes < n && (!bytes || bytes % sp_pfnc_line_bytes(format, width))))
		fail(what, NULL);
	if (bytes < n) {
		seen.cut++;
		n = bytes;
	}
	want = malloc(n);
	if (!want)
		fail("no memory", NULL);
	gvcam_pattern_fill(format, width, height, id, 0, want, n);
	for (size_t i = 0; inverted && i < n; i++)
		want[i] = (uint8_t)~want[i];
	compare(what, id, got, want, n);
	free(want);
}

/* By the camera's own description, as an application reads them. */
static void check_chunks(ArvChunkParser *parser, ArvBuffer *buffer)
{
	guint64 id = arv_buffer_get_frame_id(buffer);
	GError *error = NULL;
	gint64 frame, ticks;
	double exposure_us;

	frame = arv_chunk_parser_get_integer_value(parser, buffer, "ChunkFrameID", &error);
	if (error || (guint64)frame != id)
		fail("ChunkFrameID", error);
	exposure_us = arv_chunk_parser_get_float_value(parser, buffer, "ChunkExposureTime", &error);
	if (error || exposure_us != 1000 + (double)(id % 1000))
		fail("ChunkExposureTime", error);
	ticks = arv_chunk_parser_get_integer_value(parser, buffer, "ChunkTimestamp", &error);
	if (error || (guint64)ticks != arv_buffer_get_timestamp(buffer))
		fail("ChunkTimestamp", error);
	seen.chunks++;
}

static void check_parts(ArvBuffer *buffer)
{
	guint64 id = arv_buffer_get_frame_id(buffer);
	unsigned int n = arv_buffer_get_n_parts(buffer);

	if (n < 2)
		fail("parts", NULL);
	for (unsigned int i = 0; i < 2; i++) {
		size_t bytes;
		const uint8_t *data = arv_buffer_get_part_data(buffer, i, &bytes);

		check_image(i ? "second part" : "first part", id,
			    arv_buffer_get_part_pixel_format(buffer, i),
			    (uint32_t)arv_buffer_get_part_width(buffer, i),
			    (uint32_t)arv_buffer_get_part_height(buffer, i), data, bytes, i);
	}
	if (n == 3 &&
	    arv_buffer_get_part_data_type(buffer, 2) != ARV_BUFFER_PART_DATA_TYPE_CHUNK_DATA)
		fail("third part", NULL);
	seen.parts += n;
}

static void check_buffer(ArvChunkParser *parser, ArvBuffer *buffer)
{
	size_t bytes;
	const uint8_t *data = arv_buffer_get_data(buffer, &bytes);
	uint64_t shape;

	if (arv_buffer_get_payload_type(buffer) == ARV_BUFFER_PAYLOAD_TYPE_MULTIPART) {
		check_parts(buffer);
		return;
	}
	shape = arv_buffer_get_image_pixel_format(buffer) ^
		(uint64_t)arv_buffer_get_image_width(buffer) << 32 ^
		(uint64_t)arv_buffer_get_image_height(buffer) << 48;
	seen.shapes += shape != seen.shape;
	seen.shape = shape;
	check_image("image", arv_buffer_get_frame_id(buffer),
		    arv_buffer_get_image_pixel_format(buffer),
		    (uint32_t)arv_buffer_get_image_width(buffer),
		    (uint32_t)arv_buffer_get_image_height(buffer), data, bytes, false);
	if (arv_buffer_has_chunks(buffer))
		check_chunks(parser, buffer);
}

static void set_features(ArvCamera *camera, char **features, int n)
{
	GError *error = NULL;

	for (int i = 0; i < n; i++)
		if (!arv_device_set_features_from_string(arv_camera_get_device(camera), features[i],
							 &error))
			fail(features[i], error);
}

static void receive(ArvCamera *camera, unsigned int frames)
{
	ArvChunkParser *parser = arv_camera_create_chunk_parser(camera);
	GError *error = NULL;
	guint payload = arv_camera_get_payload(camera, &error);
	unsigned int quiet = 0;
	ArvStream *stream;

	arv_camera_gv_set_stream_options(camera, ARV_GV_STREAM_OPTION_PACKET_SOCKET_DISABLED);
	stream = arv_camera_create_stream(camera, NULL, NULL, &error);
	if (!stream)
		fail("stream", error);
	/* A busy machine is not what is tested here. */
	g_object_set(stream, "socket-buffer", ARV_GV_STREAM_SOCKET_BUFFER_FIXED,
		     "socket-buffer-size", 16 << 20, "frame-retention", 2000000u, NULL);
	for (unsigned int i = 0; i < BUFFERS; i++)
		arv_stream_push_buffer(stream, arv_buffer_new(payload, NULL));
	arv_camera_start_acquisition(camera, &error);
	if (error)
		fail("start", error);
	while (seen.complete < frames && quiet < QUIET_MAX) {
		ArvBuffer *buffer = arv_stream_timeout_pop_buffer(stream, WAIT_US);

		if (!buffer) {
			quiet++;
			continue;
		}
		if (arv_buffer_get_status(buffer) == ARV_BUFFER_STATUS_SUCCESS) {
			check_buffer(parser, buffer);
			seen.complete++;
		} else {
			seen.incomplete++;
		}
		arv_stream_push_buffer(stream, buffer);
	}
	arv_camera_stop_acquisition(camera, NULL);
	g_object_unref(stream);
	g_object_unref(parser);
}

int main(int argc, char **argv)
{
	GError *error = NULL;
	ArvCamera *camera;

	if (argc < 3) {
		fputs("usage: gvcam_content ADDRESS FRAMES [FEATURE=VALUE…]\n", stderr);
		return 2;
	}
	camera = arv_camera_new(argv[1], &error);
	if (!camera)
		fail(argv[1], error);
	set_features(camera, argv + 3, argc - 3);
	receive(camera, (unsigned int)strtoul(argv[2], NULL, 10));
	g_object_unref(camera);
	printf("{\"complete\":%u,\"incomplete\":%u,\"chunks\":%u,\"parts\":%u,"
	       "\"shapes\":%u,\"cut\":%u}\n",
	       seen.complete, seen.incomplete, seen.chunks, seen.parts, seen.shapes, seen.cut);
	return EXIT_SUCCESS;
}
