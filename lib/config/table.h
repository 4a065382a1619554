/* The shape of a row of the settings table; for the files of lib/config and their tests. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config/settings.h"

enum setting_kind {
	SETTING_UINT, /* uint32_t */
	SETTING_SIZE, /* uint64_t bytes; KiB, MiB, GiB may follow the number */
	SETTING_REAL, /* double */
	SETTING_BOOL, /* true, false, yes, no, on, off, 1, 0 */
	SETTING_TEXT,
	SETTING_WORD, /* text that is one of `choices` */
};

struct setting_row {
	const char *key;
	enum setting_kind kind;
	size_t offset;
	bool reload; /* a reload applies it */
	bool secret;
	unsigned audience; /* of a secret */
	const char *text;  /* default */
	double min, max;
	const char *choices; /* "a|b|c" */
	const char *about;
};

extern const struct setting_row settings_table[];
extern const size_t settings_table_count;

/* Range, words and spelling of one value; fills the field in *s (texts copied to its arena). Words
 * on failure say what is allowed: "5000 is above 1024". */
int setting_set(const struct setting_row *row, struct settings *s, struct str value,
                struct errbuf *err);
/* The value in force as text, not terminated by a line end. */
struct strbuf;
void setting_print(const struct setting_row *row, const struct settings *s, struct strbuf *out);
const struct setting_row *setting_find(struct str key);
/* "BATCH_INTERVAL_SECONDS" for "batch.interval_seconds"; ret has room for any key. */
#define SETTING_ENVIRONMENT_SIZE 64
void setting_environment(const struct setting_row *row, char ret[SETTING_ENVIRONMENT_SIZE]);

/* secrets.c: jwt.secret_key from its file or systemd's folder of credentials. */
void secrets_load(struct settings *s, char **environ, settings_on_error *on_error, void *self);

/* The one setting that is a list (settings_listeners.c). YAML node or canonical text. */
struct yaml_node;
int listeners_from_yaml(const struct yaml_node *list, const char *file, struct settings *s,
                        struct errbuf *err);
int listeners_default(struct settings *s);
int listener_from_text(struct str line, struct settings *s, struct errbuf *err);
void listener_print(const struct settings_listener *l, struct strbuf *out);
bool listeners_equal(const struct settings *a, const struct settings *b);

#endif
