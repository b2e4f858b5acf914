/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of encoders: old and new hosts, and manners in a process that is not theirs. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/encoder_rig.h"
#include "check/encoder_tests.h"

static void run_with(struct check_run *run, enum check_host_kind kind, const char *host)
{
    struct rig *rig = rig_open(run, kind);
    snprintf(rig->with, sizeof rig->with, " on %s", host);
    rig_run(rig, 1, 8);
    if (!rig_packets(rig))
        check_fail(run, "on %s no packet came of 8 frames and drain()", host);
    rig_destroy(rig);
}

void encoder_minimal_host(struct check_run *run)
{
    run_with(run, CHECK_HOST_MINIMAL, "a host without optional interfaces");
}

void encoder_future_host(struct check_run *run)
{
    run_with(run, CHECK_HOST_FUTURE, "a host of a later minor version");
}

void encoder_interface(struct check_run *run)
{
    static const char *const ids[] = {"org.example.unknown/1", "", "oriel.encoder/1x"};
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    for (size_t i = 0; rig->encoder->get_interface && i < sizeof ids / sizeof ids[0]; i++) {
        check_doing(run, "get_interface(\"%s\")", ids[i]);
        if (rig->encoder->get_interface(rig->self, ids[i]))
            check_fail(run,
                       "get_interface(\"%s\") answers something; an interface that the "
                       "instance does not have is NULL",
                       ids[i]);
    }
    rig_destroy(rig);
}

/* What belongs to the process. */
struct process {
    struct sigaction actions[32];
    sigset_t mask;
    char locale[256], folder[1024];
    mode_t umask;
};

static void look(struct process *process)
{
    memset(process, 0, sizeof *process);
    for (int i = 1; i < 32; i++)
        sigaction(i, NULL, &process->actions[i]);
    sigprocmask(SIG_SETMASK, NULL, &process->mask);
    snprintf(process->locale, sizeof process->locale, "%s", setlocale(LC_ALL, NULL));
    if (!getcwd(process->folder, sizeof process->folder))
        process->folder[0] = '\0';
    process->umask = umask(0);
    umask(process->umask);
}

void encoder_manners(struct check_run *run)
{
    struct process before, after;
    picture_free(
        picture_new(&(struct oriel_format){.fourcc = ORIEL_FMT_I420, .width = 2, .height = 2},
                    1)); /* with which our own handler is there */
    look(&before);
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    rig_run(rig, 1, 8);
    rig_destroy(rig);
    look(&after);
    for (int i = 1; i < 32; i++) {
        if (before.actions[i].sa_handler != after.actions[i].sa_handler)
            check_fail(run, "it changed what %s does (%s); handlers of signals are the host's",
                       sigabbrev_np(i), strsignal(i));
    }
    for (int i = 1; i < 32; i++) {
        if (sigismember(&before.mask, i) != sigismember(&after.mask, i))
            check_fail(run,
                       "it left signal %d blocked or free otherwise than it was on the "
                       "caller's thread",
                       i);
    }
    if (strcmp(before.locale, after.locale) != 0)
        check_fail(run, "it set the locale from %s to %s; it is the host's", before.locale,
                   after.locale);
    if (strcmp(before.folder, after.folder) != 0)
        check_fail(run, "it changed the working directory to %s; it is the host's", after.folder);
    if (before.umask != after.umask)
        check_fail(run, "it changed the umask from %03o to %03o; it is the host's", before.umask,
                   after.umask);
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        check_fail(run, "it left a child process; a module does not fork");
}
