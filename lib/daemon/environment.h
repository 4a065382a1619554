/* What of an environment a child may see. Made before fork: nothing of it may allocate after. */
#ifndef DAEMON_ENVIRONMENT_H
#define DAEMON_ENVIRONMENT_H

#include <stdbool.h>

/* entry: "NAME=value". True for the names of architecture.md. */
bool environment_keeps(const char *entry);

/* An array for execve: what this process may hand on, then the additions ("NAME=value", NULL ends;
 * may be NULL). The texts are borrowed; the array is freed by free(). 0 or -ENOMEM. */
int environment_new(const char *const *additions, char ***ret);

#endif
