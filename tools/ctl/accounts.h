/* What the commands about users and tokens share: a database, a name, rows to show. */
#ifndef CTL_ACCOUNTS_H
#define CTL_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "db/db.h"

#define ACCOUNTS_BY_SIZE 40

/* The session of a command. */
struct accounts {
	struct db *db;
	uint32_t hash_cost;
	bool json;
	char by[ACCOUNTS_BY_SIZE]; /* end of what the workers are told: " by uid 0 with fraudctl" */
};

/* "score,operate", "all" or "none" as a parameter of the column roles ("{score,operate}", NULL for
 * all). -EINVAL with words. */
#define ACCOUNTS_ROLES_SIZE 64
int accounts_parse_roles(const char *text, char buffer[ACCOUNTS_ROLES_SIZE], const char **ret,
                         struct errbuf *err);
/* Rows as a table for people, or as JSON objects, one a line. */
void accounts_show(const struct accounts *a, const struct pg_result *rows);

/* One row of the tables of verbs. words: what follows the verb. */
struct accounts_verb {
	const char *name;
	unsigned min_words, max_words;
	int (*run)(struct accounts *a, char **words, struct errbuf *err);
};
struct accounts_command {
	const char *name; /* in messages: "token" */
	const char *program, *synopsis, *about;
	const struct accounts_verb *verbs;
	size_t verb_count;
};
/* The whole command: options, verb, database. Returns an exit status. */
int accounts_run(const struct accounts_command *c, int argc, char **argv);

#endif
