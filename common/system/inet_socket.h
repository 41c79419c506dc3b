/*
 * TCP ports by libmilter's names: inet:PORT or inet6:PORT, perhaps with @HOST; without a host all addresses are meant.
 */
#ifndef LEUMUND_INET_SOCKET_H
#define LEUMUND_INET_SOCKET_H

#include <stdbool.h>

/* A connected stream socket, close-on-exec, or -1; without a host to this one. */
int inet_socket_connect(const char *name);

/* Could somebody listen there now? True also where the name means nothing: whoever listens then says why. */
bool inet_socket_is_free(const char *name);

#endif
