/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/option.h"

/* Keys that may change while the server runs begin with LIVE_: `oriel serve` reads them again. */
#define BOOL_WITH(flags, name, value, help)                                                        \
    {                                                                                              \
        name, value, NULL, help, 0, 0, ORIEL_OPT_BOOL, flags                                       \
    }
#define BOOL(...) BOOL_WITH(0, __VA_ARGS__)
#define LIVE_BOOL(...) BOOL_WITH(ORIEL_OPT_LIVE, __VA_ARGS__)
#define INT_WITH(flags, name, value, min, max, help)                                               \
    {                                                                                              \
        name, value, NULL, help, min, max, ORIEL_OPT_INT, flags                                    \
    }
#define INT(...) INT_WITH(0, __VA_ARGS__)
#define LIVE_INT(...) INT_WITH(ORIEL_OPT_LIVE, __VA_ARGS__)
#define FLOAT_WITH(flags, name, value, min, max, help)                                             \
    {                                                                                              \
        name, value, NULL, help, min, max, ORIEL_OPT_FLOAT, flags                                  \
    }
#define FLOAT(...) FLOAT_WITH(0, __VA_ARGS__)
#define LIVE_FLOAT(...) FLOAT_WITH(ORIEL_OPT_LIVE, __VA_ARGS__)
#define TEXT(name, value, help)                                                                    \
    {                                                                                              \
        name, value, NULL, help, 0, 0, ORIEL_OPT_STRING, 0                                         \
    }
#define NAME_WITH(flags, name, value, choices, help)                                               \
    {                                                                                              \
        name, value, choices, help, 0, 0, ORIEL_OPT_ENUM, flags                                    \
    }
#define NAME(...) NAME_WITH(0, __VA_ARGS__)
#define LIVE_NAME(...) NAME_WITH(ORIEL_OPT_LIVE, __VA_ARGS__)
#define LIST_WITH(flags, name, value, help)                                                        \
    {                                                                                              \
        name, value, NULL, help, 0, 0, CONFIG_LIST, flags                                          \
    }
#define LIST(...) LIST_WITH(0, __VA_ARGS__)
#define LIVE_LIST(...) LIST_WITH(ORIEL_OPT_LIVE, __VA_ARGS__)
#define AREA(name)                                                                                 \
    LIVE_NAME("log.areas." name, NULL, "error warn info debug trace", "level of the log area " name)

#define PORT_MAX 65535
#define MS_MAX 60000
#define BYTES_MAX 1099511627776.0 /* 1 TiB */

static const struct oriel_option options[] = {
    LIVE_NAME("preset", "balanced", SCHEMA_PRESETS, "a set of values that fit together"),
    {"experiments", "[]", NULL,
     "encoders compared while the server runs, a list of objects: docs/experiments.md", 0, 0,
     CONFIG_JSON, ORIEL_OPT_LIVE},

    TEXT("server.host", "127.0.0.1", "address to listen on"),
    INT("server.port", "8081", 0, PORT_MAX,
        "port of the page and of everything else; 0 takes a free one"),
    INT("server.pixel_port", "8082", -1, PORT_MAX,
        "port whose root is the pixel channel; 0 takes a free one, -1: none"),
    INT("server.metrics_port", "8083", -1, PORT_MAX,
        "port of the metrics; 0 takes a free one, -1: none"),
    TEXT("server.prefix", "", "path that every route lies under, as \"/s/abc\""),
    INT("server.message_bytes", "262144", 1024, 67108864,
        "longest message that a client may send, bytes"),
    LIVE_INT("server.exit_ms", "2500", 100, MS_MAX,
             "time after a signal in which the server ends, with or without what still runs, ms"),
    INT("server.drain_ms", "1000", 0, MS_MAX,
        "time that queued messages get to leave at the end, ms"),

    LIVE_LIST("modules.path", "", "more folders with modules"),
    LIST("modules.capture", "capture/cuda,capture/gl", "capture modules, best first"),
    LIVE_LIST("modules.encoder",
              "encode/nvenc,encode/openh264,encode/x264,encode/nvjpeg,encode/vpx,encode/avcodec,"
              "encode/jpeg",
              "encoders for video, best first; stream.prefer says how one is chosen"),
    LIVE_LIST("modules.still", "encode/png", "encoders for lossless stills, best first"),
    LIVE_LIST("modules.transport", "transport/websocket", "transports, all of which are started"),
    LIVE_LIST("modules.scene", "scene/napari", "scene modules, best first"),
    LIVE_LIST("modules.source", "source/zarr,source/npy", "sources of data"),
    TEXT("modules.cache", "",
         "file that remembers probe results; \"\" is modules.json in the cache folder"),
    INT("modules.deadline_ms", "10000", 0, 3600000,
        "time after which a call into a module that has not come back is told in the log, ms; 0: "
        "never"),
    INT("modules.hang_ms", "60000", 0, 3600000,
        "time after which such a call ends the process, with the stack in the log, unless it waits "
        "for data, ms; 0: never"),

    INT("canvas.width", "1280", 1, 16384, "width of the picture before a client asks, pixels"),
    INT("canvas.height", "720", 1, 16384, "height of the picture before a client asks, pixels"),
    LIVE_INT("canvas.max", "4096", 16, 16384,
             "largest width and height that a client may ask for, pixels"),

    FLOAT("stream.fps", "60", 1, 240, "most pictures in a second"),
    LIVE_NAME(
        "stream.prefer", "bandwidth", "bandwidth latency order",
        "which encoder of the list is taken: the first that is quick enough, the quickest, or the "
        "first that works"),
    LIVE_INT(
        "stream.retry_ms", "30000", 10, 3600000,
        "pause before an encoder that failed gets its next chance, ms; it doubles up to an hour"),
    LIVE_INT("stream.bitrate", "12000000", 10000, 1000000000, "aim of the encoder, bit/s"),
    LIVE_INT("stream.max_bitrate", "20000000", 10000, 1000000000,
             "most the encoder may use for a while, bit/s"),
    LIVE_INT("stream.keyint", "600", 1, 100000, "most pictures from one key picture to the next"),
    LIVE_INT("stream.queue_bytes", "262144", 4096, 1073741824,
             "bytes that may wait for one client"),
    LIVE_INT("stream.queue_ms", "250", 10, MS_MAX, "age that a waiting picture may have, ms"),
    LIVE_INT("stream.key_cooldown_ms", "500", 0, MS_MAX,
             "least time between two key pictures that clients ask for, ms"),
    LIVE_INT("stream.settle_ms", "120", 0, MS_MAX, "rest before stills and refinement, ms"),
    LIVE_INT("stream.refine", "2", 0, 16, "repeats of a resting picture for lossy codecs"),
    LIVE_INT("stream.unacked", "2", 1, 64,
             "pictures on the way to a client that reports what it shows"),
    LIVE_INT("stream.threads", NULL, 0, 256,
             "threads of an encoder that can be told; 0: its own choice"),
    LIVE_NAME("stream.tier", NULL, "p1 p2 p3 p4 p5 p6 p7",
              "preset of encode/nvenc, p1 is the fastest"),
    LIVE_NAME("stream.rc_mode", NULL, "cbr vbr constqp",
              "what encoders hold where they can: the bit rate, its average, the quality"),
    LIVE_NAME("stream.input_format", NULL, "nv12 yuv444 argb abgr",
              "samples that hardware encoders are given"),
    LIVE_INT("stream.lookahead", NULL, 0, 64,
             "understood, without effect: looking ahead delays the stream"),
    LIVE_INT("stream.aq", NULL, 0, 15,
             "adaptive quantisation of hardware encoders in space; 0: off"),
    LIVE_INT("stream.temporal_aq", NULL, 0, 15,
             "adaptive quantisation of hardware encoders in time; 0: off"),
    LIVE_BOOL("stream.non_ref_p", NULL, "hardware encoders may leave P pictures unreferenced"),
    LIVE_INT("stream.bframes", NULL, 0, 16,
             "understood, without effect: B pictures delay the stream"),

    TEXT("render.device", "auto",
         "graphics device that draws: its index or UUID as \"oriel modules\" lists them, the "
         "beginning of a UUID is enough; auto: the best"),
    INT("render.budget_ms", "33", 1, 1000, "time that a 3-D picture may take while it moves, ms"),
    INT("render.settle_ms", "60", 0, MS_MAX,
        "rest before a 3-D picture is drawn in full quality, ms"),
    BOOL("render.animate", "false", "turn the scene by itself"),
    FLOAT("render.animate_dps", "30", -3600, 3600, "speed of that turn, degrees per second"),
    NAME("render.interpolation_2d", "nearest",
         "nearest linear cubic bessel blackman catrom gaussian hamming hanning hermite kaiser "
         "lanczos "
         "mitchell spline16 spline36 custom",
         "filter of new image layers in 2-D"),

    LIST("data.open", "", "datasets to open at the start when none is named"),
    TEXT("data.root", "",
         "folder that clients may browse and open; \"\": only what was named at the start"),
    TEXT("data.axes", "", "names of the axes of arrays that do not say, as \"tzyx\""),
    INT("data.cache_mb", "1024", 1, 1048576, "memory for decoded chunks, MiB"),
    INT("data.pinned_mb", "2048", 0, 1048576,
        "most memory to page-lock for copies to a CUDA GPU, MiB; never much more than the cache"),
    INT("data.threads", "0", 0, 256, "threads that load chunks; 0: one for each core"),
    INT("data.max_slice_bytes", "0", 0, BYTES_MAX, "largest slice to load, bytes; 0: no limit"),
    INT("data.max_volume_bytes", "268435456", 0, BYTES_MAX,
        "largest volume to load, bytes; 0: no limit"),
    INT("data.max_volume_voxels", "0", 0, BYTES_MAX, "largest volume to load, voxels; 0: no limit"),
    NAME("data.split_channels", "auto", "auto always never", "one layer for each channel"),
    INT("data.max_channels", "16", 1, 256, "most layers made from the channels of one image"),

    FLOAT("lod.threshold_in", "1.05", 0.01, 100,
          "go finer when the finer level has at most this many voxels for a pixel"),
    FLOAT("lod.threshold_out", "1.35", 0.01, 100,
          "go coarser when the level has more voxels for a pixel than this"),
    FLOAT("lod.fine_threshold", "1.05", 0.01, 100, "as threshold_in, without a zoom gesture"),
    FLOAT("lod.hysteresis", "0", 0, 100, "above 0, steps of a single level are held back"),
    INT("lod.cooldown_ms", "150", 0, MS_MAX, "least time between two changes of level, ms"),
    INT("lod.lock", "-1", -1, 63, "always this level; -1: chosen"),

    INT("view.ndisplay", "2", 2, 3, "dimensions shown at the start"),
    INT("view.open_level", "-1", -1, 63, "level shown at the start; -1: chosen"),
    LIVE_INT("view.forks", "4", 0, 64,
             "most clients that may have a view of their own at a time, beside the shared one"),
    INT("view.open_z", "-1", -1, 2147483647, "slice shown at the start; -1: the middle"),

    TEXT("state.dir", "", "folder that keeps the scene over a restart; \"\": none"),
    NAME("state.fsync", "interval", "batch interval off",
         "when changes are on the disk: before they are acknowledged, soon, or when the system "
         "likes"),
    INT("state.fsync_ms", "1000", 1, MS_MAX, "with interval: at most this long after, ms"),
    INT("state.snapshot_bytes", "4194304", 4096, BYTES_MAX,
        "changes after which everything is written anew, bytes"),
    TEXT("scene.folder", "",
         "folder of the scenes that clients save; \"\": scenes in state.dir, without one none"),

    {"access.tokens", "", NULL, "who may do what: role:token, the roles being viewer and editor", 0,
     0, CONFIG_LIST, ORIEL_OPT_SECRET},
    TEXT("access.token_file", "", "file with more of them, a line each: role token"),
    NAME("access.anonymous", "auto", "auto none viewer editor",
         "role without a token; auto: editor where there are no tokens, else none"),
    LIST("access.origins", "",
         "pages of other sites that need no token either, as https://lab.example"),

    BOOL("thumbnails.enabled", "true", "small pictures of the layers for those who list them"),
    INT("thumbnails.delay_ms", "300", 0, MS_MAX, "rest before thumbnails are made again, ms"),

    FLOAT("control.heartbeat_s", "15", 0.1, 3600, "time between heartbeats, s"),
    LIVE_FLOAT("control.update_rate", "600", 0, 1000000,
               "most updates of a client in a second, with bursts of twice as many; 0: no limit"),
    LIVE_FLOAT("control.command_rate", "50", 0, 1000000,
               "most calls of a client in a second, with bursts of twice as many; 0: no limit"),
    INT("control.history_layers", "2048", 16, 1048576,
        "layer messages kept for clients that come back"),
    LIVE_INT("control.command_timeout_ms", "60000", 1, 600000,
             "time that a command may take when the caller sets none, ms"),
    INT("control.ack_timeout_ms", "250", 1, MS_MAX,
        "time in which clients may expect an acknowledgement, ms"),

    BOOL("mcp.enabled", "false", "serve the Model Context Protocol at /mcp"),
    INT("mcp.call_ms", "5000", 100, 100000,
        "time that a call of a tool may take, ms; six times as long where it reads data or draws"),
    INT("mcp.calls_per_minute", "600", 1, 100000,
        "most calls of tools in a minute, of all its clients together"),
    INT("mcp.sessions", "32", 1, 1024,
        "its sessions at a time; the one unused for longest makes room for a new one"),

    LIVE_NAME("log.level", "info", "error warn info debug trace",
              "level of every area that has none of its own"),
    AREA("main"),
    AREA("config"),
    AREA("module"),
    AREA("scene"),
    AREA("control"),
    AREA("render"),
    AREA("data"),
    AREA("pixel"),
    AREA("transport"),
    AREA("http"),
    AREA("mcp"),
    AREA("camera"),
    AREA("dims"),
    AREA("layer"),
    AREA("state"),
    AREA("volume"),
    AREA("policy"),
    AREA("roi"),
    AREA("sends"),
    AREA("encoder-keyframes"),
    AREA("encoder-nals"),
    AREA("encoder-sps"),
    AREA("encoder-settings"),

    TEXT("debug.frame_dir", "",
         "folder where every frame of the state channels is logged, for tests; \"\": none"),
    TEXT("debug.dump_dir", "", "folder for what is dumped; \"\": the current one"),
    INT("debug.dump_bitstream", "0", 0, 1000000,
        "encoded pictures written to a file from the start on"),
    BOOL("debug.apart", "false",
         "drawing ends before the picture is captured: slower, but each stage can be timed alone"),
};

const struct oriel_option *schema_options(size_t *count)
{
    *count = sizeof options / sizeof options[0];
    return options;
}

int schema_find(const char *key)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(options[i].name, key) == 0)
            return (int)i;
    }
    return -1;
}

bool schema_is_section(const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strncmp(options[i].name, key, length) == 0 && options[i].name[length] == '.')
            return true;
    }
    return false;
}

bool schema_variable(const char *key, char *name, size_t size)
{
    int n = snprintf(name, size, "ORIEL_%s", key);
    if (n < 0 || (size_t)n >= size)
        return false;
    for (char *at = name; *at; at++)
        *at = isalnum((unsigned char)*at) ? (char)toupper((unsigned char)*at) : '_';
    return true;
}

/* ---- presets ---- */

/* NULL: the default of the key, or of the module. */
static const struct {
    const char *key;
    const char *latency, *quality, *lossless;
} presets[] = {
    {"modules.encoder", NULL, NULL,
     "encode/nvenc,encode/x264,encode/openh264,encode/vpx,encode/jpeg"},
    {"stream.prefer", NULL, NULL, "order"},
    {"stream.bitrate", "10000000", "35000000", "80000000"},
    {"stream.max_bitrate", "14000000", "60000000", "200000000"},
    {"stream.queue_bytes", "131072", "524288", "1048576"},
    {"stream.queue_ms", "120", "400", "500"},
    {"stream.settle_ms", "200", "100", "40"},
    {"stream.refine", "1", "4", "4"},
    {"stream.unacked", "1", NULL, NULL},
    {"render.budget_ms", "16", "40", "50"},
    {"render.settle_ms", "150", "50", "40"},
    {"encode/nvenc.preset", "p1", "p5", NULL},
    {"encode/nvenc.rate_control", NULL, NULL, "lossless"},
    {"encode/nvenc.input_format", NULL, NULL, "yuv444"},
    {"encode/x264.preset", "ultrafast", "veryfast", NULL},
    {"encode/x264.rate_control", NULL, NULL, "lossless"},
    {"encode/x264.input_format", NULL, NULL, "yuv444"},
    {"encode/openh264.complexity", NULL, "medium", "medium"},
    {"encode/jpeg.quality", "75", "92", "98"},
    {"encode/nvjpeg.quality", "75", "92", "98"},
};

bool schema_preset(const char *preset, size_t index, struct schema_preset_value *value)
{
    bool latency = strcmp(preset, "latency") == 0;
    bool quality = strcmp(preset, "quality") == 0;
    bool lossless = strcmp(preset, "lossless") == 0;
    if (!latency && !quality && !lossless && strcmp(preset, "balanced") != 0)
        return false;
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        const char *text = latency    ? presets[i].latency
                           : quality  ? presets[i].quality
                           : lossless ? presets[i].lossless
                                      : NULL;
        int at = schema_find(presets[i].key);
        if (!text && at >= 0)
            text = options[at].default_value;
        if (text && index-- == 0) {
            *value = (struct schema_preset_value){presets[i].key, text};
            return true;
        }
    }
    return false;
}
