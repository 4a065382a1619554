/*
 * The table of settings, alphabetical, and nothing else. To add one: a field in settings.h, a line
 * here, scripts/check tells what is then out of step (sample file, man page).
 *
 * SETTING compares the field's C type with the row's type at compile time. Defaults are text read
 * by the same setter as everything else, so a default cannot be out of range.
 */
#include "config/table.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are field names and texts */
#define FIELD(field) ((struct settings *)0)->field
#define SAME(field, type) (0 * sizeof(char[_Generic(FIELD(field), type : 1, default : -1)]))
#define AT(field, type) (offsetof(struct settings, field) + SAME(field, type))

/* clang-format off */
#define UINT(field, flags, def, low, high, help)                                                   \
	{                                                                                          \
		.key = #field, .kind = SETTING_UINT, .offset = AT(field, uint32_t),                \
		.reload = (flags)&RELOAD, .text = def, .min = low, .max = high, .about = help      \
	}
#define SIZE(field, flags, def, low, high, help)                                                   \
	{                                                                                          \
		.key = #field, .kind = SETTING_SIZE, .offset = AT(field, uint64_t),                \
		.reload = (flags)&RELOAD, .text = def, .min = low, .max = high, .about = help      \
	}
#define REAL(field, flags, def, low, high, help)                                                   \
	{                                                                                          \
		.key = #field, .kind = SETTING_REAL, .offset = AT(field, double),                  \
		.reload = (flags)&RELOAD, .text = def, .min = low, .max = high, .about = help      \
	}
#define BOOL(field, flags, def, help)                                                              \
	{                                                                                          \
		.key = #field, .kind = SETTING_BOOL, .offset = AT(field, bool),                    \
		.reload = (flags)&RELOAD, .text = def, .about = help                               \
	}
#define TEXT(field, flags, def, help)                                                              \
	{                                                                                          \
		.key = #field, .kind = SETTING_TEXT, .offset = AT(field, const char *),            \
		.reload = (flags)&RELOAD, .text = def, .about = help                               \
	}
#define WORD(field, flags, def, words, help)                                                       \
	{                                                                                          \
		.key = #field, .kind = SETTING_WORD, .offset = AT(field, const char *),            \
		.reload = (flags)&RELOAD, .text = def, .choices = words, .about = help             \
	}
#define SECRET(field, flags, who, help)                                                            \
	{                                                                                          \
		.key = #field, .kind = SETTING_TEXT, .offset = AT(field, const char *),            \
		.reload = (flags)&RELOAD, .text = "", .secret = true, .audience = who,             \
		.about = help                                                                      \
	}

/* NOLINTEND(bugprone-macro-parentheses) */

enum { RESTART = 0, RELOAD = 1 };

const struct setting_row settings_table[] = {
	UINT(auth.cache_entries,               RESTART, "4096",   8,        1000000,
		"tokens that a worker remembers"),
	UINT(auth.cache_seconds,               RELOAD,  "2",      0,        60,
		"how long a remembered token counts without asking the database; 0 = always ask"),
	BOOL(auth.enabled,                     RESTART, "true",
		"tokens are wanted for scoring and reload; false leaves both open to everybody"),
	UINT(auth.hash_cost,                   RESTART, "5",      1,        6,
		"cost of a new password hash (yescrypt): 5 takes 16 MiB, 6 takes 32 MiB"),
	UINT(auth.hash_queue,                  RESTART, "16",     1,        1024,
		"sign-ins of one worker that may wait for a hash; more get 503"),
	UINT(auth.hash_threads,                RESTART, "1",      1,        16,
		"hashes of one worker at once"),
	UINT(auth.sweep_seconds,               RELOAD,  "60",     1,        86400,
		"how often expired and revoked tokens are removed from the database"),
	UINT(auth.throttle_account,            RESTART, "10",     0,        1000000,
		"failed sign-ins of one account in the window; 0 = no limit; of one worker"),
	UINT(auth.throttle_source,             RESTART, "100",    0,        1000000,
		"failed sign-ins from one address in the window; 0 = no limit; of one worker"),
	UINT(auth.throttle_window_seconds,     RESTART, "300",    1,        86400,
		"the window of the two limits"),
	UINT(batch.chunk_rows,                 RELOAD,  "5000",   1,        1000000,
		"rows that one transaction of a batch scores"),
	TEXT(batch.explain,                    RELOAD,  "REVIEW",
		"explanations from this decision on: ALLOW, REVIEW, BLOCK or NONE"),
	BOOL(batch.follow,                     RELOAD,  "false",
		"score new rows at once, woken by NOTIFY, beside the interval"),
	UINT(batch.interval_seconds,           RELOAD,  "60",     1,        86400,
		"seconds from the start of one batch to the start of the next"),
	UINT(batch.lookback_days,              RELOAD,  "7",      1,        3650,
		"how far a source without ingested_xid is searched for rows not yet scored"),
	UINT(batch.max_transactions,           RELOAD,  "100000", 1,        10000000,
		"transactions that one /score/batch request may hold"),
	UINT(batch.memory_mib,                 RELOAD,  "512",    64,       1048576,
		"memory limit of a batch job"),
	UINT(batch.nice,                       RELOAD,  "5",      0,        19,
		"how far a batch job steps back behind scoring, as nice(1) counts"),
	UINT(batch.partitions,                 RESTART, "1",      1,        64,
		"parts of the work by hash of the key, so that several hosts score at once"),
	TEXT(batch.source,                     RELOAD,  "",
		"SQL file of the rows to score; empty: sql/queries/new_transactions.sql"),
	UINT(batch.timeout_seconds,            RELOAD,  "3600",   1,        604800,
		"a batch that takes longer is ended"),
	TEXT(batch.times,                      RELOAD,  "",
		"times of day in UTC instead of the interval: \"02:00, 14:30\""),
	UINT(database.connect_timeout_ms,      RESTART, "5000",   100,      600000,
		"time to connect to PostgreSQL"),
	UINT(database.connections,             RESTART, "2",      1,        64,
		"connections of one worker"),
	UINT(database.query_timeout_ms,        RESTART, "2000",   10,       600000,
		"time for one statement of a request"),
	SECRET(database.url,                   RESTART, AUDIENCE_FRONT | AUDIENCE_SCHEDULER,
		"PostgreSQL as a libpq URI (DATABASE_URL)"),
	BOOL(debug.core_dumps,                 RESTART, "false",
		"allow core dumps and ptrace of the daemons; a core holds secrets"),
	UINT(front.slice_us,                   RELOAD,  "1000",   100,      100000,
		"longest work on one request before the others have their turn"),
	UINT(front.workers,                    RESTART, "0",      0,        1024,
		"worker processes; 0 = one a core"),
	TEXT(host_name,                        RESTART, "",
		"what this host is called in tables; empty: the system's name"),
	TEXT(http.cors_origins,                RELOAD,  "",
		"origins that browsers may call from, with commas"),
	UINT(http.first_byte_timeout_ms,       RELOAD,  "10000",  100,      600000,
		"time from accept to the first byte"),
	UINT(http.header_bytes,                RELOAD,  "16384",  1024,     1048576,
		"size of all header fields of a request"),
	UINT(http.header_fields,               RELOAD,  "100",    8,        200,
		"number of header fields of a request"),
	UINT(http.header_timeout_ms,           RELOAD,  "10000",  100,      600000,
		"time for the whole header block"),
	UINT(http.idle_timeout_ms,             RELOAD,  "60000",  100,      3600000,
		"time between requests of a connection"),
	UINT(http.max_batch_body_bytes,        RELOAD,  "67108864", 1024,     1073741824,
		"body of /score/batch"),
	UINT(http.max_body_bytes,              RELOAD,  "65536",  1024,     16777216,
		"body of /score and /auth/*"),
	UINT(http.max_connections,             RELOAD,  "10000",  8,        1000000,
		"connections of one worker"),
	UINT(http.max_connections_per_source,  RELOAD,  "0",      0,        1000000,
		"connections of one worker from one address; 0 = no such limit"),
	UINT(http.max_in_flight,               RELOAD,  "1024",   1,        100000,
		"requests of one worker at once; more get 503"),
	UINT(http.min_body_rate,               RELOAD,  "256",    0,        1073741824,
		"bytes a second that a body must keep over any ten seconds; 0 = none"),
	UINT(http.min_write_rate,              RELOAD,  "256",    0,        1073741824,
		"bytes a second that a client must read over any ten seconds; 0 = none"),
	UINT(http.pipeline,                    RELOAD,  "16",     1,        1024,
		"requests of one connection that may wait for their turn"),
	UINT(http.request_line_bytes,          RELOAD,  "8192",   256,      65536,
		"size of a request line"),
	UINT(jwt.access_expire_minutes,        RELOAD,  "60",     1,        525600,
		"how long a token is valid"),
	SECRET(jwt.secret_key,                 RELOAD,  AUDIENCE_FRONT,
		"signs and verifies tokens, 32 bytes or more (JWT_SECRET_KEY)"),
	TEXT(jwt.secret_key_file,              RELOAD,  "",
		"file that holds jwt.secret_key; systemd's credential of that name is found"),
	SECRET(jwt.secret_key_previous,        RELOAD,  AUDIENCE_FRONT,
		"the key before: still verifies, never signs; remove it when its tokens expired"),
	UINT(loader.compile_memory_mib,        RELOAD,  "2048",   64,       1048576,
		"memory limit of the compile child"),
	UINT(loader.compile_seconds,           RELOAD,  "60",     1,        3600,
		"time limit of the compile child"),
	UINT(log.buffer_kib,                   RESTART, "256",    4,        65536,
		"log lines that wait for a slow reader before lines are dropped and counted"),
	WORD(log.level,                        RELOAD,  "info",   "error|warning|info|debug",
		"lines of this level and above"),
	TEXT(models.alias,                     RELOAD,  "production",
		"alias of the version to serve"),
	REAL(models.default_threshold_high,    RELOAD,  "0.9",    0,        1,
		"threshold_high of a model that came without one"),
	REAL(models.default_threshold_low,     RELOAD,  "0.5",    0,        1,
		"threshold_low of a model that came without one"),
	TEXT(models.dir,                       RELOAD,  "/var/lib/fraudd/models",
		"folder of model versions: <dir>/<name>/<version>"),
	SIZE(models.max_bytes,                 RELOAD,  "1073741824", 1048576,  1e12,
		"size of one file of a model version"),
	TEXT(models.name,                      RELOAD,  "fraud",
		"registered name of the model"),
	WORD(models.trees,                     RELOAD,  "best",   "best|all",
		"trees served when the model says best_iteration"),
	BOOL(promote.allow_dead_inputs,        RELOAD,  "false",
		"promote a version although an input has gone constant or missing"),
	REAL(promote.max_flip_rate,            RELOAD,  "0.05",   0,        1,
		"share of the last window's decisions that a new version may change"),
	REAL(promote.max_score_shift,          RELOAD,  "0.25",   0,        100,
		"population stability index of the score that a new version may reach"),
	UINT(promote.verify_seconds,           RELOAD,  "30",     1,        3600,
		"time for all live hosts to serve a promoted version"),
	UINT(registry.poll_seconds,            RELOAD,  "30",     0,        86400,
		"how often the alias is looked up without being asked; 0 = never"),
	UINT(reload.timeout_seconds,           RELOAD,  "60",     1,        3600,
		"time for a reload before it is answered as late"),
	UINT(retrain.every_n_batches,          RELOAD,  "5",      0,        100000,
		"a retrain after every so many batches; 0 = never"),
	TEXT(retrain.fraud_seqs,               RELOAD,  "",
		"CSV file with the keys of all frauds, instead of the query's labels"),
	BOOL(retrain.idle,                     RELOAD,  "true",
		"train only while nothing else wants the core (SCHED_IDLE)"),
	UINT(retrain.keep_versions,            RELOAD,  "20",     2,        100000,
		"versions without an alias that a retrain leaves in models.dir"),
	UINT(retrain.memory_mib,               RELOAD,  "8192",   128,      1048576,
		"memory limit of a retrain job"),
	UINT(retrain.nice,                     RELOAD,  "19",     0,        19,
		"how far a retrain job steps back behind scoring, as nice(1) counts"),
	REAL(retrain.sample_non_fraud,         RELOAD,  "1",      0.000001, 1,
		"share of the non-fraud rows that a window takes"),
	TEXT(retrain.source,                   RELOAD,  "",
		"SQL file of the window; empty: the built-in sql/queries/training_window.sql"),
	UINT(retrain.timeout_seconds,          RELOAD,  "14400",  1,        604800,
		"a retrain that takes longer is ended"),
	UINT(retrain.window_months,            RELOAD,  "12",     1,        240,
		"months that a training window reaches back"),
	TEXT(runtime_dir,                      RESTART, "/run/fraudd",
		"folder of the control socket"),
	TEXT(services,                         RESTART, "front, loader, scheduler",
		"rows of the service table that this suite runs, with commas"),
	TEXT(state_dir,                        RESTART, "/var/lib/fraudd",
		"last-known-good model, generation counter and pin"),
	UINT(stop.drain_seconds,               RELOAD,  "5",      0,        600,
		"how long /readyz says 503 before accepting ends"),
	UINT(stop.timeout_seconds,             RELOAD,  "30",     1,        3600,
		"time for requests in flight before a child is killed"),
	UINT(supervise.hang_seconds,           RELOAD,  "5",      1,        600,
		"a child that does not tick for so long is killed and replaced"),
	UINT(supervise.ready_seconds,          RELOAD,  "30",     1,        600,
		"time for a child to become ready"),
	UINT(train.bootstrap,                  RELOAD,  "200",    0,        100000,
		"bootstrap draws for the intervals of the metrics"),
	REAL(train.colsample_bytree,           RELOAD,  "0.8",    0.01,     1,
		"share of the features that a tree sees"),
	UINT(train.early_stopping_rounds,      RELOAD,  "30",     0,        10000,
		"rounds without gain on the validation slice before training stops; 0 = never"),
	REAL(train.eta,                        RELOAD,  "0.1",    0.0001,   1,
		"learning rate"),
	REAL(train.fpr_cap,                    RELOAD,  "0.01",   0.000001, 1,
		"threshold_high: false positive rate at most"),
	REAL(train.lambda,                     RELOAD,  "1",      0,        1e6,
		"L2 regularisation"),
	UINT(train.max_bin,                    RELOAD,  "4096",   2,        65536,
		"bins of tree_method hist"),
	UINT(train.max_depth,                  RELOAD,  "6",      1,        20,
		"depth of a tree"),
	REAL(train.min_child_weight,           RELOAD,  "1",      0,        1e6,
		"smallest weight of a leaf"),
	TEXT(train.program,                    RELOAD,  "",
		"feature program; empty: config/features.yaml here, in /etc/fraudd or installed"),
	REAL(train.recall_tgt,                 RELOAD,  "0.8",    0.000001, 1,
		"threshold_low: recall at least"),
	BOOL(train.refit,                      RELOAD,  "true",
		"train once more on all rows when the number of rounds is known"),
	UINT(train.rounds,                     RELOAD,  "500",    1,        100000,
		"boosting rounds at most"),
	REAL(train.scale_pos_weight,           RELOAD,  "1",      0.000001, 1e6,
		"weight of a fraud row"),
	UINT(train.seed,                       RELOAD,  "42",     0,        2147483647,
		"seed of everything random in training"),
	REAL(train.subsample,                  RELOAD,  "0.8",    0.01,     1,
		"share of the rows that a tree sees"),
	REAL(train.test_ratio,                 RELOAD,  "0.2",    0.01,     0.9,
		"newest share of the rows, the holdout"),
	UINT(train.threads,                    RELOAD,  "0",      0,        1024,
		"threads of training; 0 = one a core"),
	WORD(train.tree_method,                RELOAD,  "auto",   "auto|exact|hist|approx",
		"auto: exact up to 1,000,000 rows, hist above"),
	REAL(train.validation_ratio,           RELOAD,  "0.15",   0.01,     0.9,
		"newest share of the rest, for early stopping"),
	UINT(upload.max_errors,                RELOAD,  "1000",   0,        100000,
		"row errors that an answer lists; more are counted"),
	SIZE(upload.spool_bytes,               RELOAD,  "4294967296", 1048576,  1e13,
		"results of one upload on disk"),
	TEXT(upload.spool_dir,                 RELOAD,  "/var/tmp",
		"folder of the unlinked spool files"),
};
/* clang-format on */

const size_t settings_table_count = sizeof(settings_table) / sizeof(settings_table[0]);
