/*
 * One line that is overwritten on a terminal, one line each ten seconds in a log. The clock is
 * asked on every call and nothing else happens until something is due, so loops call it per row.
 * Called by the tools that generate, train, score and migrate.
 */
#include "base/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define SECOND_NS UINT64_C(1000000000)
#define TERMINAL_NS (SECOND_NS / 10)
#define PLAIN_NS (10 * SECOND_NS)
#define BAR_WIDTH 24

void progress_start(struct progress *p, const char *label, const char *unit, uint64_t total,
                    bool quiet)
{
	uint64_t now = clock_mono_ns();

	*p = (struct progress){
		.label = label,
		.unit = unit,
		.total = total,
		.started_ns = now,
		.shown_ns = now,
		.terminal = isatty(STDERR_FILENO),
		.quiet = quiet,
	};
}

static double seconds_since(const struct progress *p, uint64_t now)
{
	return (double)(now - p->started_ns) / (double)SECOND_NS;
}

static void print_bar(unsigned filled)
{
	char bar[BAR_WIDTH + 1];

	for (unsigned i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, " [%s]", bar);
}

static void show(const struct progress *p, uint64_t done, uint64_t now)
{
	double seconds = seconds_since(p, now);
	double rate = seconds > 0 ? (double)done / seconds : 0;
	double part = p->total ? (double)done / (double)p->total : 0;

	if (part > 1)
		part = 1;
	fprintf(stderr, "%s%s:", p->terminal ? "\r" : "", p->label);
	if (p->terminal && p->total)
		print_bar((unsigned)(part * BAR_WIDTH));
	if (p->total)
		fprintf(stderr, " %.0f %%,", part * 100);
	fprintf(stderr, " %ju %s, %.0f %s/s", (uintmax_t)done, p->unit, rate, p->unit);
	if (p->total && rate > 0 && done < p->total)
		fprintf(stderr, ", %.0f s left", (double)(p->total - done) / rate);
	/* Erase what a longer line has left behind. */
	fputs(p->terminal ? "\x1b[K" : "\n", stderr);
	fflush(stderr);
}

void progress_at(struct progress *p, uint64_t done)
{
	uint64_t now;

	if (p->quiet)
		return;
	now = clock_mono_ns();
	if (now - p->shown_ns < (p->terminal ? TERMINAL_NS : PLAIN_NS))
		return;
	p->shown_ns = now;
	show(p, done, now);
}

void progress_end(struct progress *p, uint64_t done)
{
	uint64_t now = clock_mono_ns();

	if (p->quiet)
		return;
	fprintf(stderr, "%s%s: %ju %s in %.1f s%s\n", p->terminal ? "\r" : "", p->label,
	        (uintmax_t)done, p->unit, seconds_since(p, now), p->terminal ? "\x1b[K" : "");
}
