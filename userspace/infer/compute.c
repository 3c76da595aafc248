/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/compute.h"

const char *sp_face_reason_name(unsigned int i)
{
	static const char *const names[SP_FACE_REASONS] = {
		"too_small", "turned", "blurred", "dark", "bright", "damaged", "cut", "poor",
	};

	return i < SP_FACE_REASONS ? names[i] : "unknown";
}

const char *sp_result_cause_name(enum sp_result_cause cause)
{
	static const char *const names[SP_RESULT_CAUSES] = {
		[SP_RESULT_FACES] = "faces",
		[SP_RESULT_SHED] = "shed",
		[SP_RESULT_UNREADABLE] = "unreadable",
		[SP_RESULT_FAILED] = "failed",
	};

	return (unsigned int)cause < SP_RESULT_CAUSES ? names[cause] : "unknown";
}
