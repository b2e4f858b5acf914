/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/manners.h"

#include <errno.h>
#include <fenv.h>
#include <float.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/check.h"

enum { SIGNALS = 32 };

struct manners {
    struct sigaction actions[SIGNALS];
    sigset_t mask;
    char locale[256], folder[1024];
    mode_t umask;
    int rounding, traps;
    bool denormals;
    uint64_t environment;
    off_t written[2]; /* to standard output and error; -1 where they are no files */
};

/* FNV-1a of all variables. */
static uint64_t hash_environment(void)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (char **at = environ; at && *at; at++)
        for (const char *c = *at; c == *at || c[-1]; c++) /* with the NUL */
            hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    return hash;
}

/* Sanitizers and valgrind may well write to a terminal; a test of its own process has files. */
static off_t written(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : -1;
}

static bool has_denormals(void)
{
    volatile double least = DBL_MIN;
    return least / 2 != 0;
}

struct manners *manners_look(void)
{
    struct manners *self = xcalloc(1, sizeof *self);
    fflush(NULL);
    for (int i = 1; i < SIGNALS; i++)
        sigaction(i, NULL, &self->actions[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &self->mask);
    snprintf(self->locale, sizeof self->locale, "%s", setlocale(LC_ALL, NULL));
    if (!getcwd(self->folder, sizeof self->folder))
        self->folder[0] = '\0';
    self->umask = umask(0);
    umask(self->umask);
    self->rounding = fegetround();
    self->traps = fegetexcept();
    self->denormals = has_denormals();
    self->environment = hash_environment();
    for (int i = 0; i < 2; i++)
        self->written[i] = written(i ? STDERR_FILENO : STDOUT_FILENO);
    return self;
}

/* The first line behind what was there. */
static void words(int fd, off_t from, char *text, size_t size)
{
    ssize_t got = pread(fd, text, size - 1, from);
    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static void compare_signals(struct check_run *run, const struct manners *before,
                            const struct manners *after)
{
    for (int i = 1; i < SIGNALS; i++) {
        if (before->actions[i].sa_handler != after->actions[i].sa_handler)
            check_fail(run, "it changed what %s does (%s); handlers of signals are the host's",
                       sigabbrev_np(i), strsignal(i));
    }
    for (int i = 1; i < SIGNALS; i++) {
        if (sigismember(&before->mask, i) != sigismember(&after->mask, i))
            check_fail(run,
                       "it left %s blocked or free otherwise than it was on the caller's thread; "
                       "a module blocks signals on its own threads alone",
                       sigabbrev_np(i));
    }
}

static void compare_numbers(struct check_run *run, const struct manners *before,
                            const struct manners *after)
{
    if (before->rounding != after->rounding)
        check_fail(run, "it left the caller's thread with another rounding of floating point; "
                        "what it changes of that it puts back");
    if (before->traps != after->traps)
        check_fail(run, "it left the caller's thread with other exceptions of floating point "
                        "enabled; what it changes of that it puts back");
    if (before->denormals != after->denormals)
        check_fail(run,
                   "it left the caller's thread with denormal numbers %s; what it changes of "
                   "floating point it puts back",
                   after->denormals ? "on" : "flushed to zero");
}

static void compare_process(struct check_run *run, const struct manners *before,
                            const struct manners *after)
{
    if (strcmp(before->locale, after->locale) != 0)
        check_fail(run, "it set the locale from %s to %s; it is the host's", before->locale,
                   after->locale);
    if (strcmp(before->folder, after->folder) != 0)
        check_fail(run, "it changed the working directory to %s; it is the host's", after->folder);
    if (before->umask != after->umask)
        check_fail(run, "it changed the umask from %03o to %03o; it is the host's", before->umask,
                   after->umask);
    if (before->environment != after->environment)
        check_fail(run, "it changed the environment variables; they are the host's, and another "
                        "thread may read them");
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        check_fail(run, "it left a child process; a module does not fork");
}

void manners_compare(struct check_run *run, const struct manners *before)
{
    struct manners *after = manners_look();
    compare_signals(run, before, after);
    compare_process(run, before, after);
    compare_numbers(run, before, after);
    for (int i = 0; i < 2; i++) {
        char text[200];
        if (before->written[i] < 0 || after->written[i] <= before->written[i])
            continue;
        words(i ? STDERR_FILENO : STDOUT_FILENO, before->written[i], text, sizeof text);
        check_fail(run,
                   "it wrote to standard output or error, \"%s\"; what a module has to say goes "
                   "through host->log()",
                   text);
    }
    free(after);
}
