/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of encoders: old and new hosts. */
#include <stdio.h>

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
