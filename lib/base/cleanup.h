/*
 * Scope-bound release of locals. A local declared CLEANUP(fn) is released on every way out of its
 * scope; take_fd() and take_ptr() hand it over instead. The release functions accept "nothing
 * here" (NULL, -1), so half-built objects need no second path.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void free_p(void *p)
{
	free(*(void **)p);
}

static inline void close_p(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclose_p(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Returns the descriptor and leaves -1 behind: the caller owns it now. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Returns the pointer in *p (p: address of any object pointer) and leaves NULL behind. */
static inline void *take_ptr(void *p)
{
	void *taken = *(void **)p;

	*(void **)p = NULL;
	return taken;
}

#endif
