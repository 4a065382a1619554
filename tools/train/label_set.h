/*
 * Keys of known frauds: a CSV file that stands in for the query's labels, or the label table's own
 * list, by which a retrain tells how many labels are of transactions that the window does not have.
 */
#ifndef TRAIN_LABEL_SET_H
#define TRAIN_LABEL_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "features/program.h"

struct db;
struct label_set;

struct label_file {
	const char *path;
	const char *key;      /* name of its column; a file without a header has it first */
	int64_t until_us;     /* what became known later (column known_at) does not count */
	int32_t zone_seconds; /* of until_us, and of times without one */
};

/* -EBADMSG with file and line for what is no key. */
int label_set_read(const struct label_file *file, struct label_set **ret, struct errbuf *err);

/* Frauds of the table fraud_labels that became known in [from, until). Empty without the table. */
int label_set_load(struct db *db, const char *from, const char *until, struct label_set **ret,
                   struct errbuf *err);

/* True if the key is in the set; it is then marked as met. */
bool label_set_meet(struct label_set *s, int64_t key);
size_t label_set_count(const struct label_set *s);
/* How many were never met, and the smallest of them. */
size_t label_set_unmet(const struct label_set *s, int64_t *ret_first);

void label_set_free(struct label_set *s); /* NULL is fine */

#endif
