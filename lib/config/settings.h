/*
 * Every setting of the suite. The struct is const after parsing; a reload makes a new one. What a
 * key means, its default, range, and who may see it stand in one table, settings.c; the YAML
 * loader, the environment names, --check, --print-config, config/fraudd.yaml and fraudd.yaml(5)
 * derive from it.
 *
 * Only the supervisor (and tools run by hand) read files and the environment: environment > .env >
 * YAML > default. Children get canonical text ("key=value" lines) in a sealed memfd.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"

#define SETTINGS_MAX_LISTENERS 16
#define SETTINGS_MAX_TRUSTED 16

enum listener_role { LISTENER_PUBLIC, LISTENER_OPERATOR };
enum listener_proxy { LISTENER_PROXY_NONE, LISTENER_PROXY_V2 };

struct settings_listener {
	const char *address; /* "127.0.0.1:8000", "[::1]:8000", "unix:/path" */
	enum listener_role role;
	enum listener_proxy proxy;
	const char *tls_certificate, *tls_key, *client_ca; /* "" = none */
	const char *trusted[SETTINGS_MAX_TRUSTED];         /* CIDRs whose X-Forwarded-For counts */
	unsigned trusted_count;
};

struct settings {
	struct {
		bool enabled;
		uint32_t cache_entries;
		uint32_t cache_seconds;
		uint32_t hash_cost;
		uint32_t hash_queue;
		uint32_t hash_threads;
		uint32_t sweep_seconds;
		uint32_t throttle_account;
		uint32_t throttle_source;
		uint32_t throttle_window_seconds;
	} auth;
	struct {
		const char *authority_host;
		const char *client_id;
		const char *client_secret;
		const char *federated_token_file;
		bool managed_identity;
		const char *storage_access_key;
		const char *storage_account_key;
		const char *storage_account_name;
		const char *storage_connection_string;
		const char *storage_key;
		const char *storage_sas_token;
		const char *tenant_id;
	} azure;
	struct {
		uint32_t interval_seconds;
		uint32_t chunk_rows;
		uint32_t max_transactions;
		uint32_t partitions;
		uint32_t timeout_seconds;
		uint32_t memory_mib;
		uint32_t lookback_days;
		uint32_t nice;
		bool follow;
		const char *explain;
		const char *source;
		const char *times;
	} batch;
	struct {
		const char *url;
		uint32_t connections;
		uint32_t connect_timeout_ms;
		uint32_t query_timeout_ms;
	} database;
	struct {
		bool core_dumps;
	} debug;
	struct {
		uint32_t workers;
		uint32_t slice_us;
	} front;
	const char *host_name;
	struct {
		uint32_t max_connections;
		uint32_t max_connections_per_source;
		uint32_t max_body_bytes;
		uint32_t max_batch_body_bytes;
		uint32_t header_bytes;
		uint32_t request_line_bytes;
		uint32_t header_fields;
		uint32_t first_byte_timeout_ms;
		uint32_t header_timeout_ms;
		uint32_t idle_timeout_ms;
		uint32_t min_body_rate;
		uint32_t min_write_rate;
		uint32_t pipeline;
		uint32_t max_in_flight;
		const char *cors_origins;
	} http;
	struct {
		const char *endpoint;
		const char *header;
	} identity;
	struct {
		uint32_t access_expire_minutes;
		const char *secret_key;
		const char *secret_key_file;
		const char *secret_key_previous;
	} jwt;
	struct settings_listener listener[SETTINGS_MAX_LISTENERS];
	unsigned listener_count;
	struct {
		uint32_t compile_seconds;
		uint32_t compile_memory_mib;
	} loader;
	struct {
		const char *level;
		uint32_t buffer_kib;
	} log;
	struct {
		const char *experiment_name;
		const char *registry_uri;
		const char *tracking_client_cert_path;
		bool tracking_insecure_tls;
		const char *tracking_password;
		const char *tracking_server_cert_path;
		const char *tracking_token;
		const char *tracking_uri;
		const char *tracking_username;
		const char *workspace;
	} mlflow;
	struct {
		const char *dir;
		const char *name;
		const char *alias;
		const char *trees;
		uint64_t max_bytes;
		double default_threshold_low;
		double default_threshold_high;
	} models;
	struct {
		bool allow_dead_inputs;
		double max_flip_rate;
		double max_score_shift;
		uint32_t verify_seconds;
	} promote;
	struct {
		uint64_t cache_bytes;
		const char *cache_dir;
		uint32_t poll_seconds;
		uint32_t timeout_seconds;
		uint32_t transfer_seconds;
	} registry;
	struct {
		uint32_t timeout_seconds;
	} reload;
	struct {
		uint32_t every_n_batches;
		uint32_t nice;
		uint32_t window_months;
		uint32_t timeout_seconds;
		uint32_t memory_mib;
		double sample_non_fraud;
		const char *fraud_seqs;
		bool idle;
		uint32_t keep_versions;
		uint32_t label_delay_seconds;
		const char *source;
	} retrain;
	const char *runtime_dir;
	const char *services;
	const char *state_dir;
	struct {
		uint32_t drain_seconds;
		uint32_t timeout_seconds;
	} stop;
	struct {
		uint32_t hang_seconds;
		uint32_t ready_seconds;
	} supervise;
	struct {
		const char *program;
		const char *tree_method;
		uint32_t rounds;
		uint32_t early_stopping_rounds;
		uint32_t max_depth;
		uint32_t max_bin;
		uint32_t seed;
		uint32_t threads;
		bool refit;
		double eta;
		double subsample;
		double colsample_bytree;
		double min_child_weight;
		double lambda;
		double scale_pos_weight;
		double test_ratio;
		double validation_ratio;
		double recall_tgt;
		double fpr_cap;
		uint32_t bootstrap;
	} train;
	struct {
		uint64_t spool_bytes;
		uint32_t max_errors;
		const char *spool_dir;
	} upload;
	struct arena arena; /* owns every text above */
};

/* Who may see a secret: bit sets of services; the supervisor and tools see all. */
enum settings_audience {
	AUDIENCE_FRONT = 1 << 0,
	AUDIENCE_LOADER = 1 << 1,
	AUDIENCE_SCHEDULER = 1 << 2, /* and its jobs */
	AUDIENCE_ALL = 0xff,
};

/* Where values come from. yaml_path NULL: none. environ as in environ(7), NULL: none. A `.env`
 * beside the YAML file is read if it is there (or dotenv_path if given). overrides: "key=value"
 * words of a command line, strongest. Last, jwt.secret_key, if it was not given, is read from
 * jwt.secret_key_file or from the file jwt_secret_key in environ's $CREDENTIALS_DIRECTORY. */
struct settings_sources {
	const char *yaml_path;
	const char *dotenv_path;
	char **environ;
	const char *const *overrides;
	size_t override_count;
	/* The suite itself is to run with them, no tool: what it cannot do without must be there.
	 */
	bool suite;
	/* A tool that must reach a suite which runs on with its old settings: faults are told, what
	 * could be read is given, and the return is 1. */
	bool in_spite_of_faults;
};

/*
 * All errors are told, one a line, through on_error ("fraudd.yaml:12: http.workers: 5000 is above
 * 1024"); the return is 0 or -EINVAL (or -errno of a file that could not be read). *ret is heap
 * memory, freed by settings_free().
 */
typedef void settings_on_error(void *self, const char *text);
int settings_load(const struct settings_sources *from, settings_on_error *on_error, void *self,
                  struct settings **ret);
void settings_free(struct settings *s);

/* Rules across fields; called by settings_load(). No effect. */
int settings_check(const struct settings *s, settings_on_error *on_error, void *self);
/* And those of a suite that is to run; called by settings_load() for sources.suite. */
int settings_check_suite(const struct settings *s, settings_on_error *on_error, void *self);

/* Canonical text for a child: every key it may see, one "key=value" a line, table order; and back
 * (a key that is absent keeps its default). */
struct strbuf;
int settings_write(const struct settings *s, unsigned audience, struct strbuf *out);
int settings_read(struct str text, struct settings **ret, struct errbuf *err);

/* host_name, or what the system calls itself. */
#define SETTINGS_HOST_SIZE 256
void settings_host(const struct settings *s, char ret[SETTINGS_HOST_SIZE]);

/* Commented YAML with the values in force (secrets as "***"), or with the defaults: the sample
 * file. */
int settings_print_yaml(const struct settings *s, struct strbuf *out);
int settings_print_sample(struct strbuf *out);
/* The section of the man page in scdoc. */
int settings_print_manual(struct strbuf *out);

/*
 * What a reload would do: calls on_key for each key that differs; `applies` is false for one that
 * waits for a restart, and its old value is then copied into *next so that it stays in force.
 */
typedef void settings_on_change(void *self, const char *key, bool applies);
int settings_merge(const struct settings *now, struct settings *next, settings_on_change *on_change,
                   void *self);

#endif
