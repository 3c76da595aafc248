/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a synthetic person is: some 80 named parameters drawn from a seed. A few latent numbers (how
 * old the person looks, how robust the build is, mixtures of traits) move many parameters together,
 * as in people; each parameter then varies for itself. Nobody real stands behind any seed.
 */
#ifndef LANESIM_IDENTITY_H
#define LANESIM_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "lanesim/render/mesh.h"

/* name, mean, deviation, least, most, share of `robust` (−1 … 1), share of `age` (−½ … ½) */
#define LANESIM_PARAMETERS(X)                                            \
	/* Shape of the head: factors of the mean, or centimetres. */    \
	X(HEAD_WIDTH, 1, .035f, .9f, 1.1f, .012f, 0)                     \
	X(FOREHEAD_WIDTH, 1, .03f, .92f, 1.08f, 0, 0)                    \
	X(CHEEK_WIDTH, 1, .04f, .9f, 1.1f, 0, .02f)                      \
	X(JAW_WIDTH, .985f, .055f, .85f, 1.14f, .045f, .04f)             \
	X(CHIN_WIDTH, 1, .12f, .7f, 1.35f, .13f, 0)                      \
	X(FACE_DEPTH, 1, .035f, .92f, 1.08f, 0, 0)                       \
	X(FOREHEAD_HEIGHT, 0, .5f, -1.2f, 1.3f, 0, 0)                    \
	X(FOREHEAD_SLOPE, .5f, .4f, -.3f, 1.7f, .35f, 0)                 \
	X(TEMPLE_HOLLOW, .3f, .14f, 0, .65f, 0, .1f)                     \
	X(BROW_HEIGHT, 0, .45f, -1, 1, -.3f, 0)                          \
	X(BROW_RIDGE, .2f, .15f, 0, .65f, .2f, 0)                        \
	X(EYE_SPACING, 0, .22f, -.5f, .5f, 0, 0)                         \
	X(EYE_DEPTH, 0, .18f, -.35f, .5f, .1f, .12f)                     \
	X(EYE_WIDTH, 1.42f, .08f, 1.22f, 1.6f, 0, 0)                     \
	X(LID_UPPER, .49f, .065f, .33f, .68f, -.03f, -.07f)              \
	X(LID_LOWER, .35f, .045f, .24f, .48f, 0, 0)                      \
	X(EYE_TILT, .04f, .07f, -.13f, .22f, -.02f, -.05f)               \
	X(CREASE, .27f, .1f, .08f, .55f, 0, 0)                           \
	X(HOOD, .3f, .25f, 0, .95f, .05f, .28f)                          \
	X(BAG, .2f, .18f, 0, .9f, .04f, .4f)                             \
	X(NOSE_LENGTH, 0, .38f, -.9f, .9f, .1f, .18f)                    \
	X(BRIDGE_HEIGHT, 1, .25f, .4f, 1.6f, .08f, 0)                    \
	X(BRIDGE_WIDTH, 1, .13f, .7f, 1.35f, .05f, 0)                    \
	X(NOSE_BUMP, .1f, .33f, -.6f, 1, .1f, .1f)                       \
	X(NOSE_PROJECTION, 1, .12f, .74f, 1.32f, .04f, 0)                \
	X(TIP_SIZE, 1, .13f, .7f, 1.32f, .05f, .1f)                      \
	X(TIP_TURN, .05f, .17f, -.3f, .42f, -.1f, -.1f)                  \
	X(ALA_WIDTH, 1.02f, .11f, .78f, 1.36f, .05f, .05f)               \
	X(NOSTRIL, 1, .15f, .7f, 1.35f, 0, .05f)                         \
	X(PHILTRUM, 0, .24f, -.5f, .6f, .05f, .22f)                      \
	X(MUZZLE, .5f, .3f, -.2f, 1.3f, 0, 0)                            \
	X(MOUTH_WIDTH, 1.03f, .08f, .82f, 1.22f, .02f, .03f)             \
	X(LIP_UPPER, .6f, .14f, .28f, 1, -.09f, -.18f)                   \
	X(LIP_LOWER, .78f, .15f, .38f, 1.2f, -.07f, -.14f)               \
	X(LIP_FULLNESS, 1, .2f, .55f, 1.5f, 0, -.2f)                     \
	X(CUPID, .6f, .35f, 0, 1.4f, -.1f, 0)                            \
	X(MOUTH_CURVE, .35f, .22f, -.3f, .85f, 0, -.25f)                 \
	X(CHIN_HEIGHT, 0, .5f, -1.1f, 1.3f, .28f, 0)                     \
	X(CHIN_PROJECTION, .4f, .3f, -.3f, 1.1f, .14f, 0)                \
	X(CLEFT, 0, .35f, 0, 1, .1f, 0)                                  \
	X(CHEEKBONE, .4f, .27f, -.2f, 1.1f, 0, 0)                        \
	X(CHEEK_FULL, .1f, .4f, -.6f, 1.2f, -.1f, 0)                     \
	X(CHEEK_HOLLOW, .22f, .25f, 0, .95f, .1f, .2f)                   \
	X(GONIAL, .1f, .4f, -.7f, 1.1f, .28f, 0)                         \
	X(NASOLABIAL, .5f, .25f, .05f, 1.5f, 0, .85f)                    \
	X(JOWL, 0, .2f, 0, 1, 0, .6f)                                    \
	X(EAR_SIZE, 1, .09f, .8f, 1.25f, .04f, .1f)                      \
	X(EAR_ANGLE, .55f, .22f, .1f, 1.2f, .05f, 0)                     \
	X(NECK_WIDTH, 1, .07f, .86f, 1.22f, .1f, 0)                      \
	X(SHOULDER_WIDTH, 1, .06f, .85f, 1.18f, .1f, 0)                  \
	X(ASYMMETRY_NOSE, 0, .35f, -1.2f, 1.2f, 0, 0)                    \
	X(ASYMMETRY_JAW, 0, .4f, -1.5f, 1.5f, 0, 0)                      \
	X(ASYMMETRY_EYES, 0, .22f, -.8f, .8f, 0, 0)                      \
	X(ASYMMETRY_MOUTH, 0, .2f, -.7f, .7f, 0, 0)                      \
	/* What the skin shows. */                                       \
	X(MELANIN, .4f, 0, 0, 1, 0, 0) /* drawn apart, evenly */         \
	X(REDNESS, .5f, .3f, 0, 1.3f, 0, .2f)                            \
	X(YELLOW, 0, .35f, -.9f, .9f, 0, 0)                              \
	X(BLOTCH, .35f, .22f, 0, 1, 0, .35f)                             \
	X(FRECKLES, -.4f, .55f, 0, 1, 0, 0)                              \
	X(CIRCLES, .35f, .3f, 0, 1.2f, 0, .4f)                           \
	X(WRINKLES, .02f, .15f, 0, 1.1f, 0, 1.1f)                        \
	X(PORES, .5f, .2f, .1f, 1, .1f, .2f)                             \
	X(OIL, .45f, .25f, 0, 1, 0, 0)                                   \
	X(LIP_RED, .5f, .3f, 0, 1.3f, -.15f, -.3f)                       \
	X(LIP_DARK, .3f, .22f, 0, .9f, 0, 0)                             \
	X(BROW_THICK, .37f, .1f, .16f, .62f, .07f, 0)                    \
	X(BROW_ARCH, .28f, .26f, -.15f, .85f, -.08f, 0)                  \
	X(BROW_TILT, .08f, .12f, -.3f, .45f, 0, -.1f)                    \
	X(BROW_LENGTH, 3.6f, .27f, 2.9f, 4.3f, 0, 0)                     \
	X(BROW_DENSITY, .56f, .2f, .15f, .9f, .04f, -.1f)                \
	X(BROW_GAP, 1.05f, .28f, .4f, 1.65f, -.05f, 0)                   \
	X(BROW_OFFSET, 0, .24f, -.45f, .5f, -.12f, 0)                    \
	X(STUBBLE, .25f, .27f, 0, 1, 0, 0)                               \
	X(IRIS_SIZE, .59f, .022f, .54f, .65f, 0, 0)                      \
	X(IRIS_SHADE, .5f, 0, 0, 1, 0, 0) /* drawn apart, evenly */      \
	/* Hair. */                                                      \
	X(HAIR_VOLUME, .5f, .25f, 0, 1.15f, 0, -.1f)                     \
	X(HAIR_LINE, 7, .45f, 5.9f, 8.1f, 0, .35f)                       \
	X(HAIR_RECESSION, .4f, .45f, -.2f, 1.9f, .2f, .6f)               \
	X(SIDEBURN, .5f, .8f, -.5f, 2.8f, .2f, 0)                        \
	X(HAIR_LENGTH, .8f, .22f, .35f, 1.2f, 0, -.2f)                   \
	X(HAIR_OPEN, .45f, .35f, 0, 1, 0, 0)                             \
	X(HAIR_CURL, .2f, .3f, 0, 1.1f, 0, 0)                            \
	X(BEARD_VOLUME, .5f, .35f, 0, 1.4f, 0, 0)

enum lanesim_parameter {
#define X(name, ...) LANESIM_P_##name,
	LANESIM_PARAMETERS(X)
#undef X
	LANESIM_PARAMETERS_N
};

enum lanesim_hair {
	LANESIM_HAIR_NONE,    /* shaven or bald, perhaps a rim */
	LANESIM_HAIR_CROPPED, /* a few millimetres */
	LANESIM_HAIR_SHORT,
	LANESIM_HAIR_PARTED, /* short, combed to a side, over part of the forehead */
	LANESIM_HAIR_CURLY, /* short to chin, a round volume */
	LANESIM_HAIR_BOB, /* to the chin */
	LANESIM_HAIR_LONG, /* over the shoulders */
	LANESIM_HAIR_TIED, /* drawn back */
	LANESIM_HAIRS,
};

enum lanesim_beard {
	LANESIM_BEARD_NONE,
	LANESIM_BEARD_SHADOW, /* some days */
	LANESIM_BEARD_MOUSTACHE,
	LANESIM_BEARD_GOATEE,
	LANESIM_BEARD_FULL,
	LANESIM_BEARDS,
};

enum { LANESIM_MOLES = 6, LANESIM_WAVES = 6 };

struct lanesim_spectacles {
	bool worn;
	float width, height; /* half sizes of a glass, cm */
	float power;	     /* of its superellipse: 2 round … 5 nearly square */
	float thickness;     /* radius of the frame, cm */
	float colour[LANESIM_BANDS];
};

/*
 * Smooth fields over the face that no parameter names: sums of plane waves, about N(0, 1). Their
 * use is that no two faces are built of the same few directions.
 */
struct lanesim_field {
	struct {
		float kx, ky, phase, tilt; /* radians a cm; tilt makes it a little asymmetric */
	} wave[LANESIM_WAVES];
};

struct lanesim_identity {
	uint64_t seed;
	float parameter[LANESIM_PARAMETERS_N];
	float robust; /* −1 … 1: of build, bones, brows */
	float age;    /* of appearance, 0 (young child) … 1 (very old) */
	float size;   /* of the head: 1 an adult's */
	struct lanesim_field vertical, lateral, depth, pigment;
	float texture_seed; /* shifts noise: 0 … 1000 */
	struct {
		float x, y, radius; /* cm on the face; radius 0: none */
	} mole[LANESIM_MOLES];
	enum lanesim_hair hair;
	enum lanesim_beard beard;
	float hair_albedo[LANESIM_BANDS];
	float parting; /* −1 or 1: the side */
	struct lanesim_spectacles spectacles;
};

/* The same seed gives the same person, on every machine. */
void lanesim_identity_draw(struct lanesim_identity *identity, uint64_t seed);

static inline float lanesim_get(const struct lanesim_identity *identity, enum lanesim_parameter p)
{
	return identity->parameter[p];
}

/*
 * How different two people look, by their parameters alone: the root mean square of differences in
 * units of each parameter's deviation, weighted by what tells people apart (shape most, then paint,
 * hair, beard). Two strangers are about 1 apart.
 */
float lanesim_identity_distance(const struct lanesim_identity *a, const struct lanesim_identity *b);

#endif
