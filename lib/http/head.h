/* The parts of parser.c that judge one line, or the head as a whole. Pure; for parser.c only. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/str.h"
#include "http/parser.h"

/* Sets the verdict; returns -1, so that a refusal is one statement. */
int parser_refuse(struct parser *p, int status, const char *why);

/* Each returns 0 or -1 (refused). Lines come without their CR LF. */
int head_request_line(struct parser *p, struct str line);
int head_field(struct parser *p, struct str line);
/* The empty line came: what do the fields say together? */
int head_finish(struct parser *p);

/* A field line that is checked and forgotten. */
int head_trailer(struct parser *p, struct str line);
/* chunk-size [ chunk-ext ]: sets p->left. */
int head_chunk_size(struct parser *p, struct str line);

#endif
