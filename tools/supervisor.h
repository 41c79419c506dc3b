/*
 * Keeps the services of an instance and its private Redis running: the loop of `leumund run`.
 */
#ifndef LEUMUND_TOOLS_SUPERVISOR_H
#define LEUMUND_TOOLS_SUPERVISOR_H

#include "instance.h"

/* To be called before anything that a signal should end. 0 or -1. */
int supervisor_signals(void);

/* Returns the exit status once everything has ended. */
int supervise(struct instance *instance);

#endif
