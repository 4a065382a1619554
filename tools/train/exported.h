/* What a version is called in the registry that it was uploaded to. */
#ifndef TRAIN_EXPORTED_H
#define TRAIN_EXPORTED_H

#include "registry/registry.h"

#define EXPORTED_RUN_ID 64

struct exported {
	struct registry_version version;
	char run_id[EXPORTED_RUN_ID]; /* "": the registry has none */
};

#endif
