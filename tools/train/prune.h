/* A folder of versions that grows by itself must shrink by itself, too. */
#ifndef TRAIN_PRUNE_H
#define TRAIN_PRUNE_H

#include "base/errbuf.h"
#include "config/settings.h"
#include "registry/registry.h"

/*
 * Removes what kills have left of versions (hidden folders that nobody has touched for an hour),
 * and all but the newest retrain.keep_versions of the versions that no alias names and no host
 * serves. Of a local folder only. ret: how many versions went.
 */
int prune_versions(const struct settings *s, struct registry *r, unsigned *ret, struct errbuf *err);

#endif
