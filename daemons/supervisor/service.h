/* The services table: which programs a suite consists of, and what each needs. */
#ifndef SUPERVISOR_SERVICE_H
#define SUPERVISOR_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "config/settings.h"

enum service_kind { SERVICE_FRONT, SERVICE_LOADER, SERVICE_SCHEDULER, SERVICE_MAX };

struct service {
	const char *name;    /* in the setting `services`, in logs, in fraudctl status */
	const char *program; /* beside fraudd's own executable */
	uint32_t (*instances)(const struct settings *s);
	unsigned audience;   /* whose secrets it sees */
	bool listeners;      /* gets the listening sockets, and time to drain at the end */
	bool model;          /* gets the model */
	bool registry_state; /* gets what the loader says of the registry */
};

/* Index: enum service_kind. */
extern const struct service services[SERVICE_MAX];

/* Reads the setting `services` ("front, loader"). ret[kind]: runs. -EINVAL for an unknown or
 * repeated name or none at all; -ENOENT for a program that is not installed. */
int service_select(const char *text, bool ret[SERVICE_MAX], struct errbuf *err);

#endif
