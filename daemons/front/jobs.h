/* GET /jobs: who schedules, what comes next, what ran. */
#ifndef FRONT_JOBS_H
#define FRONT_JOBS_H

struct front;
struct jobs;

int jobs_new(struct front *f, struct jobs **ret);
/* After the server, whose calls refer to it. NULL is fine. */
void jobs_free(struct jobs *j);

#endif
