/* A file to the proxy of artifacts. Private to lib/mlflow. */
#ifndef MLFLOW_FILE_PUT_H
#define MLFLOW_FILE_PUT_H

#include "mlflow/errand.h"

int file_put_start(struct errand *e);

#endif
