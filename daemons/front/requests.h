/* From the server's callbacks to the handlers: route, admission, request id, the call's life. */
#ifndef FRONT_REQUESTS_H
#define FRONT_REQUESTS_H

#include "http/server.h"

/* self of the server is the front. */
extern const struct http_callbacks request_callbacks;

#endif
