/*
 * The words of an error. The negative errno is for the program, the text for the person who reads
 * it: a settings line, a tree node, an SQL statement, a request field.
 */
#ifndef BASE_ERRBUF_H
#define BASE_ERRBUF_H

struct errbuf {
	char text[256];
};

/*
 * Writes the message (cut at 255 bytes, on a whole UTF-8 character) and returns r, so that a
 * failure is one statement: return errbuf_set(err, -EINVAL, "..."). err may be NULL.
 *
 * A macro, because the compiler and the analyzer must see that r comes back: then they know that
 * what a failed function was to fill is not read.
 */
#define errbuf_set(err, r, ...) errbuf_return((r), (errbuf_write((err), __VA_ARGS__), 0))

/* Puts "prefix: " before the text that is there; returns r. */
#define errbuf_prefix(err, r, ...) errbuf_return((r), (errbuf_precede((err), __VA_ARGS__), 0))

void errbuf_write(struct errbuf *err, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void errbuf_precede(struct errbuf *err, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* r. For macros of the same kind: said is what a call that is made on the way returns. */
static inline int errbuf_return(int r, int said)
{
	(void)said;
	return r;
}

#endif
