/* A finished training becomes a version on disk. */
#ifndef TRAIN_PUBLISH_H
#define TRAIN_PUBLISH_H

#include "report.h"
#include "run_file.h"

struct publication {
	const struct training *training;
	struct str features_yaml; /* as the program was declared */
	struct str reasons_yaml;  /* empty: none */
	const char *folder;       /* <models.dir>/<name> */
	const struct run_origin *origin;
};

/*
 * Writes all texts, golden rows with XGBoost's own margins and SHAP values, proves with them that
 * our importer and kernels agree, then writes the folder, whole or not at all. ret_path: in `a`.
 * -EBADMSG: the proof failed; -EEXIST: the version is there.
 */
int publish_version(const struct publication *p, struct arena *a, const char **ret_path,
                    struct errbuf *err);

#endif
