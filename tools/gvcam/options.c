/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "wire/pfnc.h"

/* Where they are not given: pictures are shown for so many frames, vehicles for so long. */
enum { HOLD = 30, STAY_S = 5, AWAY_S = 2 };

/* One that packets can come from, into @ret_ip, host order. */
static int parse_ip(const char *option, const char *text, uint32_t *ret_ip, struct sp_err *err)
{
	struct in_addr address;
	uint32_t ip;

	if (inet_pton(AF_INET, text, &address) != 1)
		return sp_err_set(err, -EINVAL, "%s: '%s' is no IPv4 address such as 127.0.0.1",
				  option, text);
	ip = ntohl(address.s_addr);
	if (IN_MULTICAST(ip) || ip == INADDR_BROADCAST || ip == INADDR_ANY)
		return sp_err_set(err, -EINVAL, "%s: '%s' cannot be a sender's address", option,
				  text);
	*ret_ip = ip;
	return 0;
}

/* The address of every camera: those given, then counting on from the last. */
static int list_addresses(const struct gvcam_options *options, struct gvcam_farm_config *config,
			  struct sp_err *err)
{
	uint32_t given = options->addresses.n;
	uint32_t n = options->cameras ? options->cameras : given ? given : 1;

	if (n < given)
		return sp_err_set(err, -EINVAL, "--cameras %u, but %u addresses; leave one out", n,
				  given);
	config->ips[0] = INADDR_LOOPBACK;
	for (uint32_t i = 0; i < n; i++) {
		int res = 0;

		if (i < given)
			res = parse_ip("--address", options->addresses.items[i], &config->ips[i],
				       err);
		else if (i)
			config->ips[i] = config->ips[i - 1] + 1;
		if (res)
			return res;
	}
	config->n = n;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < i; j++)
			if (config->ips[i] == config->ips[j])
				return sp_err_set(err, -EINVAL,
						  "cameras %u and %u would have one address", j, i);
	return 0;
}

static void set_times(const struct gvcam_options *options, struct gvcam_farm_config *config)
{
	bool vehicles = gvcam_options_has_lanesim(options);

	config->hold = options->hold;
	if (!config->hold)
		config->hold = vehicles ? (uint32_t)(STAY_S * config->fps + 0.5) : HOLD;
	if (!config->hold)
		config->hold = 1;
	config->gap = options->gap;
	if (config->gap == GVCAM_NOT_GIVEN)
		config->gap = vehicles ? (uint32_t)(AWAY_S * config->fps + 0.5) : 0;
}

static int format_error(const char *name, struct sp_err *err)
{
	char names[512] = "";

	for (size_t i = 0, used = 0; i < sp_pfnc_table_n; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 sp_pfnc_table[i].name);
	return sp_err_set(err, -EINVAL, "--format: '%s' is none of %s", name, names);
}

/* What blocks carry beside their image, and how they differ. */
static int set_content(const struct gvcam_options *options, struct gvcam_farm_config *config,
		       struct sp_err *err)
{
	const char *second = options->multi_part;
	bool varies = options->change_format || options->variable_lines;
	bool pictures = options->images.n || gvcam_options_has_lanesim(options);

	if (second && strcmp(second, "confidence") && strcmp(second, "image"))
		return sp_err_set(err, -EINVAL, "--multi-part: '%s' is none of confidence, image",
				  second);
	if (second && !options->extended_ids)
		return sp_err_set(err, -EINVAL,
				  "--multi-part needs --extended-ids: the standard header cannot "
				  "say how many parts there are");
	if (second && options->all_in)
		return sp_err_set(err, -EINVAL, "--multi-part or --all-in, not both");
	if (second && options->variable_lines)
		return sp_err_set(err, -EINVAL, "--multi-part or --variable-lines, not both");
	if (varies && pictures)
		return sp_err_set(err, -EINVAL, "%s needs the test pattern",
				  options->change_format ? "--change-format" : "--variable-lines");
	if (options->stamp && (second || options->chunks || options->all_in || varies))
		return sp_err_set(err, -EINVAL,
				  "--stamp goes with images alone: without --chunks, --multi-part, "
				  "--all-in, --change-format and --variable-lines");
	config->chunks = options->chunks;
	config->all_in = options->all_in;
	config->multi_part = second != NULL;
	config->second = second && !strcmp(second, "image") ? GVCAM_SECOND_IMAGE
							    : GVCAM_SECOND_CONFIDENCE;
	config->variety = (struct gvcam_variety){
		.seed = options->seed,
		.change_every = options->change_format,
		.lines = options->variable_lines,
	};
	return 0;
}

static int set_spoofs(const struct gvcam_options *options, struct gvcam_farm_config *config,
		      struct sp_err *err)
{
	int res = 0;

	config->spoofs.seed = options->seed;
	for (unsigned int i = 0; i < options->spoofs.n; i++)
		if (gvcam_spoofs_parse(options->spoofs.items[i], &config->spoofs, err))
			return sp_err_prefix(err, -EINVAL, "--spoof");
	if (!(config->spoofs.rate[GVCAM_SPOOF_ADDRESS] > 0))
		return options->spoof_from ? sp_err_set(err, -EINVAL,
							"--spoof-from needs --spoof address")
					   : 0;
	if (options->spoof_from)
		res = parse_ip("--spoof-from", options->spoof_from, &config->spoof_ip, err);
	else if (config->ips[0] >> 24 == IN_LOOPBACKNET)
		/* All of 127.0.0.0/8 is on the loopback interface. */
		config->spoof_ip = IN_LOOPBACKNET << 24 | 0xFFFFFE;
	else
		res = sp_err_set(err, -EINVAL,
				 "--spoof address needs --spoof-from with another address of this "
				 "machine");
	if (res)
		return res;
	for (uint32_t i = 0; i < config->n; i++)
		if (config->ips[i] == config->spoof_ip)
			return sp_err_set(err, -EINVAL,
					  "--spoof address: camera %u has the address that is to be "
					  "another; name one with --spoof-from",
					  i);
	return 0;
}

static int set_faults(const struct gvcam_options *options, bool resend_loss_given,
		      struct gvcam_farm_config *config, struct sp_err *err)
{
	config->faults = (struct gvcam_faults){
		.loss = options->loss,
		.resend_loss = resend_loss_given ? options->resend_loss : options->loss,
		.leader_loss = options->leader_loss,
		.trailer_loss = options->trailer_loss,
		.duplicate = options->duplicate,
		.reorder = options->reorder,
		.seed = options->seed,
	};
	if (options->burst_loss &&
	    gvcam_faults_parse_burst(options->burst_loss, &config->faults, err))
		return sp_err_prefix(err, -EINVAL, "--burst-loss");
	return 0;
}

int gvcam_options_config(const struct gvcam_options *options, bool resend_loss_given,
			 struct gvcam_farm_config *config, struct sp_err *err)
{
	const struct sp_pfnc *format = sp_pfnc_by_name(options->format);
	int res;

	if (!format)
		return format_error(options->format, err);
	if (options->width % 4 || options->height % 2)
		return sp_err_set(err, -EINVAL,
				  "--width goes in steps of 4, --height in steps of 2");
	if (options->packet_size % 4)
		return sp_err_set(err, -EINVAL, "--packet-size goes in steps of 4");
	if (options->pattern + (options->images.n > 0) + (gvcam_options_has_lanesim(options)) > 1)
		return sp_err_set(err, -EINVAL,
				  "one of --pattern, --images and --lanesim, not two");
	if (!gvcam_options_has_lanesim(options) && (options->truth || options->night))
		return sp_err_set(err, -EINVAL, "%s needs --lanesim",
				  options->truth ? "--truth" : "--night");
	if (!options->extended_ids && options->start_block > UINT16_MAX)
		return sp_err_set(err, -EINVAL, "--start-block above 65535 needs --extended-ids");
	res = list_addresses(options, config, err);
	if (res)
		return res;
	config->width = options->width;
	config->height = options->height;
	config->pixel_format = format->code;
	config->fps = options->fps;
	config->packet_size = options->packet_size;
	config->pacing = options->pacing;
	config->stamp = options->stamp;
	if (gvcam_gso_parse(options->gso, &config->gso))
		return sp_err_set(err, -EINVAL, "--gso: '%s' is none of auto, on, off",
				  options->gso);
	res = set_faults(options, resend_loss_given, config, err);
	if (!res)
		res = set_content(options, config, err);
	if (!res)
		res = set_spoofs(options, config, err);
	if (res)
		return res;
	config->resend = !options->no_resend;
	config->extended_ids = options->extended_ids;
	config->start_block = options->start_block;
	config->frames = options->frames;
	config->duration_ns = (uint64_t)(options->duration * (double)SP_NS_PER_S);
	set_times(options, config);
	return 0;
}
