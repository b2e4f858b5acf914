/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/call.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/check.h"
#include "util/clock.h"

/* For the handler of a fatal signal, which may come because the thread's own stack is full. */
#define STACK_BYTES ((size_t)64 << 10)

/* A thread that has called modules. Written by it alone; others read it at any time. */
struct record {
    struct record *next;
    pid_t thread;
    void *stack; /* of ours, NULL: it has another one */
    _Atomic(const struct callee *) callee;
    _Atomic(const char *) op;
    _Atomic(int64_t) since_ns; /* 0: no module runs */
    bool known;
};

static _Thread_local struct record own;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list, held for moments */
static struct record *records;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Atomic(struct callee *) callees;
static _Atomic(void (*)(void)) notify;
static atomic_bool quiet; /* `notify` is to be called */

/* --- threads come and go --- */

static void forget(void *data)
{
    struct record *record = data;
    pthread_mutex_lock(&lock);
    struct record **at = &records;
    while (*at != record)
        at = &(*at)->next;
    *at = record->next;
    pthread_mutex_unlock(&lock);
    record->known = false;
    if (!record->stack)
        return;
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    munmap(record->stack, STACK_BYTES);
    record->stack = NULL;
}

static void make_key(void)
{
    CHECK(pthread_key_create(&key, forget) == 0);
}

static void introduce(void)
{
    stack_t there;
    pthread_once(&once, make_key);
    if (sigaltstack(NULL, &there) == 0 && there.ss_flags & SS_DISABLE) {
        void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (stack != MAP_FAILED &&
            sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = STACK_BYTES}, NULL) == 0)
            own.stack = stack;
        else if (stack != MAP_FAILED)
            munmap(stack, STACK_BYTES);
    }
    own.thread = (pid_t)syscall(SYS_gettid);
    own.known = true;
    pthread_setspecific(key, &own);
    pthread_mutex_lock(&lock);
    own.next = records;
    records = &own;
    pthread_mutex_unlock(&lock);
}

/* --- calls --- */

static struct call_mark current(void)
{
    return (struct call_mark){
        .callee = atomic_load_explicit(&own.callee, memory_order_relaxed),
        .op = atomic_load_explicit(&own.op, memory_order_relaxed),
        .since_ns = atomic_load_explicit(&own.since_ns, memory_order_relaxed),
    };
}

/* A reader that finds the same time before and after has seen what belongs to it. */
static void set(const struct callee *callee, const char *op, int64_t since_ns)
{
    atomic_store_explicit(&own.since_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&own.callee, callee, memory_order_release);
    atomic_store_explicit(&own.op, op, memory_order_release);
    atomic_store(&own.since_ns, since_ns); /* in one order with `quiet` */
}

struct call_mark call_begin(const struct callee *callee, const char *op)
{
    if (!own.known)
        introduce();
    struct call_mark before = current();
    set(callee, op, clock_ns());
    if (atomic_load(&quiet) && atomic_exchange(&quiet, false)) {
        void (*begun)(void) = atomic_load(&notify);
        if (begun)
            begun();
    }
    return before;
}

struct call_mark call_host(void)
{
    if (!own.known)
        introduce();
    struct call_mark before = current();
    set(NULL, "host", 0);
    return before;
}

void call_end(const struct call_mark *before)
{
    set(before->callee, before->op, before->since_ns);
}

/* --- for the emergency --- */

static const void *object_of(const void *address)
{
    struct dl_find_object found;
    return _dl_find_object((void *)(uintptr_t)address, &found) == 0 ? found.dlfo_link_map : NULL;
}

void call_add_callee(struct callee *callee, const void *within)
{
    callee->object = object_of(within);
    callee->next = atomic_load(&callees);
    while (!atomic_compare_exchange_weak(&callees, &callee->next, callee))
        continue;
}

const struct callee *call_owner(const void *address)
{
    const void *object = object_of(address);
    const struct callee *callee = object ? atomic_load(&callees) : NULL;
    while (callee && callee->object != object)
        callee = callee->next;
    return callee;
}

struct call_mark call_current(void)
{
    return current();
}

void call_each(void (*each)(void *data, const struct call_running *running), void *data)
{
    pthread_mutex_lock(&lock);
    for (struct record *record = records; record; record = record->next) {
        struct call_running running = {.thread = record->thread};
        running.call.since_ns = atomic_load(&record->since_ns);
        running.call.callee = atomic_load_explicit(&record->callee, memory_order_acquire);
        running.call.op = atomic_load_explicit(&record->op, memory_order_acquire);
        if (running.call.since_ns && running.call.callee &&
            running.call.since_ns == atomic_load(&record->since_ns))
            each(data, &running);
    }
    pthread_mutex_unlock(&lock);
}

void call_notify(void (*begun)(void))
{
    atomic_store(&notify, begun);
    atomic_store(&quiet, begun != NULL);
}

void call_notify_again(void)
{
    atomic_store(&quiet, true);
}
