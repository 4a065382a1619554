/*
 * Writes JSON straight into a text buffer, no tree. Commas and colons come by themselves. Numbers
 * are the shortest text that reads back to the same value (Ryu, from PostgreSQL's libpgcommon).
 * What is not finite becomes null. Failures are the buffer's: check strbuf_error() once at the end.
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"

struct cJSON;

struct json_writer {
	struct strbuf *out;
	bool comma; /* the next value or name needs one before it */
};

/* Containers. Inside an object every value follows a json_write_name(). */
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
/* A literal name that needs no escape: names of ours. */
void json_write_name(struct json_writer *w, const char *name);
void json_write_name_str(struct json_writer *w, struct str name);

void json_write_text(struct json_writer *w, struct str text);
void json_write_integer(struct json_writer *w, int64_t v);
void json_write_unsigned(struct json_writer *w, uint64_t v);
void json_write_float(struct json_writer *w, float v);
void json_write_double(struct json_writer *w, double v);
void json_write_bool(struct json_writer *w, bool v);
void json_write_null(struct json_writer *w);
/* A value of a parsed document as it came, nested to any depth the scan allowed. */
void json_write_value(struct json_writer *w, const struct cJSON *v);
/* Text that is JSON already. */
void json_write_raw(struct json_writer *w, struct str json);

/* Shortest text of a finite number, not terminated; ret has NUMBER_TEXT_SIZE bytes. Returns its
 * length. Also used for CSV and YAML, so that every form of an answer has the same digits. */
#define NUMBER_TEXT_SIZE 32
size_t number_print_float(float v, char *ret);
size_t number_print_double(double v, char *ret);

#endif
