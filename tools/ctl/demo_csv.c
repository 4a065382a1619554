/*
 * The demo as a file for `fraud-train train --data`. Text is gathered in a buffer of 1 MiB.
 *
 * Called by demo_command.c.
 */
#include "demo_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/output_file.h"
#include "csv/reader.h"
#include "demo_columns.h"

#define BUFFER_SIZE (1 << 20)

struct demo_csv {
	struct output_file *file;
	struct strbuf text;
};

/* --- text --- */

void demo_csv_header(struct strbuf *out)
{
	size_t i;

	for (i = 0; i < demo_column_count; i++)
		csv_write_field(out, str_of(demo_columns[i].name), i == 0);
	strbuf_adds(out, ",label\n");
}

static void add_date(struct strbuf *out, int32_t day)
{
	struct civil c;

	if (day == DEMO_NO_DATE)
		return;
	c = civil_of_us(day * CIVIL_DAY_US);
	strbuf_addf(out, "%04d-%02u-%02u", (int)c.year, c.month, c.day);
}

static void add_time(struct strbuf *out, int64_t us)
{
	struct civil c = civil_of_us(us);

	add_date(out, (int32_t)(us / CIVIL_DAY_US));
	strbuf_addf(out, " %02u:%02u:%02u", c.hour, c.minute, c.second);
}

static void add_value(struct strbuf *out, const struct demo_column *c, const void *value)
{
	const char *text;

	switch (c->type) {
	case DEMO_INT8:
		strbuf_addf(out, "%jd", (intmax_t) * (const int64_t *)value);
		break;
	case DEMO_INT4:
		strbuf_addf(out, "%d", (int)*(const int32_t *)value);
		break;
	case DEMO_TIME:
		add_time(out, *(const int64_t *)value);
		break;
	case DEMO_DATE:
		add_date(out, *(const int32_t *)value);
		break;
	case DEMO_TEXT:
		text = *(const char *const *)value;
		csv_write_field(out, str_of(text ? text : ""), true);
		break;
	case DEMO_NAME:
		csv_write_field(out, str_of(value), true);
		break;
	}
}

void demo_csv_row(struct strbuf *out, const struct demo_row *row)
{
	size_t i;

	for (i = 0; i < demo_column_count; i++) {
		add_value(out, &demo_columns[i], (const char *)row + demo_columns[i].offset);
		strbuf_addc(out, ',');
	}
	strbuf_adds(out, row->fraud ? "1\n" : "0\n");
}

/* --- file --- */

int demo_csv_open(const char *path, struct demo_csv **ret, struct errbuf *err)
{
	struct demo_csv *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return errbuf_set(err, -ENOMEM, "out of memory");
	r = output_file_open(path, 0644, &c->file, err);
	if (r < 0) {
		free(c);
		return r;
	}
	demo_csv_header(&c->text);
	*ret = c;
	return 0;
}

static int flush(struct demo_csv *c, struct errbuf *err)
{
	int r = strbuf_error(&c->text);

	if (r == 0)
		r = output_file_write(c->file, strbuf_str(&c->text));
	strbuf_reset(&c->text);
	return r < 0 ? errbuf_set(err, r, "could not write the CSV file: %s", strerror(-r)) : 0;
}

int demo_csv_write(struct demo_csv *c, const struct demo_row *row, struct errbuf *err)
{
	demo_csv_row(&c->text, row);
	return c->text.n < BUFFER_SIZE && strbuf_error(&c->text) == 0 ? 0 : flush(c, err);
}

int demo_csv_finish(struct demo_csv *c, struct errbuf *err)
{
	int r = flush(c, err);

	if (r == 0)
		r = output_file_finish(take_ptr(&c->file), err);
	demo_csv_abort(c);
	return r;
}

void demo_csv_abort(struct demo_csv *c)
{
	if (!c)
		return;
	output_file_abort(c->file);
	strbuf_done(&c->text);
	free(c);
}
