/* What the routes call. Each answers its call, now or later; the body is in, but for an upload. */
#ifndef FRONT_HANDLERS_H
#define FRONT_HANDLERS_H

#include "base/str.h"

struct call;

void handle_score(struct call *c);  /* score.c */
void handle_batch(struct call *c);  /* batch.c */
void handle_upload(struct call *c); /* upload.c, at the head of the request */
void upload_data(struct call *c, struct str bytes);
void upload_end(struct call *c);
void upload_writable(struct call *c); /* a client of CSV has read on */
void handle_reload(struct call *c);   /* reload.c */
void handle_login(struct call *c);    /* auth_login.c */
void handle_logout(struct call *c);   /* auth_logout.c */
void handle_register(struct call *c); /* auth_register.c */
void handle_jobs(struct call *c);     /* jobs.c */
void handle_health(struct call *c);   /* health.c */
void handle_livez(struct call *c);
void handle_readyz(struct call *c);

#endif
