/*
 * From which network was a form filled in? PHP's mail() can tell it in a header field of its own.
 */
#ifndef LEUMUND_SIGNUP_VISITOR_H
#define LEUMUND_SIGNUP_VISITOR_H

#include <stdbool.h>

#include "text.h"

/* Bytes of a network with its NUL: "2001:db8:1::/48". */
#define VISITOR_SIZE 52

/*
 * From the value of X-PHP-Script, "host/path for ADDRESS, ADDRESS": the network of the last address, which the web
 * server saw itself; what stands before it a proxy may have said, or the visitor. IPv4 /24, IPv6 /48. False: there is
 * none, or it is no visitor's: loopback, private, link-local, multicast.
 */
bool visitor_network(struct span value, char out[VISITOR_SIZE]);

#endif
