/* Lists by HTTP. Private to lib/mlflow. */
#ifndef MLFLOW_WALK_H
#define MLFLOW_WALK_H

#include "mlflow/errand.h"

#define WALK_FILES 10000 /* if the caller gives no limit */
#define WALK_ANSWER_BYTES (UINT64_C(8) << 20)

int walk_start(struct errand *e);
/* Asks first where in its run's files the place is, where that matters; then calls resume. */
int walk_know_prefix(struct errand *e, int (*resume)(struct errand *e));
/* GET of the list of a folder. */
int walk_ask(struct errand *e, const char *folder, fetch_done_fn *then);

#endif
