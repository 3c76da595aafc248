/* SPDX-License-Identifier: Apache-2.0 */
#include "app/notify.h"

#include <systemd/sd-daemon.h>

/* Without NOTIFY_SOCKET these do nothing; a failure to notify is systemd's to notice. */
void sp_notify_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

void sp_notify_alive(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

void sp_notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}
