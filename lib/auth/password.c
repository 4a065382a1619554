/*
 * One call of crypt_r() with care around it: whether the stored text is a hash that we verify, what
 * it would cost, and that whatever is wrong costs as much time as a wrong password. libxcrypt's
 * crypt_checksalt() does not see cost, so it is read from the text here.
 *
 * Invariant: no copy of a password outlives the function that made it.
 *
 * Called by the threads of password_pool.c and by fraudctl.
 */
#include "auth/password.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define MEMORY_MAX (UINT64_C(32) << 20)
#define BCRYPT_COST_MIN 4
#define BCRYPT_COST_MAX 14
#define OLD_BCRYPT_COST 12
#define MEASURED_BCRYPT_COST 9
#define SALT_BYTES 16

static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* --- what a stored hash is --- */

enum scheme { SCHEME_UNKNOWN, SCHEME_BCRYPT, SCHEME_YESCRYPT };

struct cost {
	enum scheme scheme;
	uint64_t memory; /* of yescrypt, bytes: 128 * N * r, which is also its work */
};

/* "$2b$12$": the letter is a, b or y. */
static struct cost bcrypt_cost(const char *hash)
{
	unsigned cost;

	if (!strchr("aby", hash[2]) || hash[3] != '$' || hash[4] < '0' || hash[4] > '9' ||
	    hash[5] < '0' || hash[5] > '9' || hash[6] != '$')
		return (struct cost){ SCHEME_UNKNOWN, 0 };
	cost = (unsigned)(hash[4] - '0') * 10 + (unsigned)(hash[5] - '0');
	if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX)
		return (struct cost){ SCHEME_UNKNOWN, 0 };
	return (struct cost){ SCHEME_BCRYPT, 0 };
}

/* A digit that stands for 1 to 48 alone; 0 for those that begin a longer number. */
static unsigned small_number(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at && at - digits < 48 ? (unsigned)(at - digits) + 1 : 0;
}

/* "$y$j9T$": flavour j, then log2(N) and r. Anything longer has options that nobody here set. */
static struct cost yescrypt_cost(const char *hash)
{
	unsigned log_n, r;
	uint64_t memory;

	if (hash[3] != 'j')
		return (struct cost){ SCHEME_UNKNOWN, 0 };
	log_n = small_number(hash[4]);
	r = log_n ? small_number(hash[5]) : 0;
	if (r == 0 || hash[6] != '$')
		return (struct cost){ SCHEME_UNKNOWN, 0 };
	memory = UINT64_C(128) * r << (log_n < 32 ? log_n : 32);
	if (memory > MEMORY_MAX)
		return (struct cost){ SCHEME_UNKNOWN, 0 };
	return (struct cost){ SCHEME_YESCRYPT, memory };
}

static struct cost cost_of(const char *hash)
{
	if (strncmp(hash, "$2", 2) == 0 && hash[2])
		return bcrypt_cost(hash);
	if (strncmp(hash, "$y$", 3) == 0)
		return yescrypt_cost(hash);
	return (struct cost){ SCHEME_UNKNOWN, 0 };
}

static bool is_worth_replacing(const struct cost *stored, uint32_t cost)
{
	char today[CRYPT_GENSALT_OUTPUT_SIZE];

	if (stored->scheme != SCHEME_YESCRYPT)
		return true;
	if (!crypt_gensalt_rn("$y$", cost, "0123456789abcdef", SALT_BYTES, today, sizeof(today)))
		return false;
	return stored->memory < yescrypt_cost(today).memory;
}

/* --- hashing --- */

static bool is_possible(struct str password)
{
	return password.n > 0 && password.n <= PASSWORD_MAX_BYTES &&
	       !memchr(password.p, '\0', password.n);
}

/* setting: a salt or a hash. Terminated hash to ret. */
static int run_crypt(struct str password, const char *setting, char ret[PASSWORD_HASH_SIZE])
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char copy[PASSWORD_MAX_BYTES + 1];
	const char *hash;
	int r = -EINVAL;

	if (!data)
		return -ENOMEM;
	memcpy(copy, password.p, password.n);
	copy[password.n] = '\0';
	hash = crypt_r(copy, setting, data);
	/* A failure is NULL or a text that begins with '*'. */
	if (hash && hash[0] != '*' && strlen(hash) < PASSWORD_HASH_SIZE) {
		memcpy(ret, hash, strlen(hash) + 1);
		r = 0;
	} else if (errno == ENOMEM) {
		r = -ENOMEM;
	}
	OPENSSL_cleanse(copy, sizeof(copy));
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return r;
}

/* random: SALT_BYTES of them. */
static int run_yescrypt(struct str password, uint32_t cost, const char *random,
                        char ret[PASSWORD_HASH_SIZE])
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	if (cost < 1 || cost > PASSWORD_MAX_COST ||
	    !crypt_gensalt_rn("$y$", cost, random, SALT_BYTES, salt, sizeof(salt)))
		return -EINVAL;
	return run_crypt(password, salt, ret);
}

int password_hash(struct str password, uint32_t cost, char ret[PASSWORD_HASH_SIZE])
{
	char random[SALT_BYTES];

	if (!is_possible(password))
		return -EINVAL;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	return run_yescrypt(password, cost, random, ret);
}

/* --- verifying --- */

static enum password_verdict waste_time(struct str password, uint32_t cost)
{
	char hash[PASSWORD_HASH_SIZE];

	if (!is_possible(password))
		password = STR("no password");
	run_yescrypt(password, cost, "0123456789abcdef", hash);
	return PASSWORD_WRONG;
}

enum password_verdict password_verify(struct str password, const char *hash, uint32_t cost)
{
	struct cost stored = { SCHEME_UNKNOWN, 0 };
	char ours[PASSWORD_HASH_SIZE];
	size_t n;

	if (hash)
		stored = cost_of(hash);
	if (stored.scheme == SCHEME_UNKNOWN || !is_possible(password) ||
	    run_crypt(password, hash, ours) < 0)
		return waste_time(password, cost);
	n = strlen(ours);
	if (strlen(hash) != n || CRYPTO_memcmp(ours, hash, n) != 0)
		return PASSWORD_WRONG;
	return is_worth_replacing(&stored, cost) ? PASSWORD_RIGHT_REHASH : PASSWORD_RIGHT;
}

/* --- how long it takes --- */

uint64_t password_thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static uint64_t measure(const char *prefix, unsigned long cost)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE], hash[PASSWORD_HASH_SIZE];
	uint64_t begin = password_thread_ns();

	if (!crypt_gensalt_rn(prefix, cost, "0123456789abcdef", SALT_BYTES, salt, sizeof(salt)))
		return 0;
	run_crypt(STR("no password"), salt, hash);
	return password_thread_ns() - begin;
}

uint64_t password_measure_slowest(uint32_t cost)
{
	/* bcrypt's work doubles with each step of its cost. */
	uint64_t bcrypt = measure("$2b$", MEASURED_BCRYPT_COST)
	                  << (OLD_BCRYPT_COST - MEASURED_BCRYPT_COST);
	uint64_t yescrypt = measure("$y$", cost);

	return bcrypt > yescrypt ? bcrypt : yescrypt;
}
