/* SPDX-License-Identifier: Apache-2.0 */
#include "app/version.h"

const char sp_version[] = SP_VERSION;
const char sp_commit[] = SP_COMMIT;
