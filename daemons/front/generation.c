/*
 * Mapping a sealed model. The pages are the same in all workers (MAP_PRIVATE of a write-sealed
 * memfd: some kernels refuse shared maps of one); only the small process-local parts are this
 * worker's own. A descriptor that is not sealed is refused: nobody may change what is being served.
 */
#include "generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"

static int check_descriptor(const struct msg_model *about, int fd, struct errbuf *err)
{
	struct stat st;

	if (!memfd_is_sealed(fd))
		return errbuf_set(err, -EPERM, "the model's memory is not sealed");
	if (fstat(fd, &st) < 0)
		return errbuf_set(err, -errno, "could not look at the model's memory");
	if (st.st_size < 0 || (uint64_t)st.st_size != about->size || about->size == 0)
		return errbuf_set(err, -EBADMSG, "the model is not %llu bytes long",
		                  (unsigned long long)about->size);
	return 0;
}

/* The score alone: an explanation visits every node there is, which for a large model takes longer
 * than all else that a start waits for. */
static void warm_up(struct generation *g)
{
	struct score_options none = { .explain_from = DECISION_MAX };
	struct score_result result;

	program_row_reset(&g->model.program, g->row);
	score_row(&g->model, g->row, &none, &g->scratch, &result);
}

static int prepare(struct generation *g, struct errbuf *err)
{
	int r = score_open(g->image, g->about.size, true, &g->arena, &g->model, err);

	if (r < 0)
		return r;
	g->row = arena_calloc(&g->arena, g->model.program.input_count, sizeof(*g->row));
	if (!g->row || score_scratch_init(&g->scratch, &g->model) < 0)
		return errbuf_set(err, -ENOMEM, "out of memory");
	warm_up(g);
	return 0;
}

int generation_open(const struct msg_model *about, int fd, struct generation **ret,
                    struct errbuf *err)
{
	struct generation *g;
	int r = check_descriptor(about, fd, err);

	if (r < 0)
		return r;
	g = calloc(1, sizeof(*g));
	if (!g)
		return errbuf_set(err, -ENOMEM, "out of memory");
	g->about = *about;
	g->holders = 1;
	g->image = mmap(NULL, about->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (g->image == MAP_FAILED) {
		r = errbuf_set(err, -errno, "could not map the model");
		g->image = NULL;
	} else {
		r = prepare(g, err);
	}
	if (r < 0) {
		generation_release(g);
		return r;
	}
	*ret = g;
	return 0;
}

struct generation *generation_hold(struct generation *g)
{
	g->holders++;
	return g;
}

void generation_release(void *generation)
{
	struct generation *g = generation;

	if (!g || --g->holders > 0)
		return;
	score_scratch_done(&g->scratch);
	arena_done(&g->arena);
	if (g->image)
		munmap(g->image, g->about.size);
	free(g);
}
