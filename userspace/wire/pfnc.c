/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pfnc.h"

#include <strings.h>

#define MONO(code, name, bits, bpp, group) { code, name, SP_PFNC_MONO, bits, bpp, group, 0, 0 }
#define BAYER(code, name, bits, bpp, group, x, y) \
	{ code, name, SP_PFNC_BAYER, bits, bpp, group, x, y }

const struct sp_pfnc sp_pfnc_table[] = {
	MONO(SP_PFNC_MONO8, "Mono8", 8, 8, 1),
	MONO(SP_PFNC_MONO10, "Mono10", 10, 16, 1),
	MONO(SP_PFNC_MONO12, "Mono12", 12, 16, 1),
	MONO(SP_PFNC_MONO16, "Mono16", 16, 16, 1),
	MONO(SP_PFNC_MONO10P, "Mono10p", 10, 10, 4),
	MONO(SP_PFNC_MONO12P, "Mono12p", 12, 12, 2),
	/* The name gives the first line: RG is red green, so red is at 0, 0. */
	BAYER(SP_PFNC_BAYER_RG8, "BayerRG8", 8, 8, 1, 0, 0),
	BAYER(SP_PFNC_BAYER_GR8, "BayerGR8", 8, 8, 1, 1, 0),
	BAYER(SP_PFNC_BAYER_GB8, "BayerGB8", 8, 8, 1, 0, 1),
	BAYER(SP_PFNC_BAYER_BG8, "BayerBG8", 8, 8, 1, 1, 1),
	BAYER(SP_PFNC_BAYER_RG10P, "BayerRG10p", 10, 10, 4, 0, 0),
	BAYER(SP_PFNC_BAYER_GR10P, "BayerGR10p", 10, 10, 4, 1, 0),
	BAYER(SP_PFNC_BAYER_GB10P, "BayerGB10p", 10, 10, 4, 0, 1),
	BAYER(SP_PFNC_BAYER_BG10P, "BayerBG10p", 10, 10, 4, 1, 1),
	BAYER(SP_PFNC_BAYER_RG12P, "BayerRG12p", 12, 12, 2, 0, 0),
	BAYER(SP_PFNC_BAYER_GR12P, "BayerGR12p", 12, 12, 2, 1, 0),
	BAYER(SP_PFNC_BAYER_GB12P, "BayerGB12p", 12, 12, 2, 0, 1),
	BAYER(SP_PFNC_BAYER_BG12P, "BayerBG12p", 12, 12, 2, 1, 1),
	{ SP_PFNC_RGB8, "RGB8", SP_PFNC_RGB, 8, 24, 1, 0, 0 },
	{ SP_PFNC_BGR8, "BGR8", SP_PFNC_BGR, 8, 24, 1, 0, 0 },
	{ SP_PFNC_YUV422_8, "YUV422_8", SP_PFNC_YUYV, 8, 16, 2, 0, 0 },
};

const size_t sp_pfnc_table_n = sizeof(sp_pfnc_table) / sizeof(sp_pfnc_table[0]);

const struct sp_pfnc *sp_pfnc_by_code(uint32_t code)
{
	for (size_t i = 0; i < sp_pfnc_table_n; i++)
		if (sp_pfnc_table[i].code == code)
			return &sp_pfnc_table[i];
	return NULL;
}

const struct sp_pfnc *sp_pfnc_by_name(const char *name)
{
	for (size_t i = 0; i < sp_pfnc_table_n; i++)
		if (!strcasecmp(sp_pfnc_table[i].name, name))
			return &sp_pfnc_table[i];
	return NULL;
}
