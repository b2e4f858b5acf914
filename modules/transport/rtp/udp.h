/* SPDX-License-Identifier: BSD-3-Clause */
/* The two sockets of an RTP session (RFC 3550): packets and reports go out, what receivers report
 * comes in on a thread of its own. */
#ifndef RTP_UDP_H
#define RTP_UDP_H

#include <stdbool.h>
#include <stdint.h>

struct udp;

/* `asked`: a receiver wants a key picture (PLI or FIR of RFC 4585, RFC 5104); on the thread.
 * `pace`: bits a second at most, 0: as fast as they come. NULL with the reason. */
struct udp *udp_open(const char *host, unsigned port, int ttl, double pace,
                     void (*asked)(void *data), void *data, char why[256]);
void udp_close(struct udp *udp); /* NULL is fine */
/* One packet of RTP or RTCP. What the network refuses is lost, as on its way. [one thread] */
void udp_send(struct udp *udp, const uint8_t *packet, unsigned bytes);

#endif
