/* SPDX-License-Identifier: BSD-3-Clause */
/* transport/record: writes what a client would be sent, through libavformat. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recorder.h"

static const struct oriel_option options[] = {
    {"folder", "recordings", NULL, "Folder of the recordings; it is made when the first begins.", 0,
     0, ORIEL_OPT_STRING, 0},
    {"name", "oriel-%Y%m%d-%H%M%S", NULL,
     "Name of a recording, without ending: a pattern of strftime(), in UTC; a number follows where "
     "it is taken.",
     0, 0, ORIEL_OPT_STRING, 0},
    {"container", "mp4", "mp4 mkv",
     "Form of the video: fragmented MP4, or Matroska. VP8 is always written as Matroska.", 0, 0,
     ORIEL_OPT_ENUM, 0},
    {"codecs", "h264,hevc,av1,vp9,vp8,jpeg", NULL,
     "What may be recorded, best first: what the main stream has is taken where it is among these.",
     0, 0, ORIEL_OPT_STRING, 0},
    {"rows", "top", "top bottom",
     "Which row of a picture comes first: top for players; bottom for recordings that `oriel play` "
     "is to show to the napari-cuda client too.",
     0, 0, ORIEL_OPT_ENUM, 0},
    {"max_mb", "2048", NULL, "Another recording begins when a video has so many MB; 0: never.", 0,
     1 << 20, ORIEL_OPT_INT, 0},
    {"max_minutes", "60", NULL, "Another recording begins after so many minutes; 0: never.", 0, 1e6,
     ORIEL_OPT_FLOAT, 0},
    {"fragment_ms", "1000", NULL, "Most that is lost when the server is killed, ms.", 20, 60000,
     ORIEL_OPT_INT, 0},
    {"key_s", "5", NULL, "While pictures come a key picture is asked for so often, s; 0: never.", 0,
     3600, ORIEL_OPT_INT, 0},
    {"token", "", NULL, "Token of a viewer, where the server wants one.", 0, 0, ORIEL_OPT_STRING,
     ORIEL_OPT_SECRET},
};

static const struct oriel_option_table option_table = {
    .size = sizeof option_table,
    .count = sizeof options / sizeof options[0],
    .options = options,
};

static bool read_options(struct recorder_options *to, const struct oriel_config *config)
{
    const char *folder = config->get_string(config, "folder");
    const char *name = config->get_string(config, "name");
    if (!*folder || strlen(folder) >= sizeof to->folder || !*name || strlen(name) >= 200 ||
        strchr(name, '/'))
        return false;
    snprintf(to->folder, sizeof to->folder, "%s", folder);
    snprintf(to->name, sizeof to->name, "%s", name);
    snprintf(to->codecs, sizeof to->codecs, "%s", config->get_string(config, "codecs"));
    snprintf(to->rows, sizeof to->rows, "%s", config->get_string(config, "rows"));
    snprintf(to->token, sizeof to->token, "%s", config->get_string(config, "token"));
    to->container =
        strcmp(config->get_string(config, "container"), "mkv") == 0 ? FILM_MATROSKA : FILM_MP4;
    to->most_bytes = (uint64_t)config->get_int(config, "max_mb") * 1000000;
    to->most_ns = (int64_t)(config->get_float(config, "max_minutes") * 60e9);
    to->fragment_ns = config->get_int(config, "fragment_ms") * 1000000;
    to->key_ns = config->get_int(config, "key_s") * 1000000000;
    return true;
}

/* Could files be made there? The folder itself comes with the first of them. */
static bool is_writable(const char *folder, const char **where)
{
    static _Thread_local char parent[sizeof((struct recorder_options *)0)->folder];
    *where = folder;
    if (access(folder, W_OK | X_OK) == 0)
        return true;
    if (errno != ENOENT)
        return false;
    snprintf(parent, sizeof parent, "%s", folder);
    for (size_t n = strlen(parent); n > 1 && parent[n - 1] == '/'; n--)
        parent[n - 1] = '\0';
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    *where = slash ? parent : ".";
    return access(*where, W_OK | X_OK) == 0;
}

static oriel_result record_create(const struct oriel_host *host, const struct oriel_config *config,
                                  const struct oriel_transport_host *to, void **self)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    const char *where;
    char text[PATH_MAX + 256];
    oriel_result result = ORIEL_OK;
    if (!read_options(&recorder->options, config)) {
        result = host->fail(host, ORIEL_INVALID,
                            "folder and name may not be empty or long, and name has no '/'");
    } else if (!is_writable(recorder->options.folder, &where)) {
        snprintf(text, sizeof text, "%s: nothing can be written there: %s", where, strerror(errno));
        result = host->fail(host, ORIEL_IO, text);
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    recorder->unix_offset =
        (double)now.tv_sec + (double)now.tv_nsec * 1e-9 - (double)viewer_now() * 1e-9;
    if (result == ORIEL_OK &&
        !viewer_start(&recorder->viewer, host, to, "record", &recorder_work, recorder))
        result = host->fail(host, ORIEL_FATAL, "cannot start a thread");
    if (result == ORIEL_OK) {
        *self = recorder;
        return ORIEL_OK;
    }
    viewer_destroy(recorder);
    return result;
}

static const struct oriel_transport transport = {
    .size = sizeof transport,
    .options = &option_table,
    .create = record_create,
    VIEWER_TRANSPORT,
};

ORIEL_MODULE_OF(ORIEL_TRANSPORT_V1, &transport, "transport/record", "0.1.0", "Oriel",
                "BSD-3-Clause AND GPL-2.0-or-later",
                "Recordings of pictures and state in files, with FFmpeg's libavformat.");
