/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "ctl/url.h"

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *path, *token, *shown;
        unsigned port;
        bool secure;
    } rows[] = {
        {"http://127.0.0.1:8081/", "127.0.0.1", "/state", "", "http://127.0.0.1:8081/", 8081,
         false},
        {"http://localhost", "localhost", "/state", "", "http://localhost", 80, false},
        {"http://h:1/s/abc", "h", "/s/abc/state", "", "http://h:1/s/abc", 1, false},
        {"http://h:1/s/abc/?token=a%2Fb%20c&x=1#view", "h", "/s/abc/state", "a/b c",
         "http://h:1/s/abc/", 1, false},
        {"https://h/?x=1&token=t", "h", "/state", "t", "https://h/", 443, true},
        {"HTTP://h?token=t", "h", "/state", "t", "HTTP://h", 80, false},
        {"http://h/#token=no", "h", "/state", "", "http://h/", 80, false},
        {"http://h/?atoken=no", "h", "/state", "", "http://h/", 80, false},
        {"ws://h:8081", "h", "/", "", "ws://h:8081", 8081, false},
        {"ws://h:8081/s/state?token=t", "h", "/s/state", "t", "ws://h:8081/s/state", 8081, false},
        {"wss://h/", "h", "/", "", "wss://h/", 443, true},
        {"http://[::1]:9/", "::1", "/state", "", "http://[::1]:9/", 9, false},
        {"http://[fe80::1]/", "fe80::1", "/state", "", "http://[fe80::1]/", 80, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ctl_url url;
        struct ctl_error err = {0};
        if (!ctl_url_parse(rows[i].text, &url, &err))
            fail_msg("%s: %s", rows[i].text, err.message);
        assert_string_equal(url.host, rows[i].host);
        assert_string_equal(url.path, rows[i].path);
        assert_string_equal(url.token, rows[i].token);
        assert_string_equal(url.shown, rows[i].shown);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.secure, rows[i].secure);
    }
}

static void no_addresses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "localhost:8081",
        "ftp://h/",
        "http://",
        "http:///path",
        "http://h:",
        "http://h:0/",
        "http://h:65536",
        "http://h:8x/",
        "http://h:-1/",
        "http://[::",
        "http://[::1]9/",
        "http://u@h/",
        "http://h/a b",
        "http://h/?token=%0a",
        "http://h:+1",
        "http://h/?token=%zz",
        "http://h/?token=%2",
        "http://h/a\r\nHost: x",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ctl_url url;
        struct ctl_error err = {0};
        if (ctl_url_parse(rows[i], &url, &err))
            fail_msg("%s was taken", rows[i]);
        assert_string_equal(err.code, "url");
        assert_true(err.message[0] != '\0');
    }
    char text[2048] = "http://h/";
    memset(text + 9, 'a', 1500);
    struct ctl_url url;
    assert_false(ctl_url_parse(text, &url, NULL));
    memcpy(text, "http://h/?token=", 16);
    struct ctl_error err;
    assert_false(ctl_url_parse(text, &url, &err));
    assert_null(strstr(err.message, "aaaa")); /* a secret stays one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(no_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
