/* SPDX-License-Identifier: Apache-2.0 */
/* From radiance to an 8-bit picture: exposure, blur, tone, noise, colour or near infrared. */
#ifndef LANESIM_SENSOR_H
#define LANESIM_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

struct lanesim_film;
struct sp_image;

/* The part of the picture that exposure is measured on. */
struct lanesim_meter {
	uint32_t x, y, width, height; /* width 0: the whole picture */
};

struct lanesim_sensor {
	bool nir; /* grey, from the NIR band */
	float target; /* mean linear level that auto-exposure aims at, 0 … 1 (0.18 is usual) */
	float compensation; /* exposure on top of it, in stops */
	float adapt; /* 0 no auto-exposure: gain is 2^compensation; 1 all of it */
	float blur; /* deviation of a Gaussian, pixels; 0: none */
	float motion_x, motion_y; /* length of a linear motion blur, pixels */
	float shot, read; /* noise: of the light (share at full scale) and of the electronics */
	float warm; /* white balance error, −1 blue … 1 yellow */
	float contrast; /* 1: as it is; of the tone curve about its middle */
	float vignette; /* darkening in the corners, 0 … 1 */
	uint64_t seed; /* of the noise */
};

/* Values for a good camera on a clear day. */
extern const struct lanesim_sensor lanesim_sensor_usual;

/* @image has the film's size. The film is used as scratch memory. 0 or -ENOMEM. */
int lanesim_expose(struct lanesim_film *film, const struct lanesim_sensor *sensor,
		   const struct lanesim_meter *meter, struct sp_image *image);

#endif
