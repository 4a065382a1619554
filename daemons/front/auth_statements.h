/* SQL of users and tokens, by enum auth_statement. */
#ifndef FRONT_AUTH_STATEMENTS_H
#define FRONT_AUTH_STATEMENTS_H

#include "auth_state.h"

#define AUTH_CHANNEL "fraudd_auth"
#define AUTH_SWEEP_ROWS 1000 /* of one slice */

extern const char *const auth_statements[AUTH_STATEMENT_MAX];

#endif
