/* SPDX-License-Identifier: Apache-2.0 */
/* A camera's features by their GenICam name, with values as text. */
#include "control/aravis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

static int not_a_value(struct sp_camera *camera, const char *feature, struct sp_err *err)
{
	return sp_err_set(err, -EINVAL, "camera %s: %s has no value of its own; name a feature "
			  "below it", camera->address, feature);
}

static int find(struct sp_camera *camera, const char *feature, ArvGcNode **ret_node,
		struct sp_err *err)
{
	ArvGcNode *node = arv_device_get_feature(camera->device, feature);

	if (!ARV_IS_GC_FEATURE_NODE(node))
		return sp_err_set(err, -ENOENT,
				  "camera %s: it has no feature \"%s\"; mind capitals, and "
				  "see its manual for the names",
				  camera->address, feature);
	if (ARV_IS_GC_CATEGORY(node))
		return not_a_value(camera, feature, err);
	*ret_node = node;
	return 0;
}

int sp_aravis_get(struct sp_camera *camera, const char *feature, char *text, size_t size,
		  struct sp_err *err)
{
	ArvDevice *device = camera->device;
	GError *error = NULL;
	char value[64] = "";
	const char *shown = value;
	ArvGcNode *node;
	int ret = find(camera, feature, &node, err);

	if (ret)
		return ret;
	if (ARV_IS_GC_COMMAND(node))
		return sp_err_set(err, -EINVAL,
				  "camera %s: %s is a command; it is executed by setting "
				  "it",
				  camera->address, feature);
	/* An enumeration is an integer and a string as well: the most particular first. */
	if (ARV_IS_GC_ENUMERATION(node) || ARV_IS_GC_STRING(node))
		shown = arv_device_get_string_feature_value(device, feature, &error);
	else if (ARV_IS_GC_BOOLEAN(node))
		shown = arv_device_get_boolean_feature_value(device, feature, &error) ? "true" :
											"false";
	else if (ARV_IS_GC_FLOAT(node))
		g_ascii_formatd(value, sizeof(value), "%.15g",
				arv_device_get_float_feature_value(device, feature, &error));
	else if (ARV_IS_GC_INTEGER(node))
		g_snprintf(value, sizeof(value), "%" G_GINT64_FORMAT,
			   arv_device_get_integer_feature_value(device, feature, &error));
	else
		return not_a_value(camera, feature, err);
	if (error)
		return sp_aravis_fail(camera, feature, error, err);
	sp_aravis_copy_text(text, size, shown);
	return 0;
}

/* ---- setting, by type ------------------------------------------------------------------------ */

static int refuse_text(struct sp_camera *camera, const char *feature, const char *text,
		       const char *want, struct sp_err *err)
{
	return sp_err_set(err, -EINVAL, "camera %s: %s: \"%s\" is not %s; give one",
			  camera->address, feature, text, want);
}

static int set_boolean(struct sp_camera *camera, const char *feature, const char *text,
		       struct sp_err *err)
{
	static const char *const words[][2] = {
		{ "false", "true" }, { "0", "1" }, { "off", "on" }, { "no", "yes" },
	};
	GError *error = NULL;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (int value = 0; value < 2; value++)
			if (!g_ascii_strcasecmp(text, words[i][value])) {
				arv_device_set_boolean_feature_value(camera->device, feature, value,
								     &error);
				return error ? sp_aravis_fail(camera, feature, error, err) : 0;
			}
	return refuse_text(camera, feature, text, "true or false", err);
}

static int set_enumeration(struct sp_camera *camera, const char *feature, const char *text,
			   struct sp_err *err)
{
	GError *error = NULL;
	const char **entries;
	char list[256] = "";
	bool known = false;
	guint n = 0;

	entries = arv_device_dup_available_enumeration_feature_values_as_strings(camera->device,
										 feature, &n,
										 &error);
	if (error)
		return sp_aravis_fail(camera, feature, error, err);
	for (guint i = 0; i < n; i++) {
		known |= !strcmp(entries[i], text);
		g_strlcat(list, i ? ", " : "", sizeof(list));
		g_strlcat(list, entries[i], sizeof(list));
	}
	g_free(entries);
	if (!known)
		return sp_err_set(err, -EINVAL, "camera %s: %s cannot be \"%s\"; choose among %s",
				  camera->address, feature, text, list);
	arv_device_set_string_feature_value(camera->device, feature, text, &error);
	return error ? sp_aravis_fail(camera, feature, error, err) : 0;
}

static int set_float(struct sp_camera *camera, const char *feature, const char *text,
		     struct sp_err *err)
{
	GError *error = NULL;
	double min, max, value;
	char *end;

	value = g_ascii_strtod(text, &end);
	if (end == text || *end)
		return refuse_text(camera, feature, text, "a number", err);
	arv_device_get_float_feature_bounds(camera->device, feature, &min, &max, &error);
	if (error)
		return sp_aravis_fail(camera, feature, error, err);
	if (!(value >= min && value <= max))
		return sp_err_set(err, -ERANGE,
				  "camera %s: %s cannot be %s; the camera takes %.9g to "
				  "%.9g",
				  camera->address, feature, text, min, max);
	arv_device_set_float_feature_value(camera->device, feature, value, &error);
	return error ? sp_aravis_fail(camera, feature, error, err) : 0;
}

int sp_aravis_set_integer(struct sp_camera *camera, const char *feature, int64_t value,
			  struct sp_err *err)
{
	GError *error = NULL;
	gint64 min, max, kept;

	arv_device_get_integer_feature_bounds(camera->device, feature, &min, &max, &error);
	if (error)
		return sp_aravis_fail(camera, feature, error, err);
	if (value < min || value > max)
		return sp_err_set(err, -ERANGE,
				  "camera %s: %s cannot be %lld; the camera takes %lld to "
				  "%lld",
				  camera->address, feature, (long long)value, (long long)min,
				  (long long)max);
	arv_device_set_integer_feature_value(camera->device, feature, value, &error);
	if (error)
		return sp_aravis_fail(camera, feature, error, err);
	if (arv_device_get_feature_access_mode(camera->device, feature) == ARV_GC_ACCESS_MODE_WO)
		return 0;
	kept = arv_device_get_integer_feature_value(camera->device, feature, &error);
	if (error)
		return sp_aravis_fail(camera, feature, error, err);
	if (kept != value)
		return sp_err_set(err, -EINVAL,
				  "camera %s: %s was set to %lld but is %lld; choose a "
				  "value that the camera keeps",
				  camera->address, feature, (long long)value, (long long)kept);
	return 0;
}

static int set_integer(struct sp_camera *camera, const char *feature, const char *text,
		       struct sp_err *err)
{
	char *end;
	int64_t value;

	errno = 0;
	value = g_ascii_strtoll(text, &end, 0);
	if (end == text || *end || errno)
		return refuse_text(camera, feature, text, "a whole number", err);
	return sp_aravis_set_integer(camera, feature, value, err);
}

static int set_string(struct sp_camera *camera, const char *feature, const char *text,
		      struct sp_err *err)
{
	GError *error = NULL;

	arv_device_set_string_feature_value(camera->device, feature, text, &error);
	return error ? sp_aravis_fail(camera, feature, error, err) : 0;
}

int sp_aravis_set(struct sp_camera *camera, const char *feature, const char *text,
		  struct sp_err *err)
{
	ArvGcNode *node;
	int ret = find(camera, feature, &node, err);

	if (ret)
		return ret;
	if (ARV_IS_GC_COMMAND(node))
		return sp_aravis_execute(camera, feature, err);
	if (arv_device_get_feature_access_mode(camera->device, feature) == ARV_GC_ACCESS_MODE_RO)
		return sp_err_set(err, -EPERM,
				  "camera %s: %s can only be read; set another feature",
				  camera->address, feature);
	if (ARV_IS_GC_BOOLEAN(node))
		return set_boolean(camera, feature, text, err);
	if (ARV_IS_GC_ENUMERATION(node))
		return set_enumeration(camera, feature, text, err);
	if (ARV_IS_GC_FLOAT(node))
		return set_float(camera, feature, text, err);
	if (ARV_IS_GC_INTEGER(node))
		return set_integer(camera, feature, text, err);
	if (ARV_IS_GC_STRING(node))
		return set_string(camera, feature, text, err);
	return not_a_value(camera, feature, err);
}

bool sp_aravis_is_writable(struct sp_camera *camera, const char *feature)
{
	return arv_device_is_feature_available(camera->device, feature, NULL) &&
	       arv_device_get_feature_access_mode(camera->device, feature) !=
		       ARV_GC_ACCESS_MODE_RO;
}

int sp_aravis_execute(struct sp_camera *camera, const char *command, struct sp_err *err)
{
	GError *error = NULL;

	if (!arv_device_get_feature(camera->device, command))
		return -ENOENT;
	arv_device_execute_command(camera->device, command, &error);
	return error ? sp_aravis_fail(camera, command, error, err) : 0;
}
