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

/* url: as given, else of the settings (config as for command_settings()). */
int accounts_open(struct accounts *a, const char *url, const char *config, struct errbuf *err);
void accounts_close(struct accounts *a);

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
/* The verb that words[0] names, if as many words follow as it takes; else NULL with words. */
const struct accounts_verb *accounts_find_verb(const struct accounts_verb *verbs, size_t count,
                                               char **words, struct errbuf *err);

#endif
