/* SPDX-License-Identifier: BSD-3-Clause */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct child {
    struct child_setup setup;
    pthread_t keeper;
    int wake; /* an eventfd */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, ended, stop, listening;
    int error; /* of the start */
    pid_t pid;
    int status;      /* of waitpid(); -1: somebody else has taken it */
    int patience_ms; /* of `stop` */
};

/* --- the keeper --- */

static int spawn(struct child *self)
{
    const struct child_setup *setup = &self->setup;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, setup->theirs, setup->as);
    posix_spawn_file_actions_addclosefrom_np(&actions, setup->as + 1);
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0); /* a terminal's ^C is for the parent */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    char *argv[] = {(char *)(uintptr_t)setup->program, (char *)(uintptr_t)setup->command, NULL};
    int error = posix_spawn(&self->pid, setup->program, &actions, &attributes, argv, environ);
    if (error)
        self->pid = 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static void drain_event(int fd)
{
    uint64_t count;
    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the process has ended, which pidfd tells. */
static void watch(struct child *self, int pidfd)
{
    int64_t kill_ms = -1;
    for (;;) {
        pthread_mutex_lock(&self->lock);
        bool stop = self->stop, listening = self->listening && !stop;
        if (stop && kill_ms < 0)
            kill_ms = now_ms() + self->patience_ms;
        pthread_mutex_unlock(&self->lock);
        int64_t left = stop ? kill_ms - now_ms() : -1;
        if (stop && left <= 0) {
            kill(self->pid, SIGKILL);
            left = -1;
        }
        struct pollfd fds[] = {{pidfd, POLLIN, 0},
                               {stop ? -1 : self->wake, POLLIN, 0},
                               {listening ? self->setup.socket : -1, POLLIN, 0}};
        if (poll(fds, 3, (int)left) < 0)
            continue;
        if (fds[0].revents)
            return;
        if (fds[1].revents)
            drain_event(self->wake);
        if (fds[2].revents)
            self->setup.listen(self->setup.data);
    }
}

static void *keep(void *data)
{
    struct child *self = data;
    int error = spawn(self);
    close(self->setup.theirs);
    int pidfd = error ? -1 : (int)syscall(SYS_pidfd_open, self->pid, 0);
    if (!error && pidfd < 0) {
        error = errno;
        kill(self->pid, SIGKILL);
    }
    pthread_mutex_lock(&self->lock);
    self->started = true;
    self->error = error;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    if (pidfd >= 0)
        watch(self, pidfd);
    if (pidfd >= 0)
        close(pidfd);
    pthread_mutex_lock(&self->lock); /* its number may be somebody else's from here on */
    self->status = -1;
    while (self->pid > 0 && waitpid(self->pid, &self->status, 0) < 0 && errno == EINTR)
        continue;
    self->ended = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

/* --- the others --- */

/* Signals are other threads' to take, but for those of faults. */
static int start_keeper(struct child *self)
{
    const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t all, old;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int error = pthread_create(&self->keeper, NULL, keep, self);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!error)
        pthread_setname_np(self->keeper, "remote encoder");
    return error;
}

static void free_child(struct child *self)
{
    if (self->wake >= 0)
        close(self->wake);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

struct child *child_start(const struct child_setup *setup, char *why, size_t room)
{
    struct child *self = calloc(1, sizeof(*self));
    if (!self) {
        close(setup->theirs);
        snprintf(why, room, "out of memory");
        return NULL;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&self->lock, NULL);
    self->setup = *setup;
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = self->wake < 0 ? errno : start_keeper(self);
    if (error) {
        close(setup->theirs);
        snprintf(why, room, "no thread for it: %s", strerror(error));
        free_child(self);
        return NULL;
    }
    pthread_mutex_lock(&self->lock);
    while (!self->started)
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
    if (!self->error)
        return self;
    snprintf(why, room, "%s cannot be started: %s", setup->program, strerror(self->error));
    child_destroy(self, 0);
    return NULL;
}

static void wake(struct child *self)
{
    const uint64_t one = 1;
    while (write(self->wake, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

void child_listen(struct child *self, bool wanted)
{
    pthread_mutex_lock(&self->lock);
    bool news = self->listening != wanted;
    self->listening = wanted;
    pthread_mutex_unlock(&self->lock);
    if (news && wanted) /* to stop it is not urgent */
        wake(self);
}

void child_kill(struct child *self)
{
    pthread_mutex_lock(&self->lock);
    if (!self->ended)
        kill(self->pid, SIGKILL);
    pthread_mutex_unlock(&self->lock);
}

static const char *signal_name(int number)
{
    const char *name = sigabbrev_np(number);
    return name ? name : "?";
}

static void describe(int status, char *how, size_t room)
{
    if (status == -1)
        snprintf(how, room, "has ended");
    else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGTERM)
        snprintf(how, room, "crashed (SIG%s)", signal_name(WTERMSIG(status)));
    else if (WIFSIGNALED(status))
        snprintf(how, room, "was killed (SIG%s)", signal_name(WTERMSIG(status)));
    else
        snprintf(how, room, "ended its process with status %d", WEXITSTATUS(status));
}

void child_end(struct child *self, int within_ms, char *how, size_t room)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += within_ms / 1000;
    until.tv_nsec += (long)(within_ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    how[0] = '\0';
    pthread_mutex_lock(&self->lock);
    while (!self->ended && pthread_cond_timedwait(&self->changed, &self->lock, &until) == 0)
        continue;
    if (self->ended)
        describe(self->status, how, room);
    pthread_mutex_unlock(&self->lock);
}

void child_destroy(struct child *self, int patience_ms)
{
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    self->stop = true;
    self->patience_ms = patience_ms;
    pthread_mutex_unlock(&self->lock);
    wake(self);
    pthread_join(self->keeper, NULL);
    free_child(self);
}
