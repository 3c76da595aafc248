/* SPDX-License-Identifier: Apache-2.0 */
#include "annotate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/report.h"
#include "image/font.h"
#include "image/image.h"
#include "infer/compute.h"
#include "infer/preprocess.h"

enum {
	VALID = 0x35E070,
	NOT_VALID = 0xFFB020,
	LANDMARK = 0x50C8FF,
	BRIGHT = 0xFFFFFF, /* text, outlines of looks */
	DARK = 0x000000, /* what stands out from bright pictures */
};

/* Of a picture's longer side: a line is one part, a pixel of the font the other. */
enum { LINE_PARTS = 900, TEXT_PARTS = 700 };

struct pen {
	struct sp_image *image;
	int line; /* pixels */
	int text; /* pixels of the picture for one of the font */
};

static struct pen pen_for(struct sp_image *image)
{
	uint32_t side = image->width > image->height ? image->width : image->height;

	return (struct pen){ image, 1 + (int)side / LINE_PARTS, 1 + (int)side / TEXT_PARTS };
}

/* A coordinate that is far outside is drawn nowhere, wherever exactly. */
static int whole(float x)
{
	return (int)lrintf(fminf(fmaxf(x, -SP_IMAGE_SIDE_MAX), 2 * SP_IMAGE_SIDE_MAX));
}

/* A line with a dark one on either side, so that it stands out from bright and dark alike. */
static void draw_box(const struct pen *pen, const float box[4], uint32_t colour)
{
	int x = whole(box[0]), y = whole(box[1]);
	int width = whole(box[0] + box[2]) - x, height = whole(box[1] + box[3]) - y;

	sp_image_draw_rect(pen->image, x - 1, y - 1, width + 2, height + 2, pen->line + 2, DARK);
	sp_image_draw_rect(pen->image, x, y, width, height, pen->line, colour);
}

static void draw_landmarks(const struct pen *pen, const struct sp_face *face)
{
	/* On small faces dots must leave something to be seen. */
	int radius = 1 + pen->line, most = whole(face->quality.eye_distance / 12);

	radius = radius > most ? most : radius;
	for (int k = 0; k < 5; k++) {
		int x = whole(face->landmark[k][0]), y = whole(face->landmark[k][1]);

		sp_image_draw_dot(pen->image, x, y, radius + 1, DARK);
		sp_image_draw_dot(pen->image, x, y, radius, LANDMARK);
	}
}

/*
 * @lines of text on a veil, below the box if there is room, else above it, else in it at its foot;
 * moved aside so that all of it is in the picture.
 */
static void draw_label(const struct pen *pen, const float box[4], uint32_t colour, char lines[][64],
		       int n)
{
	int step = (SP_FONT_SIDE + 2) * pen->text, margin = 2 * pen->text;
	int height = n * step + margin, width = 0, x = whole(box[0]);
	int bottom = whole(box[1] + box[3]), y = bottom + 1;

	for (int i = 0; i < n; i++) {
		int length = (int)strlen(lines[i]) * SP_FONT_SIDE * pen->text + 2 * margin;

		width = width > length ? width : length;
	}
	if (y + height > (int)pen->image->height)
		y = whole(box[1]) - height - 1;
	if (y < 0)
		y = bottom - height - 1;
	if (x + width > (int)pen->image->width)
		x = (int)pen->image->width - width;
	x = x < 0 ? 0 : x;
	sp_image_draw_veil(pen->image, x, y, width, height, 0.65f, DARK);
	for (int i = 0; i < n; i++)
		sp_image_draw_text(pen->image, x + margin, y + margin + i * step, pen->text,
				   i ? colour : BRIGHT, lines[i]);
}

void sp_annotate_faces(struct sp_image *image, const struct sp_result *result)
{
	const struct pen pen = pen_for(image);

	for (uint32_t i = 0; i < result->faces_n; i++) {
		const struct sp_face *face = &result->faces[i];
		uint32_t colour = face->reasons ? NOT_VALID : VALID;

		draw_box(&pen, face->box, colour);
		draw_landmarks(&pen, face);
	}
	/* Labels last: over neighbours' boxes, not under them. */
	for (uint32_t i = 0; i < result->faces_n; i++) {
		const struct sp_face *face = &result->faces[i];
		char validity[160], lines[2][64];

		snprintf(lines[0], sizeof(lines[0]), "%u %.2f %.0f px", i + 1, (double)face->score,
			 (double)face->quality.eye_distance);
		snprintf(lines[1], sizeof(lines[1]), "%.63s",
			 sp_report_validity(face->reasons, validity, sizeof(validity)));
		draw_label(&pen, face->box, face->reasons ? NOT_VALID : VALID, lines, 2);
	}
}

void sp_annotate_looks(struct sp_image *image, const struct sp_fit *looks, unsigned int n)
{
	const struct pen pen = pen_for(image);

	for (unsigned int i = 0; i < n; i++) {
		const struct sp_scale_rect *r = &looks[i].from;
		int x = (int)r->x, y = (int)r->y, width = (int)r->width, height = (int)r->height;
		int line = pen.line;

		if (r->width == image->width && r->height == image->height)
			continue;
		sp_image_draw_veil(image, x, y, width, line, 0.4f, BRIGHT);
		sp_image_draw_veil(image, x, y + height - line, width, line, 0.4f, BRIGHT);
		sp_image_draw_veil(image, x, y + line, line, height - 2 * line, 0.4f, BRIGHT);
		sp_image_draw_veil(image, x + width - line, y + line, line, height - 2 * line, 0.4f,
				   BRIGHT);
	}
}
