/* The small texts of a version folder: manifest.json, thresholds.yaml, MLmodel. Pure: text in,
 * values out; fuzzed together. Private to lib/bundle. */
#ifndef BUNDLE_TEXTS_H
#define BUNDLE_TEXTS_H

#include "bundle/bundle.h"

struct manifest_digest {
	struct str path;
	uint8_t sha256[BUNDLE_SHA256_SIZE];
};

struct manifest {
	struct str name; /* empty: not said */
	struct str version;
	float threshold_low, threshold_high;
	int64_t feature_count;
	struct manifest_digest *digests;
	size_t digest_count;
};

struct thresholds {
	float low, high;
	struct str version; /* empty: not said */
};

int manifest_read(struct str json, struct arena *a, struct manifest *ret, struct errbuf *err);
int thresholds_read(struct str yaml, struct arena *a, struct thresholds *ret, struct errbuf *err);
/* The file that MLmodel's xgboost flavour names. -EOPNOTSUPP for another flavour. */
int mlmodel_read(struct str yaml, struct arena *a, struct str *ret_data, struct errbuf *err);

#endif
