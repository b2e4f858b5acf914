/* SPDX-License-Identifier: BSD-3-Clause */
/* Who runs on a thread, and what is said of it when that ends badly or not at all. Each case is a
 * process of its own, since it does not survive. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "module/call.h"
#include "module/crash.h"
#include "module/quarantine.h"
#include "module/registry.h"
#include "module/watchdog.h"
#include "util/check.h"
#include "util/thread.h"

static char folder[] = "/tmp/oriel-contain-XXXXXX";
static struct callee callee = {.id = "test/one", .path = "/modules/one.so"};
static struct callee patient = {.id = "test/slow", .path = "/modules/slow.so", .waits = true};
static const struct module_use one = {.callee = &callee}, slow = {.callee = &patient};
static volatile int *volatile nowhere;

struct outcome {
    int status;
    char said[8192], record[4096];
};

static void read_all(const char *name, char *text, size_t room)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, room - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
}

/* Runs `run` in a child that watches for crashes. */
static struct outcome in_child(void (*run)(void))
{
    static struct outcome outcome;
    char said[128], record[128];
    snprintf(said, sizeof said, "%s/said", folder);
    snprintf(record, sizeof record, "%s/deep/record", folder);
    unlink(record);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            signal(numbers[i], SIG_DFL); /* CMocka's */
        CHECK(freopen(said, "we", stderr));
        crash_watch(record);
        run();
        fflush(NULL);
        _exit(0);
    }
    waitpid(pid, &outcome.status, 0);
    read_all("said", outcome.said, sizeof outcome.said);
    read_all("deep/record", outcome.record, sizeof outcome.record);
    return outcome;
}

static void died(const struct outcome *outcome, int number)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)number; /* the sanitizer's own handler comes after ours, and exits */
    assert_false(WIFEXITED(outcome->status) && WEXITSTATUS(outcome->status) == 0);
#else
    assert_true(WIFSIGNALED(outcome->status));
    assert_int_equal(WTERMSIG(outcome->status), number);
#endif
}

static void has(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("\"%s\" is not in:\n%s", words, text);
}

/* --- crashes --- */

static void crash_encode(void)
{
    MODULE_CALL(&one, "encode", (void)(*nowhere = 1));
}

static void inner(void)
{
    MODULE_CALL(&slow, "inner", (void)0);
    abort();
}

static void crash_nested(void)
{
    MODULE_CALL(&one, "outer", inner());
}

static void call_back(void)
{
    MODULE_HOST;
    abort();
}

static void crash_host(void)
{
    MODULE_CALL(&one, "encode", call_back());
}

static void crash_after(void)
{
    MODULE_CALL(&one, "encode", (void)0);
    abort();
}

static int deep(volatile char *above)
{
    volatile char room[4096];
    room[0] = *above;
    return room[0] ? 0 : deep(room) + room[0];
}

static void *overflow(void *data)
{
    volatile char begin = 0;
    MODULE_CALL(&one, "draw", deep(&begin));
    return data;
}

static void crash_stack(void)
{
    pthread_t thread;
    CHECK(thread_start(&thread, "deep", overflow, NULL));
    pthread_join(thread, NULL);
}

static void test_crash(void **state)
{
    (void)state;
    struct outcome outcome = in_child(crash_encode);
    died(&outcome, SIGSEGV);
    has(outcome.said, "oriel: module test/one crashed in encode (file /modules/one.so): SIGSEGV");
    has(outcome.said, "  #0 ");
    has(outcome.said, "  #1 ");
    has(outcome.record, "{\"id\":\"test/one\",\"op\":\"encode\",\"how\":\"SIGSEGV\",\"time\":");
    outcome = in_child(crash_nested);
    died(&outcome, SIGABRT);
    has(outcome.said, "module test/one crashed in outer");
}

static void test_nobody(void **state)
{
    (void)state;
    struct outcome outcome = in_child(crash_host);
    died(&outcome, SIGABRT);
    has(outcome.said, "oriel: crashed, in no call of a module: SIGABRT");
    assert_string_equal(outcome.record, "");
    outcome = in_child(crash_after);
    died(&outcome, SIGABRT);
    has(outcome.said, "in no call of a module");
    assert_string_equal(outcome.record, "");
}

static void test_full_stack(void **state)
{
    (void)state;
    struct outcome outcome = in_child(crash_stack);
    died(&outcome, SIGSEGV);
    has(outcome.said, "module test/one crashed in draw");
    has(outcome.record, "\"op\":\"draw\"");
}

/* --- hangs --- */

static void *hang(void *data)
{
    for (;;)
        MODULE_CALL(&one, "grab", pause());
    return data;
}

static void hang_thread(void)
{
    pthread_t thread;
    watchdog_start(100, 400);
    CHECK(thread_start(&thread, "hang", hang, NULL));
    pthread_join(thread, NULL);
}

static void read_slowly(void)
{
    watchdog_start(50, 150);
    MODULE_CALL(&slow, "read", usleep(500000));
    watchdog_stop();
}

static void *nothing(void *data)
{
    for (int i = 0; i < 200; i++) {
        MODULE_CALL(&one, "encode", (void)0);
        usleep(i % 20 ? 100 : 20000);
    }
    return data;
}

static void many_calls(void)
{
    pthread_t threads[8];
    for (int round = 0; round < 3; round++) {
        watchdog_start(60, 200);
        for (int i = 0; i < 8; i++)
            CHECK(thread_start(&threads[i], "calls", nothing, NULL));
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
        watchdog_stop();
    }
}

static long switches_of(const char *thread)
{
    char command[256];
    snprintf(command, sizeof command,
             "for t in /proc/%d/task/*; do grep -qx %s $t/comm && awk '/ctxt/ {n += $2} END {print "
             "n}' $t/status; done",
             (int)getpid(), thread);
    FILE *out = popen(command, "re");
    char line[64] = "";
    if (!fgets(line, sizeof line, out))
        line[0] = '\0';
    pclose(out);
    return atol(line);
}

static void sleep_well(void)
{
    watchdog_start(100, 300);
    MODULE_CALL(&one, "encode", (void)0);
    usleep(400000); /* it looks once more, and finds nothing */
    long before = switches_of("watchdog");
    usleep(600000);
    fprintf(stderr, "switches %ld %ld\n", before, switches_of("watchdog") - before);
}

static void test_hang(void **state)
{
    (void)state;
    struct outcome outcome = in_child(hang_thread);
    died(&outcome, SIGABRT);
    has(outcome.said, "test/one: grab has been running for 0.1 s");
    has(outcome.said, "module test/one hangs in grab (file /modules/one.so): for 0.4 s");
    has(outcome.said, "  #1 ");
    has(outcome.record, "\"op\":\"grab\",\"how\":\"hung\"");
}

static void test_patience(void **state)
{
    (void)state;
    struct outcome outcome = in_child(read_slowly);
    assert_int_equal(outcome.status, 0);
    has(outcome.said, "test/slow: read has been running for 0.1 s");
    assert_null(strstr(strstr(outcome.said, "running") + 1, "running")); /* told once */
    outcome = in_child(many_calls);
    assert_int_equal(outcome.status, 0);
    assert_null(strstr(outcome.said, "hangs"));
}

static void test_idle(void **state)
{
    (void)state;
    struct outcome outcome = in_child(sleep_well);
    long before = 0, more = -1;
    assert_int_equal(outcome.status, 0);
    const char *line = strstr(outcome.said, "switches ");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "switches %ld %ld", &before, &more), 2);
    assert_true(before > 0);
    assert_int_equal(more, 0);
}

static int setup(void **state)
{
    (void)state;
    CHECK(mkdtemp(folder));
    callee.record = "{\"id\":\"test/one\"";
    patient.record = "{\"id\":\"test/slow\"";
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash),      cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_full_stack), cmocka_unit_test(test_hang),
        cmocka_unit_test(test_patience),   cmocka_unit_test(test_idle),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
