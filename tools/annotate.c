/* SPDX-License-Identifier: Apache-2.0 */
#include "annotate.h"

#include <math.h>
#include <stdbool.h>
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

enum {
	/* Of a picture's longer side: a line is one part; so is a pixel of the font, at least and at
	 * most. */
	LINE_PARTS = 900,
	TEXT_PARTS_SMALL = 2000,
	TEXT_PARTS_LARGE = 700,
	LINES = 2, /* of a label */
	TEXT = 64, /* bytes of such a line */
	PLACES = 4, /* of a label: below, above, right, left of its box */
};

struct rect {
	int x, y, width, height;
};

struct pen {
	struct sp_image *image;
	int line; /* pixels */
	int text_min, text_max; /* pixels of the picture for one of the font */
	/* What labels keep off: boxes, then labels. */
	struct rect taken[2 * SP_FACES_MAX];
	int taken_n;
};

static struct pen pen_for(struct sp_image *image)
{
	int side = (int)(image->width > image->height ? image->width : image->height);

	return (struct pen){ .image = image,
			     .line = 1 + side / LINE_PARTS,
			     .text_min = 1 + side / TEXT_PARTS_SMALL,
			     .text_max = 1 + side / TEXT_PARTS_LARGE };
}

/* A coordinate that is far outside is drawn nowhere, wherever exactly. */
static int whole(float x)
{
	return (int)lrintf(fminf(fmaxf(x, -SP_IMAGE_SIDE_MAX), 2 * SP_IMAGE_SIDE_MAX));
}

static struct rect rect_of(const float box[4])
{
	int x = whole(box[0]), y = whole(box[1]);

	return (struct rect){ x, y, whole(box[0] + box[2]) - x, whole(box[1] + box[3]) - y };
}

/* A line with a dark one on either side, so that it stands out from bright and dark alike. */
static void draw_box(const struct pen *pen, const struct rect *box, uint32_t colour)
{
	int line = pen->line, most = 1 + box->height / 40;

	line = line > most ? most : line;
	sp_image_draw_rect(pen->image, box->x - 1, box->y - 1, box->width + 2, box->height + 2,
			   line + 2, DARK);
	sp_image_draw_rect(pen->image, box->x, box->y, box->width, box->height, line, colour);
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

/* Whether a label may be there: inside the picture, on nothing that is taken. */
static bool is_free(const struct pen *pen, const struct rect *r)
{
	if (r->x < 0 || r->y < 0 || r->x + r->width > (int)pen->image->width ||
	    r->y + r->height > (int)pen->image->height)
		return false;
	for (int i = 0; i < pen->taken_n; i++) {
		const struct rect *t = &pen->taken[i];

		if (r->x < t->x + t->width && t->x < r->x + r->width && r->y < t->y + t->height &&
		    t->y < r->y + r->height)
			return false;
	}
	return true;
}

/* Moves @r by as little as brings it into the picture. */
static void keep_inside(const struct pen *pen, struct rect *r)
{
	int right = (int)pen->image->width - r->width, bottom = (int)pen->image->height - r->height;

	r->x = r->x > right ? right : r->x;
	r->y = r->y > bottom ? bottom : r->y;
	r->x = r->x < 0 ? 0 : r->x;
	r->y = r->y < 0 ? 0 : r->y;
}

/* Where a label of this size goes: beside @box where nothing is, else at its foot. */
static struct rect place_label(const struct pen *pen, const struct rect *box, int width, int height)
{
	int gap = 1 + pen->line;
	const int at[PLACES][2] = {
		{ box->x, box->y + box->height + gap },
		{ box->x, box->y - height - gap },
		{ box->x + box->width + gap, box->y },
		{ box->x - width - gap, box->y },
	};
	struct rect r = { at[0][0], box->y + box->height - height, width, height };

	for (int i = 0; i < PLACES; i++) {
		struct rect place = { at[i][0], at[i][1], width, height };

		/* Above and below it may be moved aside. */
		if (i < 2) {
			int y = place.y;

			keep_inside(pen, &place);
			place.y = y;
		}
		if (is_free(pen, &place))
			return place;
	}
	keep_inside(pen, &r);
	return r;
}

/* @lines of text on a veil, no larger than suits the face. */
static void draw_label(struct pen *pen, const struct rect *box, uint32_t colour,
		       char lines[LINES][TEXT])
{
	size_t longest = strlen(lines[0]) > strlen(lines[1]) ? strlen(lines[0]) : strlen(lines[1]);
	int text = 2 * box->width / (int)(longest * SP_FONT_SIDE);
	struct rect r;

	text = text > pen->text_max ? pen->text_max : text;
	text = text < pen->text_min ? pen->text_min : text;
	r = place_label(pen, box, ((int)longest * SP_FONT_SIDE + 4) * text,
			(LINES * (SP_FONT_SIDE + 2) + 2) * text);
	sp_image_draw_veil(pen->image, r.x, r.y, r.width, r.height, 0.65f, DARK);
	for (int i = 0; i < LINES; i++)
		sp_image_draw_text(pen->image, r.x + 2 * text,
				   r.y + (2 + i * (SP_FONT_SIDE + 2)) * text, text,
				   i ? colour : BRIGHT, lines[i]);
	pen->taken[pen->taken_n++] = r;
}

static uint32_t colour_of(const struct sp_face *face)
{
	return face->reasons ? NOT_VALID : VALID;
}

void sp_annotate_faces(struct sp_image *image, const struct sp_result *result)
{
	struct pen pen = pen_for(image);

	for (uint32_t i = 0; i < result->faces_n; i++) {
		const struct sp_face *face = &result->faces[i];
		struct rect box = rect_of(face->box);

		draw_box(&pen, &box, colour_of(face));
		draw_landmarks(&pen, face);
		pen.taken[pen.taken_n++] = box;
	}
	for (uint32_t i = 0; i < result->faces_n; i++) {
		const struct sp_face *face = &result->faces[i];
		char validity[160], lines[LINES][TEXT];

		snprintf(lines[0], TEXT, "%u %.2f %.0f px", i + 1, (double)face->score,
			 (double)face->quality.eye_distance);
		snprintf(lines[1], TEXT, "%.63s",
			 sp_report_validity(face->reasons, validity, sizeof(validity)));
		draw_label(&pen, &pen.taken[i], colour_of(face), lines);
	}
}

/* A frame of @line pixels within @r that lets the picture through. */
static void draw_outline(struct sp_image *image, const struct rect *r, int line)
{
	const struct rect sides[4] = {
		{ r->x, r->y, r->width, line },
		{ r->x, r->y + r->height - line, r->width, line },
		{ r->x, r->y + line, line, r->height - 2 * line },
		{ r->x + r->width - line, r->y + line, line, r->height - 2 * line },
	};

	for (int i = 0; i < 4; i++)
		sp_image_draw_veil(image, sides[i].x, sides[i].y, sides[i].width, sides[i].height,
				   0.35f, BRIGHT);
}

void sp_annotate_looks(struct sp_image *image, const struct sp_fit *looks, unsigned int n)
{
	int line = (pen_for(image).line + 1) / 2;

	for (unsigned int i = 0; i < n; i++) {
		const struct sp_scale_rect *from = &looks[i].from;
		const struct rect r = { (int)from->x, (int)from->y, (int)from->width,
					(int)from->height };

		if (from->width < image->width || from->height < image->height)
			draw_outline(image, &r, line);
	}
}
