/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks after calls into modules that do not come back: one over its deadline is told in the log;
 * one that hangs has its stack printed and ends the process, for whoever supervises that to start
 * it again. A thread that sleeps until then, and for ever while no module runs. */
#ifndef MODULE_WATCHDOG_H
#define MODULE_WATCHDOG_H

#include <stdint.h>

/* In ms; 0: never. After crash_watch(). Calls of it nest, the first one's times count. [main] */
void watchdog_start(int64_t deadline_ms, int64_t hang_ms);
void watchdog_stop(void);

#endif
