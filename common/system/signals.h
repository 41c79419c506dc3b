/*
 * Signals as bytes of a pipe, so that the main loop handles them where it likes. One set for the process.
 */
#ifndef LEUMUND_SIGNALS_H
#define LEUMUND_SIGNALS_H

#include <stddef.h>

/* Catches these from now on, and ignores SIGPIPE. 0, or -1 and errno. */
int signals_catch(const int *numbers, size_t count);

/* To wait at, for POLLIN. */
int signals_fd(void);

/* The next signal that came, 0 when there is none. */
int signals_next(void);

#endif
