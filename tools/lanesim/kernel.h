/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of kernel/, once for each instruction set. A new one is a line here and a function
 * LANESIM_ISA_NAME(lanesim_NAME) in a file of kernel/ that includes this header.
 */
#ifndef LANESIM_KERNEL_H
#define LANESIM_KERNEL_H

#include <stdint.h>

#include "lanesim/isa.h"

struct lanesim_corner;
struct lanesim_faces;
struct lanesim_fragment;
struct lanesim_identity;
struct lanesim_light;
struct lanesim_material;
struct lanesim_plane;
struct lanesim_raster;
struct lanesim_skin_row;
struct lanesim_strip;
struct lanesim_texel;
struct lanesim_tone;
struct lanesim_vertex;
struct rigid;
struct vec;

/* type, name, arguments */
#define LANESIM_KERNELS(X)                                                                         \
	/* Vertices on @plane; @place: mesh → the plane's axes. Behind it, nearness is negative. */\
	X(void, project, (const struct lanesim_vertex *vertices, uint32_t n,                       \
			  const struct rigid *place, const struct lanesim_plane *plane,            \
			  struct lanesim_corner *ret_corners))                                     \
	/* Those faces of @list into the raster, nearest first. */                                 \
	X(void, draw, (const struct lanesim_raster *raster, const struct lanesim_faces *faces,     \
		       const uint32_t *list, uint32_t n))                                          \
	/* Where @face covers samples nearer than the raster's: fragments by pixel, the number. */ \
	X(uint32_t, layer, (const struct lanesim_raster *raster, const struct lanesim_faces *faces,\
			    uint32_t face, uint32_t width, uint32_t height,                        \
			    struct lanesim_fragment *ret_fragments))                               \
	/* The opaque fragments of @order, all of one material, added to the strip. */             \
	X(void, shade, (const struct lanesim_faces *faces, const struct lanesim_light *light,      \
			const struct lanesim_material *material,                                   \
			const struct lanesim_fragment *fragments, const uint32_t *order,           \
			uint32_t n, const struct lanesim_strip *strip))                            \
	/* Fragments of one CLEAR material, laid over the strip in their order. */                 \
	X(void, glaze, (const struct lanesim_faces *faces, const struct lanesim_light *light,      \
			const struct lanesim_material *material,                                   \
			const struct lanesim_fragment *fragments, uint32_t n,                      \
			const struct lanesim_strip *strip))                                        \
	/* ret_row[i] = Σ weights[k] × rows[k][i] */                                               \
	X(void, blend, (const float *const *rows, const float *weights, uint32_t rows_n,           \
			uint32_t n, float *ret_row))                                               \
	/* Row @y of the film into 8-bit RGB. */                                                   \
	X(void, develop, (const struct lanesim_tone *tone, const float *radiance, uint32_t width,  \
			  uint32_t y, uint8_t *ret_rgb))                                           \
	/* A head's row of one canonical height y: x, z of the bare skull at each angle (0 front, */ \
	/* positive towards +x) … */                                                               \
	X(void, skull_row, (float y, const float *angle, float *ret_x, float *ret_z, uint32_t n))  \
	/* … how far, cm, features stand out from it along +z … */                                 \
	X(void, features_row, (const struct lanesim_identity *identity, float y, const float *x,   \
			       const float *z, float *ret_depth, uint32_t n))                      \
	/* … and where the identity has these points, in person space. */                          \
	X(void, warp_row, (const struct lanesim_identity *identity, float y, const float *x,       \
			   const float *z, const float *depth, struct vec *ret_points, uint32_t n)) \
	/* A row of the head's paint. */                                                           \
	X(void, skin_row, (const struct lanesim_identity *identity,                                \
			   const struct lanesim_skin_row *row, struct lanesim_texel *ret_texels))

#define LANESIM_KERNEL_MEMBER(type, name, arguments) type(*name) arguments;
struct lanesim_kernels {
	const char *isa;
	LANESIM_KERNELS(LANESIM_KERNEL_MEMBER)
};

#ifdef LANESIM_ISA /* within kernel/ */
#define LANESIM_KERNEL_DECLARE(type, name, arguments) type LANESIM_ISA_NAME(lanesim_##name) arguments;
LANESIM_KERNELS(LANESIM_KERNEL_DECLARE)
#endif

/*
 * The best set that this processor has. The environment's LANESIM_ISA (base, avx2, avx512) asks for
 * another; one that the processor lacks, or that is unknown, is passed over. Chosen once.
 */
const struct lanesim_kernels *lanesim_kernels(void);

/* The @i-th set that this processor has, base first; NULL beyond the last. For tests. */
const struct lanesim_kernels *lanesim_kernels_available(unsigned int i);
/* Makes @kernels what lanesim_kernels() gives from now on; NULL: chooses anew. For tests. */
void lanesim_kernels_use(const struct lanesim_kernels *kernels);

#endif
