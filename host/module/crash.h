/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process does when a fatal signal comes: it says which module did that, with the stack,
 * writes it down for the quarantine, and dies of that signal as it would have. */
#ifndef MODULE_CRASH_H
#define MODULE_CRASH_H

#include <stdbool.h>
#include <sys/types.h>

struct callee;

/* SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and THREAD_DUMP_SIGNAL from now on. `record`: the file
 * of the quarantine, which is copied; NULL: nothing is written down. Again: another file. [main] */
void crash_watch(const char *record);

/* How the process is called in what it says, "oriel" otherwise; kept. Before crash_watch(). */
void crash_name(const char *name);

/* A line of the file; false where nothing is written down. `how`: "SIGSEGV", …, "hung". Safe in a
 * signal handler, as the next one. */
bool crash_record(const struct callee *callee, const char *op, const char *how);
/* On stderr: what a line of the file means. */
void crash_tell_quarantine(const struct callee *callee);
/* The stack of a thread of this process goes to stderr; false where the thread does not show it
 * within two seconds. */
bool crash_dump_thread(pid_t thread);

#endif
