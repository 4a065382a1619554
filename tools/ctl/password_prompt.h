/* A password from a person or a pipe, never from the command line, where others could read it. */
#ifndef CTL_PASSWORD_PROMPT_H
#define CTL_PASSWORD_PROMPT_H

#include <stddef.h>

#include "base/errbuf.h"

#define PASSWORD_PROMPT_SIZE 1024

/*
 * On a terminal it is asked for twice without echo; else it is the first line of standard input.
 * Terminated, without its line end. -EINVAL (with words) for none, one that is too long or has a
 * NUL, or two that differ; or -errno. The caller wipes ret.
 */
int password_prompt(char ret[PASSWORD_PROMPT_SIZE], struct errbuf *err);

#endif
