/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Camera control through libaravis, without an ArvStream: libaravis speaks GVCP, reads the GenICam
 * description and keeps the heartbeat; pixels never pass through it.
 *
 * How long a call may block, since none can be interrupted: a register access is tried five times,
 * 500 ms each, so a silent camera costs 2.5 s; every sequence ends at its first time-out. A
 * discovery ends after 1 s without an answer. Descriptions are read one at a time, for libaravis'
 * sake, but only from cameras that have just answered, so that a silent one does not keep the
 * others waiting. Control counts as lost at the latest when the heartbeat, due each second, was
 * unanswered for 5 s and one last access: 8.5 s after the camera fell silent.
 */
#include "control/aravis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "control/probe.h"
#include "wire/gvcp.h"

enum { HEARTBEAT_MIN_MS = 3000 };

/* libaravis keeps one device list for the process, read by index. */
static pthread_mutex_t discovery = PTHREAD_MUTEX_INITIALIZER;
/* Its parser of camera descriptions keeps its state in static variables (seen in 0.8.26). */
static pthread_mutex_t parser = PTHREAD_MUTEX_INITIALIZER;

static void set_up(void)
{
	const char *debug = getenv("SALLYPORT_DEBUG");

	arv_debug_enable(debug && *debug ? "all" : "all:0");
	/* Neither the camera that libaravis makes up nor USB: this product speaks GigE Vision. */
	for (unsigned int i = 0; i < arv_get_n_interfaces(); i++)
		if (strcmp(arv_get_interface_id(i), "GigEVision"))
			arv_disable_interface(arv_get_interface_id(i));
}

static void set_up_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_up);
}

static int error_code(const GError *error)
{
	if (error->domain != ARV_DEVICE_ERROR)
		return -EIO;
	switch (error->code) {
	case ARV_DEVICE_ERROR_TIMEOUT:
		return -ETIMEDOUT;
	case ARV_DEVICE_ERROR_NOT_CONNECTED:
		return -ENOTCONN;
	case ARV_DEVICE_ERROR_NOT_FOUND:
		return -ENODEV;
	case ARV_DEVICE_ERROR_FEATURE_NOT_FOUND:
		return -ENOENT;
	case ARV_DEVICE_ERROR_NOT_CONTROLLER:
	case ARV_DEVICE_ERROR_PROTOCOL_ERROR_ACCESS_DENIED:
		return -EACCES;
	case ARV_DEVICE_ERROR_PROTOCOL_ERROR_BUSY:
		return -EBUSY;
	case ARV_DEVICE_ERROR_WRONG_FEATURE:
	case ARV_DEVICE_ERROR_INVALID_PARAMETER:
	case ARV_DEVICE_ERROR_PROTOCOL_ERROR_INVALID_PARAMETER:
		return -EINVAL;
	case ARV_DEVICE_ERROR_PROTOCOL_ERROR_WRITE_PROTECT:
		return -EPERM;
	default:
		return -EIO;
	}
}

static int fail_silent(struct sp_camera *camera, const char *what, struct sp_err *err)
{
	camera->silent = true;
	return sp_err_set(err, -ETIMEDOUT,
			  "camera %s: %s: did not answer; check its power, its cable "
			  "and that this host has an address in its network",
			  camera->address, what);
}

int sp_aravis_fail(struct sp_camera *camera, const char *what, GError *error, struct sp_err *err)
{
	int ret = error ? error_code(error) : -EIO;
	const char *reason = error ? error->message : "libaravis gave no reason";

	switch (ret) {
	case -ETIMEDOUT:
		fail_silent(camera, what, err);
		break;
	case -EACCES:
		sp_err_set(err, ret,
			   "camera %s: %s: %s; stop the other program that controls it, or "
			   "wait a few seconds until its heartbeat runs out",
			   camera->address, what, reason);
		break;
	case -EBUSY:
		sp_err_set(err, ret, "camera %s: %s: it is busy; try again", camera->address, what);
		break;
	default:
		sp_err_set(err, ret, "camera %s: %s: %s; SALLYPORT_DEBUG=1 shows the exchange",
			   camera->address, what, reason);
	}
	g_clear_error(&error);
	return ret;
}

void sp_aravis_copy_text(char *to, size_t size, const char *from)
{
	char *valid = g_utf8_make_valid(from ? from : "", -1), *end;

	for (char *c = valid; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F)
			*c = '?';
	g_strlcpy(to, valid, size);
	g_free(valid);
	/* Cut between characters. */
	if (!g_utf8_validate(to, -1, (const char **)&end))
		*end = '\0';
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* The address that the kernel's routes choose for packets to @ip, both in host order. */
static int route_to(uint32_t ip, uint32_t *ret_host_ip)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(GVCP_PORT),
		.sin_addr.s_addr = htonl(ip),
	};
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	/* Sends nothing: it only looks up the route. */
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    getsockname(fd, (struct sockaddr *)&from, &size))
		ret = -errno;
	else
		*ret_host_ip = ntohl(from.sin_addr.s_addr);
	close(fd);
	return ret;
}

static void interface_name(uint32_t host_ip, char *name, size_t size)
{
	struct ifaddrs *list;

	if (getifaddrs(&list))
		return;
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)i->ifa_addr;

		if (in && in->sin_family == AF_INET && ntohl(in->sin_addr.s_addr) == host_ip) {
			g_strlcpy(name, i->ifa_name, size);
			break;
		}
	}
	freeifaddrs(list);
}

static bool parse_ip(const char *text, uint32_t *ret_ip)
{
	struct in_addr in;

	if (!text || inet_pton(AF_INET, text, &in) != 1)
		return false;
	*ret_ip = ntohl(in.s_addr);
	return true;
}

/* ---- discovery ------------------------------------------------------------------------------- */

static bool describe(unsigned int index, struct sp_camera_info *info)
{
	struct sp_gvcp_discovery answer;
	uint32_t host_ip;

	*info = (struct sp_camera_info){ 0 };
	if (!parse_ip(arv_get_device_address(index), &info->ip))
		return false;
	sp_aravis_copy_text(info->id, sizeof(info->id), arv_get_device_id(index));
	sp_aravis_copy_text(info->vendor, sizeof(info->vendor), arv_get_device_vendor(index));
	sp_aravis_copy_text(info->model, sizeof(info->model), arv_get_device_model(index));
	sp_aravis_copy_text(info->serial, sizeof(info->serial), arv_get_device_serial_nbr(index));
	sp_aravis_copy_text(info->mac, sizeof(info->mac), arv_get_device_physical_id(index));
	/* libaravis does not tell the name that its owner gave the camera. */
	if (!sp_gvcp_probe(info->ip, 1, &answer))
		sp_aravis_copy_text(info->user_name, sizeof(info->user_name), answer.user_name);
	if (!route_to(info->ip, &host_ip))
		interface_name(host_ip, info->interface, sizeof(info->interface));
	return true;
}

static int aravis_discover(struct sp_camera_info *list, unsigned int max, struct sp_err *err)
{
	unsigned int n = 0, devices;

	(void)err; /* no camera, or no network to ask in, is an empty list */
	set_up_once();
	pthread_mutex_lock(&discovery);
	arv_update_device_list();
	devices = arv_get_n_devices();
	for (unsigned int i = 0; i < devices && n < max; i++)
		if (describe(i, &list[n]))
			n++;
	pthread_mutex_unlock(&discovery);
	return (int)n;
}

/* An IP address as it is; anything else is looked for among the cameras that answer. */
static int resolve(const char *address, uint32_t *ret_ip, struct sp_err *err)
{
	unsigned int devices;
	int ret = -ENODEV;

	if (parse_ip(address, ret_ip))
		return 0;
	pthread_mutex_lock(&discovery);
	arv_update_device_list();
	devices = arv_get_n_devices();
	for (unsigned int i = 0; i < devices && ret; i++) {
		const char *id = arv_get_device_id(i), *mac = arv_get_device_physical_id(i);

		if (((id && !strcmp(id, address)) || (mac && !g_ascii_strcasecmp(mac, address))) &&
		    parse_ip(arv_get_device_address(i), ret_ip))
			ret = 0;
	}
	pthread_mutex_unlock(&discovery);
	if (ret)
		return sp_err_set(err, ret,
				  "camera %s: no camera of this id answers (%u others do); "
				  "`sallyport cameras list` shows them, an IP address works too",
				  address, devices);
	return 0;
}

/* ---- the camera ------------------------------------------------------------------------------ */

static GInetAddress *inet_address(uint32_t ip)
{
	uint32_t wire = htonl(ip);

	return g_inet_address_new_from_bytes((const guint8 *)&wire, G_SOCKET_FAMILY_IPV4);
}

/*
 * libaravis beats once a second whatever the camera's time-out is, and so loses a camera that waits
 * for less. Best effort: most cameras wait 3 s by themselves.
 */
static void raise_heartbeat(struct sp_camera *camera)
{
	guint32 ms;

	if (arv_device_read_register(camera->device, GVCP_REG_HEARTBEAT, &ms, NULL) &&
	    ms < HEARTBEAT_MIN_MS)
		arv_device_write_register(camera->device, GVCP_REG_HEARTBEAT, HEARTBEAT_MIN_MS,
					  NULL);
}

/*
 * arv_gv_device_new rather than arv_camera_new: the latter looks for the camera with a lock of the
 * whole process held.
 */
static int connect_device(struct sp_camera *camera, uint32_t ip, struct sp_err *err)
{
	GInetAddress *host = inet_address(camera->host_ip), *device = inet_address(ip);
	GError *error = NULL;

	pthread_mutex_lock(&parser);
	camera->device = arv_gv_device_new(host, device, &error);
	pthread_mutex_unlock(&parser);
	g_object_unref(host);
	g_object_unref(device);
	if (!camera->device || error) {
		g_clear_object(&camera->device);
		return sp_aravis_fail(camera, "cannot connect", error, err);
	}
	if (!arv_gv_device_is_controller(ARV_GV_DEVICE(camera->device))) {
		g_clear_object(&camera->device);
		return sp_err_set(err, -EACCES,
				  "camera %s: another program controls it; stop that one, "
				  "or wait a few seconds until its heartbeat runs out",
				  camera->address);
	}
	camera->camera = arv_camera_new_with_device(camera->device, &error);
	if (!camera->camera || error) {
		g_clear_object(&camera->camera);
		g_clear_object(&camera->device);
		return sp_aravis_fail(camera, "cannot read its description", error, err);
	}
	raise_heartbeat(camera);
	return 0;
}

/*
 * Asked rather than told by the "control-lost" signal: that is emitted on the heartbeat thread,
 * with a reference of its own, which would be the last one if the camera were closed meanwhile, and
 * the thread would then wait for itself.
 */
bool sp_aravis_alive(struct sp_camera *camera)
{
	return arv_gv_device_is_controller(ARV_GV_DEVICE(camera->device));
}

static int aravis_open(const char *address, struct sp_camera **ret_camera, struct sp_err *err)
{
	struct sp_gvcp_discovery answer;
	struct sp_camera *camera;
	uint32_t ip = 0;
	int ret;

	set_up_once();
	ret = resolve(address, &ip, err);
	if (ret)
		return ret;
	camera = calloc(1, sizeof(*camera));
	if (!camera)
		return sp_err_set(err, -ENOMEM, "camera %s: no memory; end other programs",
				  address);
	g_strlcpy(camera->address, address, sizeof(camera->address));
	ret = route_to(ip, &camera->host_ip);
	if (!ret)
		ret = sp_gvcp_probe(ip, SP_PROBE_TRIES, &answer);
	if (ret == -ETIMEDOUT) {
		fail_silent(camera, "cannot connect", err);
		goto err_free;
	} else if (ret) {
		sp_err_set(err, ret,
			   "camera %s: cannot be reached: %s; give this host an address in "
			   "the camera's network",
			   address, strerror(-ret));
		goto err_free;
	}
	ret = connect_device(camera, ip, err);
	if (ret)
		goto err_free;
	*ret_camera = camera;
	return 0;

err_free:
	free(camera);
	return ret;
}

static void aravis_close(struct sp_camera *camera)
{
	/* Somebody else's camera, or one that is gone, is left alone. */
	if (sp_aravis_alive(camera) && !camera->silent)
		arv_gv_device_leave_control(ARV_GV_DEVICE(camera->device), NULL);
	/* The last reference: ends the heartbeat thread. */
	g_clear_object(&camera->camera);
	g_clear_object(&camera->device);
	free(camera);
}

const struct sp_camera_ops sp_camera_aravis = {
	.name = "aravis",
	.discover = aravis_discover,
	.open = aravis_open,
	.close = aravis_close,
	.get = sp_aravis_get,
	.set = sp_aravis_set,
	.start = sp_aravis_start,
	.stop = sp_aravis_stop,
	.alive = sp_aravis_alive,
};
