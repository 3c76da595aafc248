/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told (Type=notify, WatchdogSec); nothing happens without it. */
#ifndef SP_APP_NOTIFY_H
#define SP_APP_NOTIFY_H

void sp_notify_ready(void);
/* Feeds the watchdog. */
void sp_notify_alive(void);
void sp_notify_stopping(void);

#endif
