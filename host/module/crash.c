/* SPDX-License-Identifier: BSD-3-Clause */
/* The handlers use what is safe in them alone: write, open, _dl_find_object, and backtrace once it
 * has been called before, which loads what it needs. */
#include "module/crash.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "module/call.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/thread.h"

#define DEPTH 64

static const struct {
    int number;
    const char *name;
} fatal[] = {{SIGSEGV, "SIGSEGV"},
             {SIGBUS, "SIGBUS"},
             {SIGFPE, "SIGFPE"},
             {SIGILL, "SIGILL"},
             {SIGABRT, "SIGABRT"}};
#define FATAL_COUNT (sizeof fatal / sizeof fatal[0])

static struct sigaction before[FATAL_COUNT];
static const char *program = "oriel";
static _Atomic(char *) record_path; /* allocated */
static sem_t dumped;
static atomic_flag dying = ATOMIC_FLAG_INIT;

/* --- a line without stdio --- */

struct line {
    char text[2048];
    size_t length;
};

static void add(struct line *line, const char *text)
{
    while (*text && line->length < sizeof line->text - 1)
        line->text[line->length++] = *text++;
}

static void add_number(struct line *line, uint64_t number, unsigned base)
{
    char digits[24], *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = "0123456789abcdef"[number % base];
    while (number /= base);
    add(line, at);
}

static void flush(struct line *line, int fd)
{
    size_t done = 0;
    line->text[line->length++] = '\n';
    while (done < line->length) {
        ssize_t n = write(fd, line->text + done, line->length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    line->length = 0;
}

/* --- the stack --- */

static const char *file_of(const void *pc, uintptr_t *offset)
{
    struct dl_find_object found;
    if (_dl_find_object((void *)(uintptr_t)pc, &found) != 0)
        return NULL;
    *offset = (uintptr_t)pc - (uintptr_t)found.dlfo_link_map->l_addr;
    const char *name = found.dlfo_link_map->l_name;
    return *name ? name : "oriel";
}

static int stack_of(void *frames[DEPTH], const ucontext_t *context)
{
    void *pc = NULL;
#if defined(__x86_64__)
    pc = (void *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    pc = (void *)(uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
#endif
    int count = backtrace(frames, DEPTH), from = 0;
    while (pc && from < count && frames[from] != pc)
        from++; /* the handler's own frames */
    if (from == count) {
        if (!pc)
            return count;
        memmove(frames + 1, frames, (size_t)(count < DEPTH ? count : DEPTH - 1) * sizeof *frames);
        frames[0] = pc; /* a jump into nowhere: what led there is behind it */
        return count < DEPTH ? count + 1 : DEPTH;
    }
    memmove(frames, frames + from, (size_t)(count - from) * sizeof *frames);
    return count - from;
}

/* What addr2line takes: the file and the address in it. */
static void print_stack(void *const *frames, int count)
{
    struct line line = {.length = 0};
    for (int i = 0; i < count; i++) {
        uintptr_t offset = 0;
        const char *file = file_of(frames[i], &offset);
        add(&line, "  #");
        add_number(&line, (uint64_t)i, 10);
        add(&line, " ");
        add(&line, file ? file : "?");
        add(&line, " +0x");
        add_number(&line, file ? offset : (uintptr_t)frames[i], 16);
        flush(&line, STDERR_FILENO);
    }
}

/* --- who it was --- */

/* The innermost frame that lies in a module's file: on a thread that no call of ours runs on. */
static const struct callee *owner(void *const *frames, int count)
{
    const struct callee *callee = NULL;
    for (int i = 0; i < count && !callee; i++)
        callee = call_owner(frames[i]);
    return callee;
}

bool crash_record(const struct callee *callee, const char *op, const char *how)
{
    const char *path = atomic_load(&record_path);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return false;
    struct line line = {.length = 0};
    add(&line, callee->record);
    add(&line, ",\"op\":\"");
    add(&line, op);
    add(&line, "\",\"how\":\"");
    add(&line, how);
    add(&line, "\",\"time\":");
    add_number(&line, (uint64_t)time(NULL), 10);
    add(&line, "}");
    flush(&line, fd);
    close(fd);
    return true;
}

void crash_tell_quarantine(const struct callee *callee)
{
    struct line line = {.length = 0};
    add(&line, "oriel: the next start leaves ");
    add(&line, callee->id);
    add(&line, " out, until another file is in its place or --no-quarantine is given");
    flush(&line, STDERR_FILENO);
}

static void say(const struct callee *callee, const char *op, const char *how, const siginfo_t *info)
{
    struct line line = {.length = 0};
    if (callee) {
        add(&line, program);
        add(&line, ": module ");
        add(&line, callee->id);
        add(&line, " crashed in ");
        add(&line, op);
        add(&line, " (file ");
        add(&line, callee->path);
        add(&line, "): ");
    } else {
        add(&line, program);
        add(&line, ": crashed, in no call of a module: ");
    }
    add(&line, how);
    if (info->si_code > 0 && info->si_signo != SIGABRT) {
        add(&line, " at address 0x");
        add_number(&line, (uintptr_t)info->si_addr, 16);
    }
    flush(&line, STDERR_FILENO);
}

/* --- the handlers --- */

static void on_fatal(int number, siginfo_t *info, void *context)
{
    size_t which = 0;
    while (fatal[which].number != number)
        which++;
    if (!atomic_flag_test_and_set(&dying)) { /* the others' faults are told by their cores */
        void *frames[DEPTH];
        struct call_mark call = call_current();
        const char *op = call.op;
        bool recorded = false;
        if (call.callee) /* first what the next start needs */
            recorded = crash_record(call.callee, op, fatal[which].name);
        int count = stack_of(frames, context);
        if (!call.op && (call.callee = owner(frames, count))) {
            op = "a thread of its own";
            recorded = crash_record(call.callee, op, fatal[which].name);
        }
        say(call.callee, op, fatal[which].name, info);
        print_stack(frames, count);
        if (recorded)
            crash_tell_quarantine(call.callee);
    }
    /* As it would have gone without us: a fault comes again on return, anything else is sent again
     * and waits for it. */
    sigaction(number, &before[which], NULL);
    if (info->si_code <= 0 || number == SIGABRT)
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
}

static void on_dump(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    int error = errno;
    void *frames[DEPTH];
    print_stack(frames, stack_of(frames, context));
    sem_post(&dumped);
    errno = error;
}

bool crash_dump_thread(pid_t thread)
{
    struct timespec until;
    while (sem_trywait(&dumped) == 0) /* one that came too late */
        continue;
    if (syscall(SYS_tgkill, getpid(), thread, THREAD_DUMP_SIGNAL) != 0)
        return false;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2;
    int failed;
    while ((failed = sem_timedwait(&dumped, &until)) != 0 && errno == EINTR)
        continue;
    return failed == 0;
}

void crash_name(const char *name)
{
    program = name;
}

void crash_watch(const char *record)
{
    static bool watching;
    const char *old = atomic_load(&record_path);
    bool same = old && record && strcmp(old, record) == 0;
    if (!same) /* nothing crashes just now that reads the old one */
        free(atomic_exchange(&record_path, record && *record ? xstrdup(record) : NULL));
    if (record && *record)
        file_make_folders(record);
    if (watching)
        return;
    watching = true;
    void *frames[4];
    backtrace(frames, 4);
    sem_init(&dumped, 0, 0);
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    action.sa_sigaction = on_fatal;
    for (size_t i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal[i].number, &action, &before[i]);
    action.sa_sigaction = on_dump;
    action.sa_flags |= SA_RESTART;
    sigaction(THREAD_DUMP_SIGNAL, &action, NULL);
}
