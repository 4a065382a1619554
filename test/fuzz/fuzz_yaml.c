/* YAML from files that people write: any bytes give a tree within the limits or a message. */
#include <stdint.h>
#include <stdlib.h>

#include "config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a = { .limit = (size_t)64 << 20 };
	struct errbuf err = { "" };
	struct yaml_node *root;
	int r = yaml_parse(text, "fuzz.yaml", &a, &root, &err);

	if (r == 0)
		(void)yaml_get(root, "a");
	else if (err.text[0] == '\0' || !str_is_utf8(str_of(err.text)))
		abort();
	arena_done(&a);
	return 0;
}
