/* fraud-loader: finds the wanted model version, has it compiled and proven, publishes it. */
#include "child.h"
#include "daemon/daemon.h"
#include "loader.h"

int main(int argc, char **argv)
{
	struct loader l = { .live_fd = -1, .kept_fd = -1 };
	int status;

	if (child_run(argc, argv, &status))
		return status;
	return daemon_run(&(struct daemon){ .name = "loader",
	                                    .start = loader_start,
	                                    .drain = loader_drain,
	                                    .stop = loader_stop,
	                                    .check = loader_check,
	                                    .apply = loader_apply,
	                                    .handlers = loader_handlers,
	                                    .self = &l },
	                  argc, argv);
}
