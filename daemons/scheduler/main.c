/* fraud-scheduler: starts batches and retrains when they are due, on one of all hosts. */
#include "daemon/daemon.h"
#include "scheduler.h"

int main(int argc, char **argv)
{
	struct scheduler s = { .model_fd = -1 };

	return daemon_run(&(struct daemon){ .name = "scheduler",
	                                    .start = scheduler_start,
	                                    .drain = scheduler_drain,
	                                    .stop = scheduler_stop,
	                                    .apply = scheduler_apply,
	                                    .handlers = scheduler_handlers,
	                                    .self = &s },
	                  argc, argv);
}
