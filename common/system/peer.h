/*
 * Who holds the other end of a connection that comes from this host.
 */
#ifndef LEUMUND_PEER_H
#define LEUMUND_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Is this one of the host's own addresses (loopback, or of an interface; those are re-read every minute)? */
bool peer_is_local(const struct sockaddr *address);

/*
 * The uid that owns the local TCP socket bound to this address and port, from /proc/net/tcp and tcp6 (world-readable).
 * False when there is none, or several of different users that cannot be told apart: the client is remote, or has gone.
 * Reads all sockets of the host: call it once a connection.
 */
bool peer_owner(const struct sockaddr *address, uint32_t *uid);

#endif
