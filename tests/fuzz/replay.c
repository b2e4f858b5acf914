/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a target on files, for compilers without libFuzzer and for every test run: the inputs that
 * were once trouble stay in the corpus. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"
#include "util/check.h"

static unsigned long count;

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    CHECK(file);
    uint8_t *data = NULL;
    size_t bytes = 0, room = 0, n;
    do {
        room += 65536;
        data = xrealloc(data, room);
        n = fread(data + bytes, 1, room - bytes, file);
        bytes += n;
    } while (bytes == room);
    fclose(file);
    /* Of its own size, so that a sanitizer sees what is read beyond it. */
    data = xrealloc(data, bytes + !bytes);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, bytes);
    free(data);
    count++;
}

static void replay_all(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        replay(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        char *child = xasprintf("%s/%s", path, entry->d_name);
        replay_all(child);
        free(child);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        replay_all(argv[i]);
    printf("# %lu inputs\n", count);
    return count ? 0 : 1;
}
