/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/nearest.h"

static const char *hint(const char *name)
{
    static const char *const known[] = {"stream.fps", "stream.bitrate", "server.port", "log.level"};
    struct nearest nearest = nearest_begin(name);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        nearest_offer(&nearest, known[i]);
    return nearest_hint(&nearest);
}

static void test_nearest(void **state)
{
    (void)state;
    assert_string_equal(hint("stream.fsp"), ", did you mean stream.fps?");
    assert_string_equal(hint("stream.fp"), ", did you mean stream.fps?");
    assert_string_equal(hint("Stream.FPS"), ", did you mean stream.fps?");
    assert_string_equal(hint("sever.prot"), ", did you mean server.port?");
    assert_string_equal(hint("loglevel"), ", did you mean log.level?");
    assert_string_equal(hint("wholly.else"), "");
    assert_string_equal(hint("x"), "");
    assert_string_equal(hint(""), "");
    char endless[4000];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_string_equal(hint(endless), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nearest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
