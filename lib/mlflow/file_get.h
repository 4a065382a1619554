/* A file by HTTP. Private to lib/mlflow. */
#ifndef MLFLOW_FILE_GET_H
#define MLFLOW_FILE_GET_H

#include "mlflow/errand.h"

#define FILE_GET_BYTES (UINT64_C(16) << 30) /* if the caller gives no limit */

int file_get_start(struct errand *e);

/* The first number of "bytes 5-9/10", -1 if it is none. */
long long file_get_range_start(struct str content_range);

#endif
