/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "app/backends.h"
#include "base/table.h"
#include "command.h"
#include "control/camera.h"

enum { CAMERAS_MAX = 256 };

static bool json;

static const struct sp_opt options[] = {
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "JSON lines", 0, 0 },
	{ 0 },
};

static const char *text_of(uint32_t ip, char text[INET_ADDRSTRLEN])
{
	struct in_addr address = { .s_addr = htonl(ip) };

	return inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN);
}

static int need_cameras(const char *me, const struct sp_camera_ops **ret_ops)
{
	*ret_ops = sp_backend_cameras();
	if (*ret_ops)
		return 0;
	return sp_command_fail(me, SP_EXIT_FAILED, "this build cannot control cameras; install "
			       "libaravis-dev (tools/setup) and build again");
}

static int list(int argc, char **argv)
{
	static const char me[] = "sallyport cameras list";
	static const struct sp_opt_usage usage = {
		me, "", "Lists the GigE Vision cameras that answer a discovery on any interface.",
		"Exit status 3 if none answers.",
	};
	static struct sp_camera_info cameras[CAMERAS_MAX];
	const struct sp_camera_ops *ops;
	struct sp_table table;
	struct sp_err err;
	int n, code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (need_cameras(me, &ops))
		return SP_EXIT_FAILED;
	n = ops->discover(cameras, CAMERAS_MAX, &err);
	if (n < 0)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (!json && sp_table_init(&table, "address|vendor|model|serial|name|MAC|id"))
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	for (int i = 0; i < n; i++) {
		const struct sp_camera_info *c = &cameras[i];
		char ip[INET_ADDRSTRLEN];

		text_of(c->ip, ip);
		if (json)
			sp_command_print_json(json_pack(
				"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", c->id, "address",
				ip, "vendor", c->vendor, "model", c->model, "serial", c->serial,
				"name", c->user_name, "mac", c->mac, "interface", c->interface));
		else
			sp_table_row(&table, "%s|%s|%s|%s|%s|%s|%s", ip, c->vendor, c->model,
				     c->serial, c->user_name, c->mac, c->id);
	}
	if (!json) {
		if (n)
			sp_table_print(&table, stdout);
		else
			puts("no camera answered; are they powered, and is an interface in their subnet up?");
		sp_table_uninit(&table);
	}
	return n ? SP_EXIT_OK : SP_EXIT_NOTHING;
}

/* What an officer's technician asks first; not every camera has all of them. */
static const char *const shown[] = {
	"DeviceVendorName",
	"DeviceModelName",
	"DeviceVersion",
	"DeviceFirmwareVersion",
	"DeviceSerialNumber",
	"DeviceID",
	"DeviceUserID",
	"DeviceTemperature",
	"SensorWidth",
	"SensorHeight",
	"Width",
	"Height",
	"OffsetX",
	"OffsetY",
	"PixelFormat",
	"PayloadSize",
	"AcquisitionMode",
	"AcquisitionFrameRate",
	"TriggerMode",
	"TriggerSource",
	"ExposureAuto",
	"ExposureTime",
	"ExposureTimeAbs",
	"GainAuto",
	"Gain",
	"GainRaw",
	"GevSCPSPacketSize",
	"GevSCPD",
	"GevHeartbeatTimeout",
	"GevTimestampTickFrequency",
};

static int show(int argc, char **argv)
{
	static const char me[] = "sallyport cameras show";
	static const struct sp_opt_usage usage = {
		me,
		"CAMERA [FEATURE…]",
		"Shows features of a camera by their GenICam names.",
		"CAMERA is an IP address or an id as `cameras list` prints it. Without FEATURE the\n"
		"common ones.",
	};
	const struct sp_camera_ops *ops;
	struct sp_camera *camera;
	struct sp_table table;
	json_t *object = json_object();
	struct sp_err err;
	int shown_n = (int)(sizeof(shown) / sizeof(shown[0])), failed = 0;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code < 0 && !argc)
		code = sp_command_fail(me, SP_EXIT_USAGE,
				       "no camera given; `sallyport cameras list` lists them");
	if (code < 0 && need_cameras(me, &ops))
		code = SP_EXIT_FAILED;
	if (code < 0 && ops->open(argv[0], &camera, &err))
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (code < 0 && sp_table_init(&table, "feature|value")) {
		ops->close(camera);
		code = sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	}
	if (code >= 0) {
		json_decref(object);
		return code;
	}
	for (int i = 0; i < (argc > 1 ? argc - 1 : shown_n); i++) {
		const char *feature = argc > 1 ? argv[i + 1] : shown[i];
		char value[512];

		if (!ops->get(camera, feature, value, sizeof(value), &err)) {
			sp_table_row(&table, "%s|%s", feature, value);
			json_object_set_new(object, feature, json_string(value));
		} else if (argc > 1) {
			failed = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
		}
	}
	if (json)
		sp_command_print_json(object);
	else
		sp_table_print(&table, stdout);
	if (!json)
		json_decref(object);
	sp_table_uninit(&table);
	ops->close(camera);
	return failed ? SP_EXIT_FAILED : SP_EXIT_OK;
}

int cmd_cameras(int argc, char **argv)
{
	static const struct sp_command commands[] = {
		{ "list", "cameras that answer a discovery", list },
		{ "show", "features of a camera", show },
		{ 0 },
	};

	return sp_command_dispatch(commands, "sallyport cameras", "GigE Vision cameras.", argc,
				   argv);
}
