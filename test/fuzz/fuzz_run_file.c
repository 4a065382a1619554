/* run.json of a version's folder. */
#include <stdint.h>

#include "tools/train/run_file.h"
#include "json/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct registry_run run;
	struct errbuf err;

	json_setup();
	run_parse((struct str){ (const char *)data, size }, &a, &run, &err);
	arena_done(&a);
	return 0;
}
