/* SPDX-License-Identifier: BSD-3-Clause */
/* How many threads an encoder on the CPU gets by itself. Compiled into each of them. */
#ifndef ENCODE_THREADS_H
#define ENCODE_THREADS_H

#include <stdint.h>

/* Cores that this process may use: those of its affinity mask, at most what the quotas of its
 * control group and of those above give (version 1 or 2, rounded down), at least one. */
unsigned encode_cores(void);
/* The same for `allowed` cores where /proc and /sys lie under `root`. */
unsigned encode_cores_under(const char *root, unsigned allowed);

/* Threads for pictures of `height` rows on `cores` cores, at most `most`: one up to two cores, of
 * which the renderer needs the other; then all but one, from eight on all but two, for renderer and
 * transport; and none with less than four rows of macroblocks, which is as far as slices pay. */
int encode_share(unsigned cores, uint32_t height, int most);

/* `wanted`, or for 0 this machine's share. */
int encode_thread_count(int64_t wanted, uint32_t height, int most);

#endif
