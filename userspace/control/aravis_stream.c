/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting and stopping the stream. The format goes through the camera's features; the stream
 * channel through its bootstrap registers, since not every camera has features for them (the Aravis
 * fake camera has none). Source of the registers and of their order: docs/provenance.md.
 */
#include "control/aravis.h"

#include <errno.h>

#include <sallyport/gvcp.h>

#include "base/clock.h"
#include "base/diag.h"
#include "wire/pfnc.h"

/* Samples of more than 8 bits in network order. Only ever cleared here. */
#define SCPS_PIXELS_BIG_ENDIAN 0x20000000u

enum {
	PACKET_SIZE_MIN = 64,
	PACKET_SIZE_MAX = GVCP_SCPS_SIZE,
	LAST_FRAME_MIN_NS = 80000000,
	LAST_FRAME_MAX_NS = 300000000,
};

static int read_register(struct sp_camera *camera, uint32_t address, const char *name,
			 uint32_t *ret_value, struct sp_err *err)
{
	GError *error = NULL;
	guint32 value;

	if (!arv_device_read_register(camera->device, address, &value, &error))
		return sp_aravis_fail(camera, name, error, err);
	*ret_value = value;
	return 0;
}

static int write_register(struct sp_camera *camera, uint32_t address, const char *name,
			  uint32_t value, struct sp_err *err)
{
	GError *error = NULL;

	if (!arv_device_write_register(camera->device, address, value, &error))
		return sp_aravis_fail(camera, name, error, err);
	return 0;
}

/*
 * A camera that we lost may stream still, and then refuses a new format. Some refuse to stop what
 * does not run: only silence counts here.
 */
static int end_old_stream(struct sp_camera *camera, struct sp_err *err)
{
	struct sp_err refusal;
	uint32_t port = 0;
	int ret;

	if (sp_aravis_execute(camera, "AcquisitionStop", &refusal) == -ETIMEDOUT)
		return sp_err_set(err, -ETIMEDOUT, "%s", refusal.text);
	ret = read_register(camera, GVCP_REG_SCP, "stream channel port", &port, err);
	if (ret || !(port & GVCP_SCP_PORT))
		return ret;
	return write_register(camera, GVCP_REG_SCP, "stream channel port", 0, err);
}

static int set_frame_rate(struct sp_camera *camera, double fps, struct sp_err *err)
{
	GError *error = NULL;
	double kept;
	int ret;

	if (sp_aravis_is_writable(camera, "AcquisitionFrameRateEnable")) {
		ret = sp_aravis_set(camera, "AcquisitionFrameRateEnable", "true", err);
		if (ret)
			return ret;
	}
	/* Knows the vendors' own names; switches triggers off, so that the camera runs freely. */
	arv_camera_set_frame_rate(camera->camera, fps, &error);
	if (!error)
		kept = arv_camera_get_frame_rate(camera->camera, &error);
	if (error)
		return sp_aravis_fail(camera, "frame rate", error, err);
	/* Memory and link are planned for what was asked: more is an error, less a pity. */
	if (kept > fps * 1.01)
		return sp_err_set(err, -EINVAL,
				  "camera %s: frame rate was set to %.6g fps but is %.6g; "
				  "ask for at least that",
				  camera->address, fps, kept);
	if (kept < fps * 0.99)
		sp_log(SP_LOG_WARNING,
		       "camera %s: gives %.6g fps, not the %.6g that were asked for",
		       camera->address, kept, fps);
	return 0;
}

static int set_format(struct sp_camera *camera, const struct sp_camera_stream *stream,
		      struct sp_err *err)
{
	static const char *const offsets[] = { "OffsetX", "OffsetY" };
	const struct sp_pfnc *format = sp_pfnc_by_code(stream->pixel_format);
	struct sp_err refusal;
	int ret;

	if (!format)
		return sp_err_set(err, -EINVAL,
				  "camera %s: pixel format 0x%08X is not known; choose another",
				  camera->address, (unsigned)stream->pixel_format);
	/* An old offset would narrow the sizes that the camera takes. */
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		if (sp_aravis_is_writable(camera, offsets[i]) &&
		    sp_aravis_set_integer(camera, offsets[i], 0, &refusal) == -ETIMEDOUT)
			return sp_err_set(err, -ETIMEDOUT, "%s", refusal.text);
	ret = sp_aravis_set(camera, "PixelFormat", format->name, err);
	if (ret)
		return ret;
	ret = sp_aravis_set_integer(camera, "Width", stream->width, err);
	if (ret)
		return ret;
	ret = sp_aravis_set_integer(camera, "Height", stream->height, err);
	if (ret || stream->fps <= 0)
		return ret;
	return set_frame_rate(camera, stream->fps, err);
}

static int set_packet_size(struct sp_camera *camera, uint32_t size, struct sp_err *err)
{
	static const char name[] = "packet size";
	uint32_t value = 0;
	int ret;

	if (size < PACKET_SIZE_MIN || size > PACKET_SIZE_MAX)
		return sp_err_set(err, -EINVAL,
				  "camera %s: a packet size of %u bytes; use %d to %d",
				  camera->address, size, PACKET_SIZE_MIN, PACKET_SIZE_MAX);
	ret = read_register(camera, GVCP_REG_SCPS, name, &value, err);
	if (ret)
		return ret;
	/* Samples are read as little-endian; do-not-fragment is left as it is. */
	value &= ~(GVCP_SCPS_SIZE | GVCP_SCPS_FIRE_TEST | SCPS_PIXELS_BIG_ENDIAN);
	ret = write_register(camera, GVCP_REG_SCPS, name, value | size, err);
	if (ret)
		return ret;
	ret = read_register(camera, GVCP_REG_SCPS, name, &value, err);
	if (ret)
		return ret;
	if ((value & GVCP_SCPS_SIZE) != size)
		return sp_err_set(err, -EINVAL,
				  "camera %s: packet size was set to %u bytes but is %u; "
				  "choose a size that the camera keeps",
				  camera->address, size, value & GVCP_SCPS_SIZE);
	return 0;
}

/* Not every camera can go back to short ids, so none is asked to. */
static int set_extended_ids(struct sp_camera *camera, struct sp_err *err)
{
	static const char name[] = "GVSP configuration";
	uint32_t value = 0;
	int ret = read_register(camera, GVCP_REG_GVSP_CONFIG, name, &value, err);

	if (ret || value & GVCP_GVSP_CONFIG_EXTENDED_IDS)
		return ret;
	ret = write_register(camera, GVCP_REG_GVSP_CONFIG, name,
			     value | GVCP_GVSP_CONFIG_EXTENDED_IDS, err);
	if (!ret)
		ret = read_register(camera, GVCP_REG_GVSP_CONFIG, name, &value, err);
	if (ret)
		return ret;
	if (!(value & GVCP_GVSP_CONFIG_EXTENDED_IDS))
		return sp_err_set(err, -ENOTSUP, "camera %s: does not take 64-bit block ids; leave "
				  "extended_ids out", camera->address);
	return 0;
}

static int open_channel(struct sp_camera *camera, const struct sp_camera_stream *stream,
			struct sp_err *err)
{
	uint32_t ip = stream->host_ip ? stream->host_ip : camera->host_ip, port = 0;
	int ret = write_register(camera, GVCP_REG_SCDA, "stream destination", ip, err);

	if (ret)
		return ret;
	ret = write_register(camera, GVCP_REG_SCP, "stream channel port", stream->host_port, err);
	if (ret)
		return ret;
	ret = read_register(camera, GVCP_REG_SCP, "stream channel port", &port, err);
	if (ret)
		return ret;
	if ((port & GVCP_SCP_PORT) != stream->host_port)
		return sp_err_set(err, -EIO,
				  "camera %s: stream channel port was set to %u but is %u; "
				  "restart the camera",
				  camera->address, stream->host_port, port & GVCP_SCP_PORT);
	return 0;
}

/* Chunks, or padding that the stream's description does not know, show here first. */
static void check_payload(struct sp_camera *camera, const struct sp_camera_stream *stream)
{
	uint64_t want = sp_pfnc_image_bytes(stream->pixel_format, stream->width, stream->height);
	uint64_t payload = arv_camera_get_payload(camera->camera, NULL);

	if (payload && (payload < want || payload > want + stream->extra_bytes))
		sp_log(SP_LOG_WARNING,
		       "camera %s: will send %llu bytes a frame where the image has %llu and "
		       "extra_bytes allows %u more; raise extra_bytes, or set ChunkModeActive to "
		       "false if it has that feature",
		       camera->address, (unsigned long long)payload, (unsigned long long)want,
		       stream->extra_bytes);
}

static int begin(struct sp_camera *camera, struct sp_err *err)
{
	int ret;

	if (sp_aravis_is_writable(camera, "AcquisitionMode")) {
		ret = sp_aravis_set(camera, "AcquisitionMode", "Continuous", err);
		if (ret)
			return ret;
	}
	ret = sp_aravis_execute(camera, "AcquisitionStart", err);
	if (ret == -ENOENT)
		return sp_err_set(err, ret, "camera %s: it has no command AcquisitionStart; only "
				  "cameras with one can be used", camera->address);
	return ret;
}

int sp_aravis_start(struct sp_camera *camera, const struct sp_camera_stream *stream,
		    struct sp_err *err)
{
	int ret;

	camera->silent = false;
	camera->frame_ns = stream->fps > 0 ? (uint64_t)(1e9 / stream->fps) : 0;
	ret = end_old_stream(camera, err);
	if (ret)
		return ret;
	ret = set_format(camera, stream, err);
	if (ret)
		return ret;
	ret = set_packet_size(camera, stream->packet_size, err);
	if (ret)
		return ret;
	ret = stream->extended_ids ? set_extended_ids(camera, err) : 0;
	if (ret)
		return ret;
	ret = open_channel(camera, stream, err);
	if (ret)
		goto err_close_channel;
	check_payload(camera, stream);
	ret = begin(camera, err);
	if (ret)
		goto err_close_channel;
	return 0;

err_close_channel:
	if (!camera->silent)
		arv_device_write_register(camera->device, GVCP_REG_SCP, 0, NULL);
	return ret;
}

/*
 * AcquisitionStop lets the frame on its way end; a closed channel would cut it. Half of the time is
 * for packets of it that were lost and are asked for again.
 */
static void let_frame_end(const struct sp_camera *camera)
{
	uint64_t wait = 2 * camera->frame_ns;

	if (wait < LAST_FRAME_MIN_NS)
		wait = LAST_FRAME_MIN_NS;
	if (wait > LAST_FRAME_MAX_NS)
		wait = LAST_FRAME_MAX_NS;
	sp_clock_sleep_until(sp_clock_now() + wait);
}

int sp_aravis_stop(struct sp_camera *camera, struct sp_err *err)
{
	int ret, closed;

	/* Its new controller, if there is one, decides now. */
	if (!sp_aravis_alive(camera))
		return 0;
	camera->silent = false;
	ret = sp_aravis_execute(camera, "AcquisitionStop", err);
	if (ret == -ETIMEDOUT)
		return ret;
	if (!ret)
		let_frame_end(camera);
	closed = write_register(camera, GVCP_REG_SCP, "stream channel port", 0, ret ? NULL : err);
	return ret ? ret : closed;
}
