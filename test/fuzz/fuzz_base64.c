/* Strictness is one property: whatever text the decoder takes, the encoder gives back. */
#include <stdint.h>
#include <stdlib.h>

#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	char *bytes = malloc(size / 4 * 3 + 3);
	char *again = malloc(BASE64_SIZE(size) + 1);

	for (int url = 0; bytes && again && url < 2; url++) {
		long n = base64_decode(text, url, bytes);

		if (n >= 0 && !str_equal(text, (struct str){ again, base64_encode(bytes, (size_t)n,
		                                                                  url, again) }))
			abort();
	}
	free(bytes);
	free(again);
	return 0;
}
