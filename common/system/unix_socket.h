/*
 * Unix sockets of a service: made under a private name, so that a rename can put them in force.
 */
#ifndef LEUMUND_UNIX_SOCKET_H
#define LEUMUND_UNIX_SOCKET_H

/* A listening stream socket, close-on-exec, or -1 with errno; a stale file of that name is removed. */
int unix_socket_listen(const char *path);

/* A connected stream socket, close-on-exec, or -1 with errno. */
int unix_socket_connect(const char *path);

#endif
