/*
 * What the files of the declaration share while one program is read: names seen so far, where we
 * are, and how a failure is worded. Private to lib/features.
 */
#ifndef FEATURES_DECLARING_H
#define FEATURES_DECLARING_H

#include "base/map.h"
#include "config/yaml.h"
#include "features/declare.h"

struct declaring {
	const char *file;
	struct arena *a;
	struct errbuf *err;
	struct declaration *d;
	struct map inputs, features; /* name -> its struct, those declared so far */
	struct map later;            /* names of all features, to tell "unknown" from "later" */
	/* What is being read: "input" or "feature" and its name; NULL: the file itself. */
	const char *kind;
	struct str name;
};

/* "file:line: kind "name": words"; returns -EINVAL. */
int declare_fail(const struct declaring *d, unsigned line, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Scalars. -EINVAL with words. */
int declare_text(const struct declaring *d, const struct yaml_node *n, struct str *ret);
int declare_bool(const struct declaring *d, const struct yaml_node *n, bool *ret);
int declare_number(const struct declaring *d, const struct yaml_node *n, double *ret);
/* A sequence of numbers, in the arena. */
int declare_numbers(const struct declaring *d, const struct yaml_node *n, double **ret,
                    uint32_t *ret_count);
/* Index of a scalar in a table of words; `what` names the table in the message. */
int declare_word(const struct declaring *d, const struct yaml_node *n, const char *const *words,
                 size_t count, const char *what);
/* Every member of the mapping is in the list, a text of words between blanks. */
int declare_members(const struct declaring *d, const struct yaml_node *mapping,
                    const char *allowed);
/* A name for an input or feature: UTF-8, printable, no blank at its ends, not too long. */
int declare_name(struct declaring *d, const struct yaml_node *mapping, const char *kind);

/* The input of that name, else the earlier feature. */
int declare_operand(const struct declaring *d, unsigned line, struct str name, struct operand *ret);
/* Whether the operand is a category's code: it is no quantity. */
bool declare_is_code(const struct declaring *d, struct operand o);
bool declare_is_numeric(struct operand o);

int declare_inputs(struct declaring *d, const struct yaml_node *list);
int declare_features(struct declaring *d, const struct yaml_node *list);
/* "user_seniority <= 7" */
int declare_comparison(const struct declaring *d, const struct yaml_node *n,
                       struct declared_comparison *ret);

#endif
