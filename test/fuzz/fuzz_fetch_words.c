/* Bodies and Retry-After of a server that means harm: short words on one line, or none. */
#include <stdint.h>
#include <stdlib.h>

#include "fetch/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	char words[EXPLAIN_BYTES];

	explain_body(text, words);
	if (!str_is_utf8(str_of(words)) || strpbrk(words, "\r\n") ||
	    retry_after_ms(text, INT64_C(1700000000000000)) < -1)
		abort();
	return 0;
}
