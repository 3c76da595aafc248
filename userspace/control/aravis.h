/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the libaravis port share; nobody else includes this. */
#ifndef SP_CONTROL_ARAVIS_H
#define SP_CONTROL_ARAVIS_H

#include <arv.h>

#include "control/camera.h"

/* One thread at a time. */
struct sp_camera {
	char address[128];	 /* as it was opened */
	uint32_t host_ip;	 /* host order: our address that reaches it */
	ArvCamera *camera;
	ArvDevice *device;	 /* the camera's; a reference of our own */
	uint64_t frame_ns;	 /* between two frames, as asked for at start; 0: not known */
	bool silent;		 /* an access timed out since start or stop began: no farewell */
};

/* False once libaravis' heartbeat found that control is lost. */
bool sp_aravis_alive(struct sp_camera *camera);

/*
 * Fills @err with "camera ADDRESS: WHAT: the reason; a remedy", frees @error and returns the errno
 * that it stands for. @camera->silent is set if it was a time-out.
 */
int sp_aravis_fail(struct sp_camera *camera, const char *what, GError *error, struct sp_err *err);

/*
 * Text that a camera sent ends up on terminals and in JSON: valid UTF-8, control bytes as '?', cut
 * to @size between characters. @from may be NULL.
 */
void sp_aravis_copy_text(char *to, size_t size, const char *from);

int sp_aravis_get(struct sp_camera *camera, const char *feature, char *text, size_t size,
		  struct sp_err *err);
int sp_aravis_set(struct sp_camera *camera, const char *feature, const char *text,
		  struct sp_err *err);

/* True if the camera has the feature and will take a value for it now. */
bool sp_aravis_is_writable(struct sp_camera *camera, const char *feature);
/*
 * Checks the camera's bounds, writes, and reads back what can be read: the camera must have kept
 * the very value.
 */
int sp_aravis_set_integer(struct sp_camera *camera, const char *feature, int64_t value,
			  struct sp_err *err);
/* Executes; -ENOENT without a word where the camera has no such command. */
int sp_aravis_execute(struct sp_camera *camera, const char *command, struct sp_err *err);

int sp_aravis_start(struct sp_camera *camera, const struct sp_camera_stream *stream,
		    struct sp_err *err);
int sp_aravis_stop(struct sp_camera *camera, struct sp_err *err);

#endif
