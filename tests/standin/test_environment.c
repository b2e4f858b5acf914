/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole servers are told by the environment: this program runs itself as one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

enum { OUT_OF_MEMORY = 2 };

/* Leaves a session, opens one too many, breaks a rule and meets two injected failures. */
static int child(void)
{
    void *state = NULL;
    struct client a, b;
    CUdeviceptr memory;
    rig_open(&state);
    bool good = client_open(&a) == NV_ENC_SUCCESS &&
                client_open(&b) == NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY &&
                cu->cuMemAlloc(&memory, 32) == CUDA_SUCCESS &&
                cu->cuMemAlloc(&memory, 32) == (CUresult)OUT_OF_MEMORY &&
                nv.nvEncGetEncodeGUIDCount(a.session, NULL) == NV_ENC_ERR_GENERIC &&
                nv.nvEncGetEncodeGUIDCount(a.session, NULL) == NV_ENC_ERR_INVALID_PTR;
    return good ? 0 : 1;
}

static void tells_and_is_told(void **state)
{
    (void)state;
    char path[] = "/tmp/standin-XXXXXX", text[2048];
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    pid_t pid = fork();
    if (!pid) {
        setenv("ORIEL_STANDIN_REPORT", path, 1);
        setenv("ORIEL_STANDIN_SET", "delay.us=10,sessions=1", 1);
        setenv("ORIEL_STANDIN_FAIL", "cuMemAlloc:2:2,nvEncGetEncodeGUIDCount:1:20", 1);
        setenv("ASAN_OPTIONS", "intercept_tls_get_addr=0:detect_leaks=0", 1); /* it leaves things */
        execl("/proc/self/exe", "child", "child", (char *)NULL);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = 0;
    fclose(in);
    unlink(path);
    assert_non_null(strstr(text, "standin nvenc: nvEncGetEncodeGUIDCount: NULL\n"));
    assert_non_null(strstr(text, "standin nvenc: 1 faults, 1 live objects, made.sessions 1\n"));
    assert_non_null(strstr(text, "standin cuda: 0 faults, 2 live objects\n")); /* context, memory */
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return child();
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_and_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
