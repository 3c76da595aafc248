/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures from files: JPEG with EXIF, PNG, PNM. */
#include <stdlib.h>

#include "base/diag.h"
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_err err = { "" };
	struct sp_image image;
	volatile uint8_t last;

	if (sp_image_decode(data, size, "fuzz", &image, &err)) {
		if (!err.text[0])
			abort();
		return 0;
	}
	if (!image.width || !image.height || image.width > SP_IMAGE_SIDE_MAX ||
	    image.height > SP_IMAGE_SIDE_MAX)
		abort();
	last = image.rgb[(size_t)image.width * image.height * 3 - 1];
	(void)last;
	sp_image_uninit(&image);
	return 0;
}
