/* SPDX-License-Identifier: BSD-3-Clause */
/* Tokens and roles: where they come from, and what is said when they are missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/access.h"
#include "control/origin.h"
#include "rig.h"
#include "util/check.h"

#define DATA "mem:zyx:8,32,32:u16"

/* Of a configuration; NULL and the reason in `err`. */
static struct access *access_of(struct config **config, const char *const *sets, struct error *err)
{
    size_t count = 0;
    while (sets[count])
        count++;
    *config = config_create(&(struct config_inputs){.sets = sets, .set_count = count}, err);
    assert_non_null(*config);
    return access_create(*config, err);
}

static void test_roles(void **state)
{
    (void)state;
    static const struct {
        const char *sets[3];
        enum access_role anonymous, viewer, editor, wrong;
        const char *invitation;
    } rows[] = {
        {{NULL}, ROLE_EDITOR, ROLE_EDITOR, ROLE_EDITOR, ROLE_EDITOR, NULL},
        {{"access.anonymous=none"}, ROLE_NONE, ROLE_NONE, ROLE_NONE, ROLE_NONE, NULL},
        {{"access.tokens=viewer:look-at-it,editor:change-it"},
         ROLE_NONE,
         ROLE_VIEWER,
         ROLE_EDITOR,
         ROLE_NONE,
         "change-it"},
        {{"access.tokens=viewer:look-at-it,editor:change-it", "access.anonymous=viewer"},
         ROLE_VIEWER,
         ROLE_VIEWER,
         ROLE_EDITOR,
         ROLE_VIEWER,
         NULL},
        {{"access.tokens=viewer:look-at-it", "access.anonymous=editor"},
         ROLE_EDITOR,
         ROLE_EDITOR,
         ROLE_EDITOR,
         ROLE_EDITOR,
         NULL},
        {{"access.tokens=viewer:look-at-it"}, ROLE_NONE, ROLE_VIEWER, ROLE_NONE, ROLE_NONE, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err;
        struct config *config;
        struct access *access = access_of(&config, rows[i].sets, &err);
        assert_non_null(access);
        assert_int_equal(access_role(access, NULL), rows[i].anonymous);
        assert_int_equal(access_role(access, ""), rows[i].anonymous);
        assert_int_equal(access_role(access, "look-at-it"), rows[i].viewer);
        assert_int_equal(access_role(access, "change-it"), rows[i].editor);
        assert_int_equal(access_role(access, "change-i"), rows[i].wrong);
        assert_int_equal(access_role(access, "change-it2"), rows[i].wrong);
        const char *invitation = access_invitation(access);
        assert_string_equal(invitation ? invitation : "",
                            rows[i].invitation ? rows[i].invitation : "");
        access_destroy(access);
        config_destroy(config);
    }
}

static void test_requests(void **state)
{
    (void)state;
    static const struct {
        const char *header, *query, *token;
    } rows[] = {
        {NULL, "", ""},
        {NULL, "token=abc", "abc"},
        {NULL, "ext=1&token=abc&codecs=h264", "abc"},
        {NULL, "mytoken=abc", ""},
        {NULL, "token=", ""},
        {"Bearer abc", "", "abc"},
        {"bearer  abc ", "token=other", "abc"},
        {"Basic abc", "token=other", "other"},
        {"Bearer", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char token[256];
        bool any = access_token(rows[i].header, rows[i].query, token);
        assert_string_equal(token, rows[i].token);
        assert_int_equal(any, rows[i].token[0] != '\0');
    }
}

/* What is wrong is named by its place, and the token never. */
static void test_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"# who may\n\neditor  change-it\n  viewer\tlook-at-it \n", NULL},
        {"editor change-it\nviewer\n", ":2: "},
        {"editor change-it again\n", ":1: "},
        {"owner change-it\n", ":1: "},
        {"viewer look-at-it\neditor short\n", ":2: "},
        {"editor change+it-now\n", ":1: "},
    };
    char path[] = "/tmp/oriel-tokens-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    char *set = xasprintf("access.token_file=%s", path);
    const char *const sets[] = {set, NULL};
    struct config *config;
    struct error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FILE *out = fopen(path, "w");
        fputs(rows[i].text, out);
        fclose(out);
        struct access *access = access_of(&config, sets, &err);
        if (rows[i].says) {
            assert_null(access);
            assert_non_null(strstr(err.text, path));
            assert_non_null(strstr(err.text, rows[i].says));
            assert_null(strstr(err.text, "-it"));
            assert_null(strstr(err.text, "short"));
        } else {
            assert_int_equal(access_role(access, "change-it"), ROLE_EDITOR);
            assert_int_equal(access_role(access, "look-at-it"), ROLE_VIEWER);
            assert_int_equal(access_role(access, NULL), ROLE_NONE);
        }
        access_destroy(access);
        config_destroy(config);
    }
    unlink(path);
    assert_null(access_of(&config, sets, &err));
    assert_non_null(strstr(err.text, path));
    config_destroy(config);
    free(set);
}

static void expect_role(struct rig *rig, uint64_t conn, const char *role)
{
    cJSON *frame = rig_next(rig, conn, 5000);
    assert_non_null(frame);
    if (role) {
        assert_string_equal(rig_at(frame, "features/oriel/role")->valuestring, role);
    } else {
        assert_string_equal(cJSON_GetObjectItem(frame, "type")->valuestring, "session.reject");
        assert_string_equal(rig_at(frame, "code")->valuestring, "unauthorized");
        assert_non_null(strstr(rig_at(frame, "message")->valuestring, "token"));
        assert_int_equal(rig_close_code(rig, conn, 5000), 1000);
    }
    cJSON_Delete(frame);
}

static void test_hello(void **state)
{
    (void)state;
    const char *const sets[] = {"access.tokens=viewer:look-at-it,editor:change-it", NULL};
    struct rig *rig = rig_create(sets, DATA);
    expect_role(rig, rig_hello(rig, true), NULL);
    expect_role(rig, rig_hello(rig, false), NULL); /* the desktop client too is told why */
    expect_role(rig, rig_hello_as(rig, true, "wrong-one", NULL), NULL);
    expect_role(rig, rig_hello_as(rig, true, "look-at-it", NULL), "viewer");
    expect_role(rig, rig_hello_as(rig, true, "change-it", NULL), "editor");
    expect_role(rig, rig_hello_as(rig, true, "", "{\"type\":\"token\",\"token\":\"look-at-it\"}"),
                "viewer");
    expect_role(rig, rig_hello_as(rig, true, "", "{\"type\":\"bearer\",\"token\":\"change-it\"}"),
                "editor");
    /* The better of two counts. */
    expect_role(
        rig, rig_hello_as(rig, true, "look-at-it", "{\"type\":\"token\",\"token\":\"change-it\"}"),
        "editor");
    expect_role(
        rig, rig_hello_as(rig, true, "change-it", "{\"type\":\"token\",\"token\":\"wrong-one\"}"),
        "editor");
    expect_role(rig, rig_hello_as(rig, true, "", "{\"type\":\"token\",\"token\":\"wrong-one\"}"),
                NULL);
    expect_role(rig, rig_hello_as(rig, true, "", "{\"type\":\"token\"}"), NULL);
    expect_role(rig, rig_hello_as(rig, true, "", "{\"type\":\"token\",\"token\":7}"), NULL);
    expect_role(rig, rig_hello_as(rig, true, "", "\"change-it\""), NULL);
    uint64_t classic = rig_hello_as(rig, false, "change-it", NULL);
    cJSON_Delete(rig_expect(rig, classic, "notify.scene"));
    rig_destroy(rig);
}

static void test_origins(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *host;
        bool fine;
    } rows[] = {
        {"http://localhost:8081", NULL, true},
        {"https://127.0.0.1", NULL, true},
        {"http://[::1]:9000", NULL, true},
        {"http://scope.lab:8081", NULL, true}, /* server.host */
        {"https://a.example", NULL, true},     /* configured */
        {"HTTPS://A.example", NULL, true},
        {"http://b.example:8080", NULL, true},
        {"http://a.example", NULL, false},
        {"https://a.example:444", NULL, false},
        {"http://b.example", NULL, false},
        {"https://c.example", NULL, false},
        {"https://c.example", "c.example", true},
        {"https://c.example:8443", "C.example", true},
        {"https://[fd00::1]:8443", "[fd00::1]:8443", true},
        {"https://c.example", "c.example.evil", false},
        {"https://c.example", "", false},
        {"null", "null", false},
        {"", "", false},
        {"file://", "", false},
        {"http://localhost.evil.example", NULL, false},
        {"http://127.0.0.1@evil.example", NULL, false},
        {"http://localhost:80@evil.example", NULL, false},
        {"http://[::1", NULL, false},
        {"http://[::1]evil.example", NULL, false},
        {"http://localhost:", NULL, false},
        {"http://localhost/", NULL, false},
    };
    const char *const sets[] = {"server.host=scope.lab",
                                "access.origins=https://a.example,http://b.example:8080", NULL};
    struct config *config;
    struct error err;
    struct access *access = access_of(&config, sets, &err);
    assert_non_null(access);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (access_origin(access, rows[i].origin, rows[i].host) != rows[i].fine)
            fail_msg("%s at %s", rows[i].origin, rows[i].host ? rows[i].host : "-");
    }
    access_destroy(access);
    config_destroy(config);
    const char *const wrong[] = {"access.origins=https://a.example,c.example", NULL};
    assert_null(access_of(&config, wrong, &err));
    assert_non_null(strstr(err.text, "access.origins[1]: c.example"));
    config_destroy(config);

    static const struct {
        const char *host;
        bool may;
    } hosts[] = {
        {"evil.example:8081", true}, {"evil.example:9000", false}, {"evil.example", false},
        {"10.0.0.1:8081", false},    {"[fd00::1]:8081", false},    {"evil.example:8081x", true},
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_int_equal(origin_host_may_rebind(hosts[i].host, 8081), hosts[i].may);
    assert_true(origin_host_may_rebind("evil.example", 80));
}

/* The welcome alone tells the ticket, and to Oriel's clients alone. */
static void test_tickets(void **state)
{
    (void)state;
    struct rig *rig = rig_create(NULL, DATA);
    struct control *control = rig_control(rig);
    uint64_t one = rig_hello(rig, true), other = rig_hello(rig, true), old = rig_hello(rig, false);
    cJSON *welcome = rig_expect(rig, one, "session.welcome");
    cJSON *second = rig_expect(rig, other, "session.welcome");
    cJSON *classic = rig_expect(rig, old, "session.welcome");
    const char *ticket = rig_at(welcome, "features/oriel/pixel_ticket")->valuestring;
    const char *id = rig_at(welcome, "session/id")->valuestring;
    assert_int_equal(strlen(ticket), 32);
    assert_string_not_equal(ticket, rig_at(second, "features/oriel/pixel_ticket")->valuestring);
    assert_null(rig_at(classic, "features/oriel"));

    char session[256];
    assert_true(control_ticket(control, ticket, session));
    assert_string_equal(session, id);
    char zeros[33] = "00000000000000000000000000000000";
    const char *const wrong[] = {id, "", zeros, rig_at(classic, "session/id")->valuestring};
    for (size_t i = 0; i < 4; i++)
        assert_false(control_ticket(control, wrong[i], session));

    rig_call(rig, other, "oriel.describe", "{}");
    cJSON *reply = rig_expect(rig, other, "reply.command");
    char *text = cJSON_PrintUnformatted(reply);
    assert_non_null(strstr(text, id));
    assert_null(strstr(text, ticket));
    free(text);
    cJSON_Delete(reply);

    control_conn_closed(control, one);
    rig_call(rig, other, "oriel.describe", "{}"); /* after that */
    cJSON_Delete(rig_expect(rig, other, "reply.command"));
    assert_false(control_ticket(control, ticket, session));
    cJSON_Delete(welcome);
    cJSON_Delete(second);
    cJSON_Delete(classic);
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),   cmocka_unit_test(test_requests),
        cmocka_unit_test(test_files),   cmocka_unit_test(test_hello),
        cmocka_unit_test(test_origins), cmocka_unit_test(test_tickets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
