/* SPDX-License-Identifier: BSD-3-Clause */
/* A child process that may crash, hang or exit. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/shared.h"
#include "util/clock.h"

/* The module's words must not spoil the report; the last of them may explain a crash. */
static int capture_output(void)
{
    int fd = memfd_create("oriel-check", MFD_CLOEXEC);
    return fd;
}

static _Noreturn void child(int output, void (*work)(void *data), void *data)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    close(nothing);
    if (output >= 0) {
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        close(output);
    }
    work(data);
    _exit(0); /* not exit(): what a module left for that moment is not our concern */
}

/* Of what it wrote, the line that tells most: a sanitizer's summary, or the last one. */
static void last_words(int output, char *line, size_t size)
{
    char bytes[8193];
    off_t end = output >= 0 ? lseek(output, 0, SEEK_END) : 0;
    off_t from = end > 8192 ? end - 8192 : 0;
    ssize_t got = output >= 0 ? pread(output, bytes, sizeof bytes - 1, from) : 0;
    line[0] = '\0';
    if (got <= 0)
        return;
    bytes[got] = '\0';
    char *start = strstr(bytes, "SUMMARY: ");
    if (start) {
        start[strcspn(start, "\n")] = '\0';
    } else {
        while (got > 0 && (unsigned char)bytes[got - 1] <= ' ')
            bytes[--got] = '\0';
        start = strrchr(bytes, '\n');
        start = start ? start + 1 : bytes;
    }
    snprintf(line, size, "%s%.300s", start[0] ? ": " : "", start);
}

/* False when the time is up. */
static bool wait_for(pid_t pid, double seconds, int *status)
{
    int fd = pidfd_open(pid, 0);
    struct pollfd ended = {fd, POLLIN, 0};
    int64_t end = clock_ns() + (int64_t)(seconds * 1e9), left;
    int n = 0;
    while (n == 0 || (n < 0 && errno == EINTR)) {
        left = end - clock_ns();
        if (left <= 0)
            break;
        n = poll(&ended, 1, (int)(left / NS_PER_MS) + 1);
    }
    close(fd);
    if (n <= 0)
        kill(pid, SIGKILL);
    kill(-pid, SIGKILL); /* with whatever it has started; one that has ended keeps its status */
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        continue;
    return n > 0;
}

bool check_child(struct check_shared *shared, double seconds, void (*work)(void *data), void *data,
                 struct error *err)
{
    fflush(NULL);
    int output = capture_output(), status = 0;
    pid_t pid = fork();
    if (pid == 0)
        child(output, work, data);
    if (pid < 0) {
        if (output >= 0)
            close(output);
        return error_set(err, "no process could be started for it: %s", strerror(errno));
    }
    setpgid(pid, pid);
    bool in_time = wait_for(pid, seconds, &status);
    char said[320];
    last_words(output, said, sizeof said);
    if (output >= 0)
        close(output);
    const char *in = shared->doing[0] ? " in " : "";
    if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0 && shared->done)
        return true;
    if (!in_time)
        return error_set(err, "did not come to an end within %g s%s%s%s; every call has to return",
                         seconds, in, shared->doing, said);
    if (WIFSIGNALED(status))
        return error_set(err, "crashed (%s)%s%s%s; no call may end the host's process",
                         strsignal(WTERMSIG(status)), in, shared->doing, said);
    return error_set(err,
                     "ended its process with exit status %d%s%s%s; a module never calls exit()",
                     WEXITSTATUS(status), in, shared->doing, said);
}
