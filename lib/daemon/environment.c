/*
 * A child's environment is a list of what it may see, not a list of what is taken away: secrets
 * come to the supervisor by environment (DATABASE_URL, JWT_SECRET_KEY) and must not be readable in
 * /proc/<pid>/environ of a process that has no business with them. Used by whoever starts a
 * process.
 */
#include "daemon/environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"

static const char *const kept[] = {
	"PATH",
	"LANG",
	"TZ",
	/* where the journal's stream is, so that log lines keep their level */
	"JOURNAL_STREAM",
	/* certificate authorities and proxies of the site */
	"SSL_CERT_FILE",
	"SSL_CERT_DIR",
	"CURL_CA_BUNDLE",
	"http_proxy",
	"https_proxy",
	"HTTPS_PROXY",
	"all_proxy",
	"ALL_PROXY",
	"no_proxy",
	"NO_PROXY",
#ifdef FRAUDD_SANITIZE
	"LD_PRELOAD",
	"ASAN_OPTIONS",
	"UBSAN_OPTIONS",
	"LSAN_OPTIONS",
#endif
};

bool environment_keeps(const char *entry)
{
	size_t n = strcspn(entry, "=");

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strlen(kept[i]) == n && memcmp(kept[i], entry, n) == 0)
			return true;
	return false;
}

int environment_new(const char *const *additions, char ***ret)
{
	size_t room = 1, n = 0;
	char **list;

	for (char **e = environ; e && *e; e++)
		room++;
	for (const char *const *a = additions; a && *a; a++)
		room++;
	list = calloc(room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (char **e = environ; e && *e; e++)
		if (environment_keeps(*e))
			list[n++] = *e;
	for (const char *const *a = additions; a && *a; a++)
		list[n++] = (char *)*a;
	*ret = list;
	return 0;
}

int daemon_clean_environment(void)
{
	char **to = environ;

	for (char **from = environ; from && *from; from++)
		if (environment_keeps(*from))
			*to++ = *from;
	if (to)
		*to = NULL;
	return 0;
}
