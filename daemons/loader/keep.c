/*
 * The --keep child: copies what was just published to the state folder, because copying and syncing
 * a model takes longer than a loop may be held up. Started by keeper.c; a failure costs nothing but
 * the copy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/option.h"
#include "child.h"
#include "kept.h"
#include "json/value.h"

int keep_command(int argc, char **argv)
{
	const char *state_dir = NULL, *text = NULL;
	unsigned long long max_bytes = 0;
	const struct option_row rows[] = {
		{ .name = "max-bytes",
		  .argument = "N",
		  .help = "size of one file (1 GiB)",
		  .number = &max_bytes },
		{ .name = "record",
		  .argument = "TEXT",
		  .help = "what the copy says of itself",
		  .text = &text },
		{ .name = "state",
		  .argument = "DIR",
		  .help = "the state folder",
		  .text = &state_dir },
	};
	const struct option_command command = {
		.program = "fraud-loader --keep",
		.synopsis = "--state DIR --record TEXT",
		.about = "Copies the version at descriptor 3 and its image at 4 to the state "
		         "folder.\n"
		         "Started by fraud-loader.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
	};
	struct record record;
	struct errbuf err = { "" };
	int r = option_parse(&command, argc, argv);

	if (r < 0)
		return r == OPTION_ANSWERED ? EXIT_SUCCESS : 2;
	if (!state_dir || !text || record_read(str_of(text), &record) < 0) {
		fputs("fraud-loader --keep: --state and --record are needed\n", stderr);
		return 2;
	}
	json_setup();
	r = kept_write(state_dir, &record, CHILD_FOLDER_FD, CHILD_IMAGE_FD,
	               &(struct bundle_options){ .max_bytes = max_bytes,
	                                         .name = str_of(record.name),
	                                         .version = str_of(record.version) },
	               &err);
	if (r == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s\n", err.text);
	return EXIT_FAILURE;
}
