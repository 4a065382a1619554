/* CSV fields: any bytes are a cell or a fault of known type for every type of input. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "features/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t missing[] = { INT64_C(253370764800000000) };
	struct str text = { (const char *)data, size };

	for (int type = 0; type < INPUT_TYPE_MAX * 2; type++) {
		struct program_input in = { .type = (enum input_type)(type / 2),
			                    .required = type % 2 != 0,
			                    .missing = missing,
			                    .missing_count = 1,
			                    .zone_seconds = 32400 };
		struct field_fault fault = { 0 };
		struct cell cell;
		int r = cell_from_text(&in, text, &cell, &fault);

		if (r < 0 && (!fault.type || !fault.message || !fault.ctx.p))
			abort();
		if (r == 0 && cell.present && in.type == INPUT_NUMBER && !isfinite(cell.v.number))
			abort();
		if (r == 0 && !cell.present && in.required)
			abort();
		for (int c = 0; c < COLUMN_TYPE_MAX; c++)
			(void)cell_from_binary(&in, (enum column_type)c, data, size, &cell, &fault);
	}
	return 0;
}
