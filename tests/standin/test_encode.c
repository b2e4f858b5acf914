/* SPDX-License-Identifier: BSD-3-Clause */
/* The stand-in for NVENC as a card: what it encodes is what was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig.h"

static struct packet packet;

static void no_faults(void)
{
    expect_faults(&cuda_standin, 0, "");
    expect_faults(&nvenc_standin, 0, "");
}

static void encodes_h264(void **state)
{
    (void)state;
    struct client c;
    client_create(&c);
    unsigned types[32];
    for (unsigned t = 0; t < 12; t++) {
        client_round(&c, t, t == 6 ? NV_ENC_PIC_FLAG_FORCEIDR : 0, &packet);
        assert_int_equal(packet.timestamp, 1001 + t);
        bool idr = t == 0 || t == 6;
        assert_int_equal(packet.type, idr ? NV_ENC_PIC_TYPE_IDR : NV_ENC_PIC_TYPE_P);
        unsigned n = nal_types(&packet, false, types, 32);
        if (t == 0) {
            assert_int_equal(n, 3);
            assert_int_equal(types[0], 7);
            assert_int_equal(types[1], 8);
        } else {
            assert_int_equal(n, 1);
        }
        assert_int_equal(types[n - 1], idr ? 5 : 1);
    }
    assert_int_equal(nvenc_standin.count("input.cuda"), 12);
    assert_int_equal(nvenc_standin.count("input.host"), 0);
    assert_int_equal(nvenc_standin.count("nvEncEncodePicture"), 12);
    client_destroy(&c);
    no_faults();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(encodes_h264, rig_reset, rig_reset),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}
