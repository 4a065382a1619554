/*
 * Threads exist here and nowhere else in a worker, because a hash takes as long as a thousand
 * requests. They run with the idle policy of the scheduler (or, where that is refused, at the
 * lowest priority), so sign-ins take what scoring leaves.
 *
 * Invariant: a job is in exactly one place: waiting, with a thread, done. Only the loop's thread
 * makes and ends jobs and reads `forgotten`; `mutex` guards the lists.
 *
 * Called by the front's sign-in and registration.
 */
#include "auth/password_pool.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/loop.h"

#define THREADS_MAX 64
#define LOWEST_PRIORITY 19
#define HINDERED_MAX 20 /* a refusal is held for some seconds at most */
#define MARGIN 1.5
#define KEPT 0.8 /* of what was measured before, with each job */

enum job_kind { JOB_VERIFY, JOB_HASH };

struct password_job {
	TAILQ_ENTRY(password_job) entry;
	struct password_pool *pool;
	enum job_kind kind;
	bool waits; /* guarded by the mutex */
	bool forgotten, has_hash;
	password_on_verified *on_verified;
	password_on_hashed *on_hashed;
	void *self;
	enum password_verdict verdict;
	int result;
	uint64_t hold_ns;
	size_t size;
	char password[PASSWORD_MAX_BYTES];
	char hash[PASSWORD_HASH_SIZE]; /* in: stored; out: new */
};

TAILQ_HEAD(job_list, password_job);

struct password_pool {
	struct password_pool_options options;
	int event_fd;
	struct loop_watch *watch;
	uint64_t slowest_ns;         /* 0: not measured yet, nothing is hashed */
	double passed_ns, worked_ns; /* of the last jobs, fading: how busy the machine is */
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct job_list waiting, done;
	uint32_t waiting_count;
	bool measuring, ending;
	unsigned thread_count;
	pthread_t threads[THREADS_MAX];
};

/* --- a thread --- */

/*
 * What the slowest hash would still have taken, and half of it, on a machine as busy as it was for
 * the last few jobs: threads of the lowest priority wait for others, and a long hash waits longer
 * than a short one. Not as busy as it was for this job, or the short ones would vary more than the
 * long ones and tell what they are.
 */
static uint64_t left_to_hold(struct password_pool *p, uint64_t passed_ns, uint64_t worked_ns)
{
	double hindered, whole;

	pthread_mutex_lock(&p->mutex);
	p->passed_ns = p->passed_ns * KEPT + (double)passed_ns;
	p->worked_ns = p->worked_ns * KEPT + (double)worked_ns;
	hindered = p->passed_ns / p->worked_ns;
	pthread_mutex_unlock(&p->mutex);
	if (hindered < 1)
		hindered = 1;
	whole = (double)p->slowest_ns * MARGIN *
	        (hindered < HINDERED_MAX ? hindered : HINDERED_MAX);
	return whole > (double)passed_ns ? (uint64_t)whole - passed_ns : 0;
}

static void verify(struct password_job *j, uint32_t cost)
{
	struct str password = { j->password, j->size };
	uint64_t begin = clock_mono_ns(), worked = password_thread_ns();

	j->verdict = password_verify(password, j->has_hash ? j->hash : NULL, cost);
	j->hold_ns = left_to_hold(j->pool, clock_mono_ns() - begin, password_thread_ns() - worked);
}

static void run_job(struct password_job *j, uint32_t cost)
{
	struct str password = { j->password, j->size };

	switch (j->kind) {
	case JOB_VERIFY:
		verify(j, cost);
		break;
	case JOB_HASH:
		j->result = password_hash(password, cost, j->hash);
		break;
	}
	OPENSSL_cleanse(j->password, sizeof(j->password));
}

static void be_modest(void)
{
	const struct sched_param none = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &none) < 0)
		setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), LOWEST_PRIORITY);
}

/* With the mutex held. The first thread does it, the others wait for it. */
static void measure(struct password_pool *p)
{
	uint64_t slowest;

	if (p->measuring)
		return;
	p->measuring = true;
	pthread_mutex_unlock(&p->mutex);
	slowest = password_measure_slowest(p->options.cost);
	pthread_mutex_lock(&p->mutex);
	p->slowest_ns = slowest ? slowest : 1;
	p->passed_ns = p->worked_ns = (double)p->slowest_ns;
	pthread_cond_broadcast(&p->wake);
}

/* With the mutex held; NULL: the pool ends. */
static struct password_job *next_job(struct password_pool *p)
{
	struct password_job *j;

	while (!p->ending && (!p->slowest_ns || TAILQ_EMPTY(&p->waiting)))
		pthread_cond_wait(&p->wake, &p->mutex);
	if (p->ending)
		return NULL;
	j = TAILQ_FIRST(&p->waiting);
	TAILQ_REMOVE(&p->waiting, j, entry);
	p->waiting_count--;
	j->waits = false;
	return j;
}

static void *work(void *self)
{
	struct password_pool *p = self;
	struct password_job *j;

	be_modest();
	pthread_mutex_lock(&p->mutex);
	measure(p);
	while ((j = next_job(p))) {
		pthread_mutex_unlock(&p->mutex);
		run_job(j, p->options.cost);
		pthread_mutex_lock(&p->mutex);
		TAILQ_INSERT_TAIL(&p->done, j, entry);
		eventfd_write(p->event_fd, 1);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

/* --- the loop's side --- */

static void free_job(struct password_job *j)
{
	OPENSSL_cleanse(j->password, sizeof(j->password));
	free(j);
}

static void tell(struct password_job *j)
{
	if (j->forgotten)
		return;
	if (j->kind == JOB_VERIFY)
		j->on_verified(j->self, j->verdict, j->hold_ns);
	else
		j->on_hashed(j->self, j->result, j->hash);
}

static struct password_job *take_done(struct password_pool *p)
{
	struct password_job *j;

	pthread_mutex_lock(&p->mutex);
	j = TAILQ_FIRST(&p->done);
	if (j)
		TAILQ_REMOVE(&p->done, j, entry);
	pthread_mutex_unlock(&p->mutex);
	return j;
}

static void on_done(void *self)
{
	struct password_pool *p = self;
	struct password_job *j;
	eventfd_t count;

	eventfd_read(p->event_fd, &count);
	while ((j = take_done(p))) {
		tell(j);
		free_job(j);
	}
}

/* Takes the job over, whatever comes back. */
static int add_job(struct password_pool *p, struct password_job *j)
{
	int r = 0;

	pthread_mutex_lock(&p->mutex);
	if (p->waiting_count >= p->options.queue) {
		r = -EAGAIN;
	} else {
		j->waits = true;
		p->waiting_count++;
		TAILQ_INSERT_TAIL(&p->waiting, j, entry);
		pthread_cond_signal(&p->wake);
	}
	pthread_mutex_unlock(&p->mutex);
	if (r < 0)
		free_job(j);
	return r;
}

static struct password_job *new_job(struct password_pool *p, enum job_kind kind,
                                    struct str password)
{
	struct password_job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->pool = p;
	j->kind = kind;
	j->size = password.n;
	memcpy(j->password, password.p, password.n);
	return j;
}

int password_pool_verify(struct password_pool *p, struct str password, const char *hash,
                         password_on_verified *fn, void *self, struct password_job **ret)
{
	struct password_job *j;
	int r;

	/* What cannot be right needs no copy, but its time. */
	if (password.n > PASSWORD_MAX_BYTES || (hash && strlen(hash) >= PASSWORD_HASH_SIZE)) {
		password = STR("");
		hash = NULL;
	}
	j = new_job(p, JOB_VERIFY, password);
	if (!j)
		return -ENOMEM;
	j->on_verified = fn;
	j->self = self;
	j->has_hash = hash != NULL;
	if (hash)
		memcpy(j->hash, hash, strlen(hash) + 1);
	r = add_job(p, j);
	if (r == 0)
		*ret = j;
	return r;
}

int password_pool_hash(struct password_pool *p, struct str password, password_on_hashed *fn,
                       void *self, struct password_job **ret)
{
	struct password_job *j;
	int r;

	if (password.n > PASSWORD_MAX_BYTES)
		return -EINVAL;
	j = new_job(p, JOB_HASH, password);
	if (!j)
		return -ENOMEM;
	j->on_hashed = fn;
	j->self = self;
	r = add_job(p, j);
	if (r == 0)
		*ret = j;
	return r;
}

void password_job_forget(struct password_job *j)
{
	struct password_pool *p;
	bool waited;

	if (!j)
		return;
	p = j->pool;
	pthread_mutex_lock(&p->mutex);
	waited = j->waits;
	if (waited) {
		TAILQ_REMOVE(&p->waiting, j, entry);
		p->waiting_count--;
	}
	pthread_mutex_unlock(&p->mutex);
	j->forgotten = true;
	if (waited)
		free_job(j);
}

/* --- life --- */

/* Signals are the loop's; a thread that took one would not tell it. */
static int start_threads(struct password_pool *p)
{
	sigset_t all, before;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < p->options.threads && r == 0; i++) {
		r = -pthread_create(&p->threads[i], NULL, work, p);
		if (r == 0)
			p->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int password_pool_new(const struct password_pool_options *o, struct password_pool **ret)
{
	struct password_pool *p;
	int r = 0;

	if (o->threads < 1 || o->threads > THREADS_MAX || o->queue < 1)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->options = *o;
	TAILQ_INIT(&p->waiting);
	TAILQ_INIT(&p->done);
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->wake, NULL);
	p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->event_fd < 0)
		r = -errno;
	if (r == 0)
		r = loop_watch_new(o->base, p->event_fd, 0, on_done, p, &p->watch);
	if (r == 0)
		r = start_threads(p);
	if (r < 0) {
		password_pool_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

static void free_list(struct job_list *list)
{
	struct password_job *j;

	while ((j = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, j, entry);
		free_job(j);
	}
}

void password_pool_free(struct password_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	p->ending = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->mutex);
	for (unsigned i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	free_list(&p->waiting);
	free_list(&p->done);
	loop_watch_free(p->watch);
	close_p(&p->event_fd);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}
