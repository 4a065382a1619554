/*
 * getaddrinfo() has no form that a loop could drive, and a name server that does not answer holds
 * it for many seconds: a worker would miss its ticks and be killed. So it runs in a thread of its
 * own. The question is shared by two owners, the loop's side and the thread; whoever lets go last
 * frees it, so cancelling never waits.
 *
 * Called by link.c.
 */
#include "db/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "daemon/loop.h"

struct question {
	atomic_int owners;
	int done_fd;                        /* readable when the thread has finished */
	struct strbuf host_list, port_list; /* as the URL has them */
	struct strbuf hosts, addresses, ports;
	int result;
	struct errbuf words;
};

struct resolve {
	struct question *question;
	struct loop_watch *watch;
	resolve_fn *on_done;
	void *self;
};

/* --- reading the URL --- */

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (!strcmp(options->keyword, keyword))
			return options->val ? options->val : "";
	return "";
}

/* The element of a list with commas, and where the next one begins; a short list repeats its only
 * element, as libpq has it for ports. */
static struct str element(const char *list, unsigned index)
{
	struct str s = { list, strcspn(list, ",") };

	for (; index > 0; index--) {
		if (!s.p[s.n])
			return strchr(list, ',') ? (struct str){ "", 0 } : str_of(list);
		s.p += s.n + 1;
		s.n = strcspn(s.p, ",");
	}
	return s;
}

static unsigned count_elements(const char *list)
{
	unsigned n = 1;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

static bool is_name(struct str host)
{
	unsigned char address[sizeof(struct in6_addr)];
	char text[256];

	if (host.n == 0 || host.n >= sizeof(text) || host.p[0] == '/' || host.p[0] == '@')
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	return inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1;
}

int resolve_is_needed(const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	const char *hosts;
	int needed = 0;

	if (!options)
		return 0;
	hosts = option_value(options, "host");
	if (!*option_value(options, "hostaddr"))
		for (unsigned i = 0; i < count_elements(hosts); i++)
			needed |= is_name(element(hosts, i));
	PQconninfoFree(options);
	return needed;
}

/* --- the thread's side --- */

static void question_drop(struct question *q)
{
	if (atomic_fetch_sub(&q->owners, 1) > 1)
		return;
	strbuf_done(&q->host_list);
	strbuf_done(&q->port_list);
	strbuf_done(&q->hosts);
	strbuf_done(&q->addresses);
	strbuf_done(&q->ports);
	if (q->done_fd >= 0)
		close(q->done_fd);
	free(q);
}

static int address_of(struct str host, char ret[NI_MAXHOST], struct errbuf *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char name[256];
	int r;

	memcpy(name, host.p, host.n);
	name[host.n] = '\0';
	r = getaddrinfo(name, NULL, &hints, &found);
	if (r == 0)
		r = getnameinfo(found->ai_addr, found->ai_addrlen, ret, NI_MAXHOST, NULL, 0,
		                NI_NUMERICHOST);
	if (found)
		freeaddrinfo(found);
	if (r != 0)
		return errbuf_set(err, -EHOSTUNREACH, "database host \"%s\" has no address: %s",
		                  name, gai_strerror(r));
	return 0;
}

static void add_element(struct strbuf *list, struct str text, bool first)
{
	if (!first)
		strbuf_addc(list, ',');
	strbuf_add(list, text.p, text.n);
}

static void ask_one(struct question *q, unsigned index, unsigned *kept)
{
	struct str host = element(q->host_list.p, index);
	struct str port = element(q->port_list.p, index);
	char address[NI_MAXHOST] = "";

	if (is_name(host) && address_of(host, address, &q->words) < 0)
		return;
	add_element(&q->hosts, host, *kept == 0);
	add_element(&q->addresses, str_of(address), *kept == 0);
	add_element(&q->ports, port, *kept == 0);
	++*kept;
}

static void *answer_question(void *arg)
{
	struct question *q = arg;
	unsigned kept = 0, count = count_elements(q->host_list.p);
	const uint64_t one = 1;

	for (unsigned i = 0; i < count; i++)
		ask_one(q, i, &kept);
	q->result = kept > 0 ? 0 : -EHOSTUNREACH;
	if (strbuf_error(&q->hosts) || strbuf_error(&q->addresses) || strbuf_error(&q->ports))
		q->result = errbuf_set(&q->words, -ENOMEM, "out of memory");
	/* An eventfd takes a first 1 always. */
	while (write(q->done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	question_drop(q);
	return NULL;
}

static int start_thread(struct question *q)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int r = -pthread_attr_init(&attributes);

	if (r < 0)
		return r;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&q->owners, 1);
	r = -pthread_create(&thread, &attributes, answer_question, q);
	if (r < 0)
		atomic_fetch_sub(&q->owners, 1);
	pthread_attr_destroy(&attributes);
	return r;
}

/* --- the loop's side --- */

static int question_new(const char *url, struct question **ret)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	struct question *q = calloc(1, sizeof(*q));
	int r = 0;

	if (!options || !q) {
		PQconninfoFree(options);
		free(q);
		return -ENOMEM;
	}
	atomic_init(&q->owners, 1);
	strbuf_adds(&q->host_list, option_value(options, "host"));
	strbuf_adds(&q->port_list, option_value(options, "port"));
	PQconninfoFree(options);
	q->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->done_fd < 0)
		r = -errno;
	else if (strbuf_error(&q->host_list) || strbuf_error(&q->port_list))
		r = -ENOMEM;
	if (r < 0) {
		question_drop(q);
		return r;
	}
	*ret = q;
	return 0;
}

static void on_answer(void *self)
{
	struct resolve *r = self;
	struct question *q = r->question;
	const struct resolve_answer answer = { q->hosts.p, q->addresses.p, q->ports.p };
	resolve_fn *on_done = r->on_done;
	void *done_self = r->self;

	loop_watch_free(r->watch);
	free(r);
	on_done(done_self, q->result, q->result == 0 ? &answer : NULL, &q->words);
	question_drop(q);
}

int resolve_start(struct event_base *base, const char *url, resolve_fn *on_done, void *self,
                  struct resolve **ret)
{
	CLEANUP(free_p) struct resolve *r = calloc(1, sizeof(*r));
	int error = r ? question_new(url, &r->question) : -ENOMEM;

	if (error < 0)
		return error;
	r->on_done = on_done;
	r->self = self;
	error = loop_watch_new(base, r->question->done_fd, 0, on_answer, r, &r->watch);
	if (error == 0)
		error = start_thread(r->question);
	if (error < 0) {
		loop_watch_free(r->watch);
		question_drop(r->question);
		return error;
	}
	*ret = take_ptr(&r);
	return 0;
}

void resolve_cancel(struct resolve *r)
{
	if (!r)
		return;
	loop_watch_free(r->watch);
	question_drop(r->question);
	free(r);
}
