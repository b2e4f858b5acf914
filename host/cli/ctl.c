/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel ctl: a client of the protocol, and so a program of its own beside this one. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"

int cli_ctl(int argc, char **argv)
{
    (void)argc;
    static const char beside[] = "/../libexec/oriel/oriel-ctl"; /* of the folder of this program */
    char path[PATH_MAX + sizeof beside];
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n < 0)
        return cli_fail(CLI_FAILED, "ctl: /proc/self/exe: %s", strerror(errno));
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    memcpy(slash ? slash : path, beside, sizeof beside);
    argv[0] = path;
    execv(path, argv);
    return cli_fail(CLI_FAILED, "ctl: %s: %s%s", path, strerror(errno),
                    errno == ENOENT ? " (it is built where libwebsockets is)" : "");
}
