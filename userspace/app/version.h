/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_APP_VERSION_H
#define SP_APP_VERSION_H

/* "0.1.0", and the commit it was built from. */
extern const char sp_version[], sp_commit[];

#endif
