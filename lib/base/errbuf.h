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
 */
int errbuf_set(struct errbuf *err, int r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text that is there; returns r. */
int errbuf_prefix(struct errbuf *err, int r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
