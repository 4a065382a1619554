/*
 * What this host is called. Everything that hosts write into common tables carries this name, so
 * it has one source; containers, whose system's name changes with each start, set host_name.
 */
#include <stdio.h>
#include <unistd.h>

#include "config/settings.h"

void settings_host(const struct settings *s, char ret[SETTINGS_HOST_SIZE])
{
	snprintf(ret, SETTINGS_HOST_SIZE, "%s", s->host_name);
	if (!ret[0] && gethostname(ret, SETTINGS_HOST_SIZE) < 0)
		snprintf(ret, SETTINGS_HOST_SIZE, "unknown");
	ret[SETTINGS_HOST_SIZE - 1] = '\0';
}
