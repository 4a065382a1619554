/* Files in Azure Blob Storage. Private to lib/mlflow. */
#ifndef MLFLOW_BLOBS_H
#define MLFLOW_BLOBS_H

#include "mlflow/errand.h"

int blobs_start_list(struct errand *e);
int blobs_start_get(struct errand *e);
int blobs_start_put(struct errand *e);

#endif
