/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing pictures: round trips, every kind of PNG and PNM, each refusal's one line. */
#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "base/diag.h"
#include "image/image.h"
#include "test.h"

/* A soft picture, so that JPEG keeps it closely: red grows rightwards, green downwards. */
static struct sp_image gradient(uint32_t width, uint32_t height)
{
	struct sp_image image;

	CHECK_EQ(sp_image_init(&image, width, height), 0);
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			uint8_t *pixel = image.rgb + (y * width + x) * 3;

			pixel[0] = (uint8_t)(x * 255 / width);
			pixel[1] = (uint8_t)(y * 255 / height);
			pixel[2] = 90;
		}
	}
	return image;
}

static uint32_t pixel_at(const struct sp_image *image, uint32_t x, uint32_t y)
{
	const uint8_t *pixel = image->rgb + (y * image->width + x) * 3;

	return (uint32_t)pixel[0] << 16 | (uint32_t)pixel[1] << 8 | pixel[2];
}

/* Refused with @code and one line that begins with the name and holds @word. */
static void check_refused(const void *bytes, size_t size, int code, const char *word)
{
	struct sp_image image = { 7, 7, NULL };
	struct sp_err err = { "" };

	CHECK_EQ(sp_image_decode(bytes, size, "x.img", &image, &err), code);
	if (strncmp(err.text, "x.img: ", 7) || !strstr(err.text, word) || strchr(err.text, '\n'))
		FAIL("'%s' does not hold '%s'", err.text, word);
	CHECK_EQ(image.width, 7);
}

static char *temporary(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "/tmp/sp-test-image-%d-%s", (int)getpid(), name);
	return path;
}

TEST(image_init_refuses_sides)
{
	struct sp_image image;

	CHECK_EQ(sp_image_init(&image, 0, 1), -EINVAL);
	CHECK_EQ(sp_image_init(&image, 1, 0), -EINVAL);
	CHECK_EQ(sp_image_init(&image, SP_IMAGE_SIDE_MAX + 1, 1), -EINVAL);
	CHECK_EQ(sp_image_init(&image, 3, 2), 0);
	CHECK_EQ(pixel_at(&image, 2, 1), 0);
	sp_image_uninit(&image);
	CHECK(!image.rgb && !image.width);
}

TEST(jpeg_round_trip_is_close)
{
	static const struct {
		uint32_t width, height;
	} sizes[] = { { 64, 48 }, { 1, 1 }, { 17, 33 } };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct sp_image image = gradient(sizes[i].width, sizes[i].height), again;
		uint8_t *bytes;
		size_t size;

		CHECK_EQ(sp_image_encode_jpeg(image.rgb, image.width, image.height, 95, &bytes,
					      &size, NULL),
			 0);
		CHECK_EQ(sp_image_decode(bytes, size, "x", &again, NULL), 0);
		CHECK_EQ(again.width, image.width);
		CHECK_EQ(again.height, image.height);
		for (size_t at = 0; at < (size_t)image.width * image.height * 3; at++)
			CHECK_NEAR(again.rgb[at], image.rgb[at], 16);
		free(bytes);
		sp_image_uninit(&again);
		sp_image_uninit(&image);
	}
}

TEST(jpeg_cut_anywhere_is_refused)
{
	struct sp_image image = gradient(64, 48), again;
	uint8_t *bytes;
	size_t size;

	CHECK_EQ(sp_image_encode_jpeg(image.rgb, 64, 48, 90, &bytes, &size, NULL), 0);
	for (size_t cut = 3; cut < size; cut++) {
		struct sp_err err = { "" };
		/* A block of its own, so that ASan sees a read beyond the end. */
		uint8_t *part = malloc(cut);

		memcpy(part, bytes, cut);
		if (sp_image_decode(part, cut, "x.jpg", &again, &err) != -EBADMSG)
			FAIL("%zu of %zu bytes were taken", cut, size);
		CHECK(!strncmp(err.text, "x.jpg: ", 7));
		free(part);
	}
	check_refused(bytes, size - 2, -EBADMSG, "truncated");
	free(bytes);
	sp_image_uninit(&image);
}

TEST(jpeg_of_print_colours_is_refused)
{
	static uint8_t cmyk[16 * 16 * 4];
	tjhandle handle = tjInitCompress();
	unsigned char *bytes = NULL;
	unsigned long size = 0;

	CHECK_EQ(tjCompress2(handle, cmyk, 16, 0, 16, TJPF_CMYK, &bytes, &size, TJSAMP_444, 90, 0),
		 0);
	check_refused(bytes, size, -ENOTSUP, "CMYK");
	tjFree(bytes);
	tjDestroy(handle);
}

TEST(jpeg_grey_becomes_rgb)
{
	static uint8_t grey[16 * 16];
	tjhandle handle = tjInitCompress();
	unsigned char *bytes = NULL;
	unsigned long size = 0;
	struct sp_image image;

	memset(grey, 77, sizeof(grey));
	CHECK_EQ(tjCompress2(handle, grey, 16, 0, 16, TJPF_GRAY, &bytes, &size, TJSAMP_GRAY, 90, 0),
		 0);
	CHECK_EQ(sp_image_decode(bytes, size, "x", &image, NULL), 0);
	CHECK_EQ(pixel_at(&image, 3, 3), 0x4d4d4d);
	sp_image_uninit(&image);
	tjFree(bytes);
	tjDestroy(handle);
}

TEST(jpeg_small_file_of_many_pixels_is_refused)
{
	struct sp_image image = gradient(16, 16);
	uint8_t *bytes;
	size_t size, at = 0;

	CHECK_EQ(sp_image_encode_jpeg(image.rgb, 16, 16, 50, &bytes, &size, NULL), 0);
	while (!(bytes[at] == 0xff && bytes[at + 1] == 0xc0))
		at++;
	/* Height and width of the frame header. */
	memcpy(bytes + at + 5, "\x40\x00\x40\x00", 4);
	check_refused(bytes, size, -EBADMSG, "truncated");
	memcpy(bytes + at + 5, "\x80\x00\x00\x10", 4);
	check_refused(bytes, size, -EFBIG, "more than 16384");
	free(bytes);
	sp_image_uninit(&image);
}

/* Puts an EXIF segment with @orientation behind the start of image. */
static size_t with_exif(const uint8_t *jpeg, size_t size, bool little, uint16_t orientation,
			uint8_t *out)
{
	uint8_t app1[] = { 0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
			   0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (uint8_t)orientation, 0, 0,
			   0, 0, 0, 0 };
	static const uint8_t little_tiff[] = { 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1,
					       3, 0, 1, 0, 0, 0 };

	if (little) {
		memcpy(app1 + 10, little_tiff, sizeof(little_tiff));
		app1[28] = (uint8_t)orientation;
		app1[29] = 0;
	}
	memcpy(out, jpeg, 2);
	memcpy(out + 2, app1, sizeof(app1));
	memcpy(out + 2 + sizeof(app1), jpeg + 2, size - 2);
	return size + sizeof(app1);
}

TEST(jpeg_orientation_is_honoured)
{
	/* Where the corner that the file stores first ends up: column, row as 0 or 1. */
	static const struct { bool right, bottom, turned; } want[9] = {
		[1] = { 0, 0, 0 }, [2] = { 1, 0, 0 }, [3] = { 1, 1, 0 }, [4] = { 0, 1, 0 },
		[5] = { 0, 0, 1 }, [6] = { 1, 0, 1 }, [7] = { 1, 1, 1 }, [8] = { 0, 1, 1 },
	};
	static uint8_t turned[65536];
	struct sp_image image, again;
	uint8_t *bytes;
	size_t size;

	CHECK_EQ(sp_image_init(&image, 48, 32), 0);
	sp_image_draw_rect(&image, 0, 0, 16, 16, 16, 0xffffff);
	CHECK_EQ(sp_image_encode_jpeg(image.rgb, 48, 32, 95, &bytes, &size, NULL), 0);
	for (uint16_t i = 0; i <= 9; i++) {
		uint16_t o = i >= 1 && i <= 8 ? i : 1; /* 0 and 9 mean nothing */
		size_t n = with_exif(bytes, size, i & 1, i, turned);
		uint32_t x, y;

		CHECK_EQ(sp_image_decode(turned, n, "x", &again, NULL), 0);
		CHECK_EQ(again.width, want[o].turned ? 32 : 48);
		CHECK_EQ(again.height, want[o].turned ? 48 : 32);
		x = want[o].right ? again.width - 4 : 4;
		y = want[o].bottom ? again.height - 4 : 4;
		if (pixel_at(&again, x, y) < 0xf00000 ||
		    pixel_at(&again, again.width - x, y) > 0x101010 ||
		    pixel_at(&again, x, again.height - y) > 0x101010)
			FAIL("orientation %u is wrong", i);
		sp_image_uninit(&again);
	}
	free(bytes);
	sp_image_uninit(&image);
}

TEST(jpeg_encoder_refuses_nonsense)
{
	uint8_t rgb[3] = { 0 }, *bytes;
	struct sp_err err;
	size_t size;

	CHECK_EQ(sp_image_encode_jpeg(rgb, 0, 1, 90, &bytes, &size, &err), -EINVAL);
	CHECK_EQ(sp_image_encode_jpeg(rgb, 1, 1, 0, &bytes, &size, &err), -EINVAL);
	CHECK_EQ(sp_image_encode_jpeg(rgb, 1, 1, 101, &bytes, &size, &err), -EINVAL);
}

TEST(png_round_trip_is_exact)
{
	struct sp_image image = gradient(37, 21), again;
	char *path = temporary("round.png");

	CHECK_EQ(sp_image_write_png(path, &image, NULL), 0);
	CHECK_EQ(sp_image_read(path, &again, NULL), 0);
	unlink(path);
	CHECK_EQ(again.width, 37);
	CHECK_EQ(again.height, 21);
	CHECK(!memcmp(again.rgb, image.rgb, 37 * 21 * 3));
	sp_image_uninit(&again);
	sp_image_uninit(&image);
}

TEST(png_that_cannot_be_written_is_an_error)
{
	struct sp_image image = gradient(300, 300);
	struct sp_err err;

	CHECK_EQ(sp_image_write_png("/nowhere/x.png", &image, &err), -ENOENT);
	if (!access("/dev/full", W_OK)) {
		CHECK(sp_image_write_png("/dev/full", &image, &err) < 0);
		CHECK(strstr(err.text, "/dev/full: cannot write"));
	}
	sp_image_uninit(&image);
}

struct png_memory {
	uint8_t bytes[4096];
	size_t size;
};

static void keep(png_structp png, png_bytep bytes, size_t size)
{
	struct png_memory *memory = png_get_io_ptr(png);

	if (memory->size + size > sizeof(memory->bytes))
		abort();
	memcpy(memory->bytes + memory->size, bytes, size);
	memory->size += size;
}

static void keep_flush(png_structp png)
{
	(void)png;
}

/* A PNG of 2 × 1 pixels whose row is @row, with @transparent (may be NULL) as its tRNS. */
static struct png_memory make_png(int type, int depth, bool interlaced, const uint8_t *row,
				  const png_color_16 *transparent)
{
	static const png_color palette[2] = { { 10, 20, 30 }, { 200, 100, 50 } };
	static const png_byte alphas[2] = { 255, 0 };
	struct png_memory memory = { .size = 0 };
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);

	png_set_write_fn(png, &memory, keep, keep_flush);
	png_set_IHDR(png, info, 2, 1, depth, type,
		     interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
	if (type == PNG_COLOR_TYPE_PALETTE) {
		png_set_PLTE(png, info, palette, 2);
		if (transparent)
			png_set_tRNS(png, info, alphas, 2, NULL);
	} else if (transparent) {
		png_set_tRNS(png, info, NULL, 0, transparent);
	}
	png_write_info(png, info);
	if (interlaced)
		for (int pass = png_set_interlace_handling(png); pass; pass--)
			png_write_row(png, row);
	else
		png_write_row(png, row);
	png_write_end(png, info);
	png_destroy_write_struct(&png, &info);
	return memory;
}

TEST(png_of_every_kind_becomes_rgb)
{
	static const png_color_16 grey_key = { .gray = 200 },
				  rgb_key = { .red = 4, .green = 5, .blue = 6 };
	static const struct {
		const char *what;
		int type, depth;
		uint8_t row[16];
		const png_color_16 *key;
		uint32_t want[2];
	} cases[] = {
		{ "grey 1", PNG_COLOR_TYPE_GRAY, 1, { 0x40 }, NULL, { 0x000000, 0xffffff } },
		{ "grey 2", PNG_COLOR_TYPE_GRAY, 2, { 0x60 }, NULL, { 0x555555, 0xaaaaaa } },
		{ "grey 4", PNG_COLOR_TYPE_GRAY, 4, { 0x1f }, NULL, { 0x111111, 0xffffff } },
		{ "grey 8", PNG_COLOR_TYPE_GRAY, 8, { 7, 200 }, NULL, { 0x070707, 0xc8c8c8 } },
		{ "grey 8 key", PNG_COLOR_TYPE_GRAY, 8, { 7, 200 }, &grey_key, { 0x070707, 0 } },
		{ "grey 16", PNG_COLOR_TYPE_GRAY, 16, { 0x12, 0x34, 0xff, 0xff }, NULL,
		  { 0x121212, 0xffffff } },
		{ "grey alpha", PNG_COLOR_TYPE_GRAY_ALPHA, 8, { 100, 255, 100, 0 }, NULL,
		  { 0x646464, 0x000000 } },
		{ "rgb 8", PNG_COLOR_TYPE_RGB, 8, { 1, 2, 3, 4, 5, 6 }, NULL,
		  { 0x010203, 0x040506 } },
		{ "rgb 8 key", PNG_COLOR_TYPE_RGB, 8, { 1, 2, 3, 4, 5, 6 }, &rgb_key,
		  { 0x010203, 0 } },
		{ "rgb 16", PNG_COLOR_TYPE_RGB, 16,
		  { 1, 0, 2, 0, 3, 0, 255, 255, 0, 0, 128, 128 }, NULL,
		  { 0x010203, 0xff0080 } },
		{ "rgba", PNG_COLOR_TYPE_RGB_ALPHA, 8, { 255, 100, 0, 255, 255, 100, 0, 51 }, NULL,
		  { 0xff6400, 0x331400 } },
		{ "rgba 16", PNG_COLOR_TYPE_RGB_ALPHA, 16,
		  { 255, 255, 0, 0, 128, 128, 255, 255, 255, 255, 255, 255, 0, 0, 0x80, 0 }, NULL,
		  { 0xff0080, 0x808000 } },
		{ "palette", PNG_COLOR_TYPE_PALETTE, 8, { 1, 0 }, NULL, { 0xc86432, 0x0a141e } },
		{ "palette 1", PNG_COLOR_TYPE_PALETTE, 1, { 0x80 }, NULL, { 0xc86432, 0x0a141e } },
		{ "palette alpha", PNG_COLOR_TYPE_PALETTE, 8, { 1, 0 }, &grey_key,
		  { 0, 0x0a141e } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) * 2; i++) {
		size_t n = i / 2;
		struct png_memory png = make_png(cases[n].type, cases[n].depth, i & 1, cases[n].row,
						 cases[n].key);
		struct sp_image image;
		struct sp_err err = { "" };

		if (sp_image_decode(png.bytes, png.size, "x", &image, &err))
			FAIL("%s: %s", cases[n].what, err.text);
		for (uint32_t x = 0; x < 2; x++)
			if (pixel_at(&image, x, 0) != cases[n].want[x])
				FAIL("%s, pixel %u: %06x, not %06x", cases[n].what, x,
				     pixel_at(&image, x, 0), cases[n].want[x]);
		sp_image_uninit(&image);
	}
}

TEST(png_cut_anywhere_or_damaged_is_refused)
{
	static const uint8_t row[6] = { 1, 2, 3, 4, 5, 6 };
	struct png_memory png = make_png(PNG_COLOR_TYPE_RGB, 8, false, row, NULL);
	uint8_t saved;

	for (size_t cut = 8; cut < png.size; cut++) {
		uint8_t *part = malloc(cut);

		memcpy(part, png.bytes, cut);
		check_refused(part, cut, -EBADMSG, "PNG");
		free(part);
	}
	/* A flipped bit in the pixels fails their checksum. */
	saved = png.bytes[43];
	png.bytes[43] ^= 1;
	check_refused(png.bytes, png.size, -EBADMSG, "damaged PNG");
	png.bytes[43] = saved;
}

/* CRC-32 as PNG has it, for headers made here. */
static void put_png_size(struct png_memory *png, uint32_t width, uint32_t height)
{
	uint32_t crc = UINT32_MAX;
	uint8_t *ihdr = png->bytes + 12;

	for (int i = 0; i < 4; i++) {
		ihdr[4 + i] = (uint8_t)(width >> (24 - 8 * i));
		ihdr[8 + i] = (uint8_t)(height >> (24 - 8 * i));
	}
	for (int i = 0; i < 17; i++) {
		crc ^= ihdr[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	for (int i = 0; i < 4; i++)
		ihdr[17 + i] = (uint8_t)(~crc >> (24 - 8 * i));
}

TEST(png_sides_are_checked_before_memory)
{
	static const uint8_t row[6] = { 0 };
	struct png_memory png = make_png(PNG_COLOR_TYPE_RGB, 8, false, row, NULL);

	put_png_size(&png, 16384, 16384);
	check_refused(png.bytes, png.size, -EBADMSG, "truncated");
	put_png_size(&png, 16385, 1);
	check_refused(png.bytes, png.size, -EFBIG, "more than 16384");
	put_png_size(&png, 2000000000, 2000000000);
	check_refused(png.bytes, png.size, -EFBIG, "more than 16384");
	put_png_size(&png, 0, 5);
	check_refused(png.bytes, png.size, -EBADMSG, "PNG");
}

TEST(pnm_table)
{
	static const struct {
		const char *bytes;
		size_t size;
		uint32_t width, height, first, last;
	} cases[] = {
		{ "P5 2 1 255\n\x07\xc8", 13, 2, 1, 0x070707, 0xc8c8c8 },
		{ "P5\n# a comment\n2 # another\n1\n15\n\x01\x0f", 35, 2, 1, 0x111111, 0xffffff },
		{ "P5 1 2 65535\n\x12\x34\xff\xff", 17, 1, 2, 0x121212, 0xffffff },
		{ "P5 1 1 1000\n\x01\xf4", 14, 1, 1, 0x808080, 0x808080 },
		{ "P5 1 1 100\n\xff", 12, 1, 1, 0xffffff, 0xffffff }, /* a sample over maxval */
		{ "P6 2 1 255\n\x01\x02\x03\x04\x05\x06", 17, 2, 1, 0x010203, 0x040506 },
		{ "P6 1 1 65535 \xff\xff\x80\x80\x00\x00", 19, 1, 1, 0xff8000, 0xff8000 },
		{ "P5 1 1 255\n\x0a more behind it", 26, 1, 1, 0x0a0a0a, 0x0a0a0a },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_image image;
		struct sp_err err = { "" };

		if (sp_image_decode((const uint8_t *)cases[i].bytes, cases[i].size, "x", &image,
				    &err))
			FAIL("case %zu: %s", i, err.text);
		CHECK_EQ(image.width, cases[i].width);
		CHECK_EQ(image.height, cases[i].height);
		CHECK_EQ(pixel_at(&image, 0, 0), cases[i].first);
		CHECK_EQ(pixel_at(&image, image.width - 1, image.height - 1), cases[i].last);
		sp_image_uninit(&image);
	}
}

TEST(pnm_refusals)
{
	static const struct {
		const char *text;
		int code;
		const char *word;
	} cases[] = {
		{ "P5", -EBADMSG, "header" },
		{ "P5 2", -EBADMSG, "header" },
		{ "P5 2 2 0\n....", -EBADMSG, "header" },
		{ "P5 2 2 65536\n....", -EBADMSG, "header" },
		{ "P5 2 -2 255\n....", -EBADMSG, "header" },
		{ "P5 2 2 255", -EBADMSG, "header" },
		{ "P5 2 2 255x...", -EBADMSG, "header" },
		{ "P5 99999999999 2 255\n....", -EBADMSG, "header" },
		{ "P5 2 2 255\n...", -EBADMSG, "truncated" },
		{ "P6 2 2 255\n...........", -EBADMSG, "truncated" },
		{ "P5 2 2 256\n.......", -EBADMSG, "truncated" },
		{ "P5 16384 16384 255\n....", -EBADMSG, "truncated" },
		{ "P5 0 2 255\n....", -EBADMSG, "no pixels" },
		{ "P5 16385 1 255\n....", -EFBIG, "more than 16384" },
		{ "P5 4294967295 4294967295 255\n....", -EFBIG, "more than 16384" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refused(cases[i].text, strlen(cases[i].text), cases[i].code, cases[i].word);
}

TEST(other_bytes_are_refused)
{
	check_refused("", 0, -EBADMSG, "empty");
	check_refused("P", 1, -EBADMSG, "not a picture");
	check_refused("P3 1 1 255 0 0 0", 16, -EBADMSG, "not a picture");
	check_refused("Dear officer,\n", 14, -EBADMSG, "not a picture");
	check_refused("\xff\xd8\xff", 3, -EBADMSG, "JPEG");
	check_refused("\x89PNG\r\n\x1a\n", 8, -EBADMSG, "PNG");
}

TEST(files_that_are_no_pictures_are_refused)
{
	struct sp_image image;
	struct sp_err err;
	char *path = temporary("odd");
	int fd;

	CHECK_EQ(sp_image_read("/nowhere/x.jpg", &image, &err), -ENOENT);
	CHECK_STR(err.text, "/nowhere/x.jpg: No such file or directory");
	CHECK_EQ(sp_image_read("/tmp", &image, &err), -EISDIR);
	CHECK(strstr(err.text, "folder"));
	CHECK_EQ(sp_image_read("/dev/zero", &image, &err), -EINVAL);
	CHECK_EQ(mkfifo(path, 0600), 0);
	CHECK_EQ(sp_image_read(path, &image, &err), -EINVAL);
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(sp_image_read(path, &image, &err), -EBADMSG);
	CHECK(strstr(err.text, "empty"));
	CHECK_EQ(write(fd, "hello\n", 6), 6);
	CHECK_EQ(sp_image_read(path, &image, &err), -EBADMSG);
	CHECK(strstr(err.text, "not a picture"));
	CHECK_EQ(ftruncate(fd, 1ll << 40), 0);
	CHECK_EQ(sp_image_read(path, &image, &err), -EFBIG);
	close(fd);
	unlink(path);
}

TEST(photograph_is_read)
{
	const char *path = sp_test_shared("data/two_people.jpg");
	struct sp_image image;
	struct sp_err err = { "" };

	if (sp_image_read(path, &image, &err))
		FAIL("%s", err.text);
	CHECK(image.width > 100 && image.height > 100);
	sp_image_uninit(&image);
}

TEST_MAIN()
