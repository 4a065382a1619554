/* What is taken for a traceparent is made of what was sent. */
#include <stdint.h>
#include <stdlib.h>

#include "daemons/front/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct trace t;

	if (trace_parse(text, &t) < 0)
		return 0;
	if (strlen(t.id) != TRACE_ID_DIGITS || !memmem(data, size, t.id, TRACE_ID_DIGITS))
		abort();
	if (strlen(t.parent) != TRACE_PARENT_DIGITS ||
	    !memmem(data, size, t.parent, TRACE_PARENT_DIGITS))
		abort();
	return 0;
}
