/*
 * Every message between the processes of the suite, and between fraudctl and the supervisor. To add
 * one: a struct of fixed-width fields, a line in MESSAGES, a handler in each receiver's table.
 * Texts are NUL-terminated inside their arrays; the channel checks sizes, handlers check texts
 * by message_text(). At most one descriptor travels with a message.
 */
#ifndef DAEMON_MESSAGES_H
#define DAEMON_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_NAME 64          /* model name, version, alias, service */
#define MESSAGE_WORDS 512        /* a reason for a person */
#define MESSAGE_MAX_PAYLOAD 2048 /* no payload is larger */
#define MESSAGE_BUILD_ID 48      /* 40 hex digits and the terminator, rounded up */

/* --- start and life of a child --- */

struct msg_settings { /* + sealed memfd with canonical text; the first message to every child */
	uint64_t size;
	uint32_t instance; /* 0 .. instances - 1 of its service */
	uint32_t instances;
};
struct msg_scoreboard { /* + memfd */
	uint64_t size;
};
/* What a child gets before its loop turns, in this order: MSG_SETTINGS, its MSG_LISTENERs (if its
 * service has any), MSG_SCOREBOARD. */
struct msg_listener {   /* + listening socket */
	uint32_t index; /* of settings.listener */
	uint32_t count; /* how many will come */
};
struct msg_ready {
	char build_id[MESSAGE_BUILD_ID];
};
struct msg_tick {
	uint64_t sequence;
};
struct msg_drain {
	uint32_t seconds; /* readyz says 503 for so long before accepting ends */
};

/* --- models --- */

enum model_verified { MODEL_VERIFIED_SELF, MODEL_VERIFIED_GOLDEN };
enum model_origin { MODEL_FROM_REGISTRY, MODEL_FROM_LAST_KNOWN_GOOD };

struct msg_model { /* + sealed memfd: loader -> supervisor (PUBLISH), supervisor -> users (USE) */
	uint64_t generation;
	uint64_t size;
	char name[MESSAGE_NAME];
	char version[MESSAGE_NAME];
	char registry_version[MESSAGE_NAME]; /* "" without a registry */
	uint32_t verified;
	uint32_t origin;
};
struct msg_model_in_use { /* a worker serves it, or why it cannot */
	uint64_t generation;
	int32_t result; /* 0 or -errno */
	uint32_t spare;
};
/* What /health and status tell beside the model itself; loader -> supervisor -> front. */
struct msg_registry_state {
	int64_t asked_at_us; /* 0: never */
	char kind[16];       /* "local", "mlflow" */
	char alias[MESSAGE_NAME];
	char alias_version[MESSAGE_NAME];
	char alias_registry_version[MESSAGE_NAME]; /* the registry's number of it; "" = none */
	char pinned[MESSAGE_NAME];                 /* "" = no pin */
	char last_error[MESSAGE_WORDS];
};

/* --- reload --- */

enum reload_wish {
	RELOAD_ALIAS,    /* what the alias (or the pin) names */
	RELOAD_VERSION,  /* this version, and pin it */
	RELOAD_ROLLBACK, /* what `previous` names, and pin it */
	RELOAD_UNPIN,    /* end the pin, then the alias */
	RELOAD_WISH_MAX
};
enum reload_flags {
	RELOAD_FORCE = 1,    /* compile and publish even if it is live */
	RELOAD_DRY_RUN = 2,  /* compile and verify, publish nothing */
	RELOAD_SETTINGS = 4, /* settings first (SIGHUP, fraudctl reload) */
};
struct msg_reload { /* front, control -> supervisor (WANTED); supervisor -> loader (LOAD) */
	uint32_t wish;
	uint32_t flags;
	char version[MESSAGE_NAME];
};
enum reload_outcome {
	RELOAD_DONE_RELOADED,
	RELOAD_DONE_UNCHANGED,
	RELOAD_DONE_VERIFIED, /* dry run */
	RELOAD_DONE_REFUSED,  /* words say why; the old model serves on */
	RELOAD_DONE_TIMEOUT,
	RELOAD_DONE_BAD_SETTINGS, /* nothing changed */
	RELOAD_OUTCOME_MAX
};
struct msg_reload_done { /* loader -> supervisor (LOADED), supervisor -> who asked (RELOADED) */
	uint32_t outcome;
	uint32_t workers; /* that serve the generation */
	uint64_t generation;
	char version[MESSAGE_NAME];
	char registry_version[MESSAGE_NAME];
	char words[MESSAGE_WORDS];
};

/* --- settings at run time, in two steps --- */

struct msg_settings_checked {
	int32_t result;
	char words[MESSAGE_WORDS];
};
struct msg_nothing {
	uint32_t spare;
};

/* --- control socket --- */

struct msg_status { /* the answer to MSG_STATUS_WANTED, after one MSG_STATUS_CHILD each */
	char build_id[MESSAGE_BUILD_ID];
	char build_version[16];
	int64_t started_at_us;
	uint64_t generation;
	uint32_t children;
	uint32_t workers, workers_current; /* that serve the newest generation */
	char name[MESSAGE_NAME];
	char version[MESSAGE_NAME];
	char registry_version[MESSAGE_NAME];
	uint32_t verified, origin;
	struct msg_registry_state registry;
	int64_t settings_refused_at_us; /* 0: those that were read last are in force */
	char settings_error[MESSAGE_WORDS];
};
struct msg_status_child {
	char service[MESSAGE_NAME];
	char state[16];
	int32_t pid;
	uint32_t instance;
	uint32_t restarts;
	uint32_t last_status; /* wait status of the last exit */
	int64_t since_us;
};

/* clang-format off */
/*        type                    payload                      receivers */
#define MESSAGES(X) \
	X(MSG_SETTINGS,           struct msg_settings,         "every child, first") \
	X(MSG_SCOREBOARD,         struct msg_scoreboard,       "every child") \
	X(MSG_LISTENER,           struct msg_listener,         "front") \
	X(MSG_READY,              struct msg_ready,            "supervisor") \
	X(MSG_TICK,               struct msg_tick,             "supervisor") \
	X(MSG_DRAIN,              struct msg_drain,            "every child") \
	X(MSG_MODEL_PUBLISH,      struct msg_model,            "supervisor") \
	X(MSG_MODEL_USE,          struct msg_model,            "front, scheduler, control") \
	X(MSG_MODEL_IN_USE,       struct msg_model_in_use,     "supervisor") \
	X(MSG_MODEL_LIVE,         struct msg_model,            "front: all workers serve it") \
	X(MSG_MODEL_WANTED,       struct msg_nothing,          "supervisor, from control") \
	X(MSG_REGISTRY_STATE,     struct msg_registry_state,   "supervisor, front") \
	X(MSG_RELOAD_WANTED,      struct msg_reload,           "supervisor, from all but loader") \
	X(MSG_RELOAD_LOAD,        struct msg_reload,           "loader") \
	X(MSG_RELOAD_LOADED,      struct msg_reload_done,      "supervisor, from loader") \
	X(MSG_RELOAD_DONE,        struct msg_reload_done,      "front, scheduler, control") \
	X(MSG_SETTINGS_CHECK,     struct msg_settings,         "every child") \
	X(MSG_SETTINGS_CHECKED,   struct msg_settings_checked, "supervisor") \
	X(MSG_SETTINGS_APPLY,     struct msg_nothing,          "every child") \
	X(MSG_STATUS_WANTED,      struct msg_nothing,          "supervisor, from control") \
	X(MSG_STATUS_CHILD,       struct msg_status_child,     "control") \
	X(MSG_STATUS,             struct msg_status,           "control")
/* clang-format on */

enum message_type {
#define X(type, payload, receivers) type,
	MESSAGES(X)
#undef X
	        MESSAGE_MAX
};

struct message {
	enum message_type type;
	uint64_t id;         /* the asker's; an answer carries the same */
	const void *payload; /* of the type's exact size; valid while the handler runs */
	int fd;              /* -1: none. A handler that keeps it takes it with take_fd(). */
};

const char *message_name(enum message_type type);
size_t message_size(enum message_type type);
/* True if the array ends with a NUL inside and is valid UTF-8. */
bool message_text(const char *text, size_t room);

#endif
