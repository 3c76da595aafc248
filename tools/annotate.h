/* SPDX-License-Identifier: Apache-2.0 */
/* Faces drawn into the picture that they were found in, for people to look at. */
#ifndef SP_TOOLS_ANNOTATE_H
#define SP_TOOLS_ANNOTATE_H

struct sp_fit;
struct sp_image;
struct sp_result;

/*
 * Box, landmarks, number, score, distance between the eyes and validity or its lack of each face,
 * in sizes that suit the picture's.
 */
void sp_annotate_faces(struct sp_image *image, const struct sp_result *result);

/* Faint outlines of the parts that were looked at; one that is the whole picture has none. */
void sp_annotate_looks(struct sp_image *image, const struct sp_fit *looks, unsigned int n);

#endif
