/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel ab: has decoders in it, which the server has not, and so a program of its own. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"

int cli_ab(int argc, char **argv)
{
    (void)argc;
    /* Of the folder of this program: as installed, and beside it. */
    static const char *const places[] = {"/../libexec/oriel/oriel-ab", "/oriel-ab"};
    char path[PATH_MAX + 32];
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n < 0)
        return cli_fail(CLI_FAILED, "ab: /proc/self/exe: %s", strerror(errno));
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        strcpy(slash, places[i]);
        argv[0] = path;
        execv(path, argv);
        if (errno != ENOENT)
            return cli_fail(CLI_FAILED, "ab: %s: %s", path, strerror(errno));
    }
    return cli_fail(CLI_FAILED,
                    "ab: oriel-ab is not installed: it comes with the package oriel-modules-gpl, "
                    "and is built where libavcodec-dev is");
}
