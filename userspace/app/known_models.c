/* SPDX-License-Identifier: Apache-2.0 */
#include "app/known_models.h"

#include <string.h>

#include "lane/synthetic_models.h"

/*
 * Pinned: a file of another content is never installed. The sha256 of each was measured on the file
 * that its authors publish at that commit; that of lightqnet_dm025 on a conversion of theirs.
 */
const struct sp_known_model sp_known_models[] = {
	{ "yunet_n_dynamic.onnx",
	  "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12", SP_ROLE_DETECTOR,
	  SP_MODEL_RECOMMENDED, 322906, "Apache-2.0", "ShiqiYu/libfacedetection.train",
	  "0047ac24afb1a50a0c6105001c89d1b5b805dbf1", "onnx/yunet_n_dynamic.onnx" },
	{ "mobilefacenet.onnx",
	  "b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507", SP_ROLE_EMBEDDER,
	  SP_MODEL_RECOMMENDED, 3998070, "Apache-2.0", "foamliu/MobileFaceNet",
	  "a6cc9032a659b615f477833e1a70b5e7931bcccc", "weights/MobileFaceNet.onnx" },
	{ "lightqnet_dm025.onnx",
	  "165b75e7d350bd0560dd0e4bdc28f8c32a4d32f3c1f6c2ba1c1ed1baf7771e10", SP_ROLE_QUALITY,
	  SP_MODEL_RECOMMENDED, 195909, "MIT", "KaenChan/lightqnet", "1f27601e", NULL },
	{ "sallyport_detector.onnx", SP_SYNTHETIC_DETECTOR_SHA256, SP_ROLE_DETECTOR, SP_MODEL_OURS,
	  0, "Apache-2.0", NULL, NULL, NULL },
	{ "sallyport_embedder.onnx", SP_SYNTHETIC_EMBEDDER_SHA256, SP_ROLE_EMBEDDER, SP_MODEL_OURS,
	  0, "Apache-2.0", NULL, NULL, NULL },
	{ "sallyport_quality.onnx", SP_SYNTHETIC_QUALITY_SHA256, SP_ROLE_QUALITY, SP_MODEL_OURS, 0,
	  "Apache-2.0", NULL, NULL, NULL },
	{ 0 },
};

const char *sp_model_origin_name(enum sp_model_origin origin)
{
	static const char *const names[] = { "unknown", "recommended", "ours" };

	return names[origin];
}

const struct sp_known_model *sp_known_model_named(const char *file)
{
	for (const struct sp_known_model *m = sp_known_models; m->file; m++)
		if (!strcmp(m->file, file))
			return m;
	return NULL;
}

const struct sp_known_model *sp_known_model_of(const char *sha256)
{
	for (const struct sp_known_model *m = sp_known_models; m->file; m++)
		if (!strcmp(m->sha256, sha256))
			return m;
	return NULL;
}

const struct sp_known_model *sp_known_model_for(enum sp_model_role role,
						enum sp_model_origin origin)
{
	for (const struct sp_known_model *m = sp_known_models; m->file; m++)
		if (m->role == role && m->origin == origin)
			return m;
	return NULL;
}
