/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that are written whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/file.h"

static char folder[] = "/tmp/oriel-file-XXXXXX";

static int enter(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void expect(const char *path, const char *content)
{
    char text[64];
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    assert_string_equal(text, content);
}

static int names(void)
{
    struct dirent **list;
    int n = scandir(".", &list, NULL, NULL), seen = 0;
    for (int i = 0; i < n; i++) {
        seen += list[i]->d_name[0] != '.';
        free(list[i]);
    }
    free(list);
    return seen;
}

static void test_lines(void **state)
{
    (void)state;
    static const char content[] = "one\n\nthree\nsomewhat long\nlast";
    FILE *out = fopen("lines", "w");
    assert_non_null(out);
    fwrite(content, 1, sizeof content - 1, out);
    fclose(out);
    char *text = NULL;
    size_t room = 0;
    FILE *in = fopen("lines", "r");
    assert_int_equal(file_line(in, &text, &room, 5), 3);
    assert_string_equal(text, "one");
    assert_int_equal(file_line(in, &text, &room, 5), 0);
    assert_string_equal(text, "");
    assert_int_equal(file_line(in, &text, &room, 5), 5);
    assert_string_equal(text, "three");
    assert_int_equal(file_line(in, &text, &room, 5), -1);
    assert_int_equal(errno, EMSGSIZE);
    assert_false(feof(in));
    rewind(in);
    for (int i = 0; i < 4; i++)
        assert_true(file_line(in, &text, &room, 100) >= 0);
    assert_int_equal(file_line(in, &text, &room, 100), 4); /* no end of line after it */
    assert_string_equal(text, "last");
    assert_int_equal(file_line(in, &text, &room, 100), -1);
    assert_true(feof(in));
    fclose(in);
    in = fopen(".", "r");
    assert_int_equal(file_line(in, &text, &room, 100), -1);
    assert_int_equal(errno, EISDIR);
    fclose(in);
    free(text);
}

static void test_replace(void **state)
{
    (void)state;
    assert_true(file_replace("a", 0600, "one", 3));
    expect("a", "one");
    struct stat st;
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char path[64];
    snprintf(path, sizeof path, "%s/a", folder);
    assert_true(file_replace(path, 0600, "two and more", 12));
    expect("a", "two and more");
    assert_true(file_replace("a", 0600, "", 0));
    expect("a", "");
    assert_int_equal(names(), 1);

    assert_false(file_replace("none/a", 0600, "x", 1));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(mkdir("b", 0700), 0);
    assert_false(file_replace("b", 0600, "x", 1));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(names(), 2);
}

/* Nothing is written through a link. */
static void test_link(void **state)
{
    (void)state;
    assert_true(file_replace("other", 0600, "theirs", 6));
    assert_int_equal(symlink("other", "a"), 0);
    assert_true(file_replace("a", 0600, "mine", 4));
    expect("other", "theirs");
    struct stat st;
    assert_int_equal(lstat("a", &st), 0);
    assert_true(S_ISREG(st.st_mode));
    expect("a", "mine");
}

/* A write that stops half-way, as on a disk that gets full. */
static void test_short(void **state)
{
    (void)state;
    static char big[5000];
    memset(big, 'b', sizeof big);
    assert_true(file_replace("a", 0600, "old", 3));
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = 1000, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    errno = 0;
    bool done = file_replace("a", 0600, big, sizeof big);
    int failed = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(done);
    assert_int_equal(failed, EFBIG);
    expect("a", "old");
    assert_int_equal(names(), 1);
}

/* Parts, one of them empty, come as one; nobody to read is an error. */
static void test_write(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct iovec parts[] = {{"ab", 2}, {"", 0}, {"cdef", 4}};
    assert_true(file_write(ends[1], parts, 3));
    char text[8] = "";
    assert_int_equal(read(ends[0], text, sizeof text - 1), 6);
    assert_string_equal(text, "abcdef");
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    struct iovec more = {"x", 1};
    assert_false(file_write(ends[1], &more, 1));
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, enter, leave),
        cmocka_unit_test_setup_teardown(test_replace, enter, leave),
        cmocka_unit_test_setup_teardown(test_link, enter, leave),
        cmocka_unit_test_setup_teardown(test_short, enter, leave),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
