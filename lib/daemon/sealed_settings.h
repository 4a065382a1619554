/* Settings on their way to a child: canonical text in a sealed memfd. */
#ifndef DAEMON_SEALED_SETTINGS_H
#define DAEMON_SEALED_SETTINGS_H

#include <stdint.h>

#include "base/errbuf.h"
#include "config/settings.h"

/* audience: enum settings_audience. */
int sealed_settings_write(const struct settings *s, unsigned audience, int *ret_fd,
                          uint64_t *ret_size);
/* fd is borrowed. -EPERM if it is not sealed, -EBADMSG if it is of another size. */
int sealed_settings_read(int fd, uint64_t size, struct settings **ret, struct errbuf *err);

#endif
