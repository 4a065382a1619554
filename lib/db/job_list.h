/* The statement that tells what is scheduled, as JSON: for GET /jobs and `fraudctl jobs --json`. */
#ifndef DB_JOB_LIST_H
#define DB_JOB_LIST_H

/* $1: how many runs at most (bigint). One row, one column:
 * {"hosts": [...], "partitions": [...], "jobs": [newest first]}. */
extern const char job_list_sql[];

/* $1: id of a row of job_runs. One row, one column: one element of "jobs". */
extern const char job_list_one_sql[];

#endif
