/* SPDX-License-Identifier: BSD-3-Clause */
/* A host of SDK 1.0, built with its frozen headers, and the modules of today. What it hands out is
 * as long as it was then and ends where readable memory ends: who reads a member without ORIEL_HAS,
 * or one that the released struct has not, is killed. */
#include <dirent.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "oriel/capture.h"
#include "oriel/encoder.h"
#include "oriel/scene_module.h"
#include "oriel/source.h"
#include "oriel/transport.h"

enum { WIDTH = 64, HEIGHT = 48, FRAMES = 5 };

/* A copy of `bytes` bytes, of which the last is the last one before memory that nobody may touch.
 */
static void *at_the_edge(const void *data, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page;
    uint8_t *map =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
    return memcpy(map + room - bytes, data, bytes);
}
#define EDGE(value) at_the_edge(&(value), sizeof(value))

/* --- the host --- */

static _Thread_local char why[512];

static void host_log(const struct oriel_host *host, uint32_t level, const char *text)
{
    (void)host;
    assert_in_range(level, ORIEL_LOG_ERROR, ORIEL_LOG_TRACE);
    assert_non_null(text);
}

static oriel_result host_fail(const struct oriel_host *host, oriel_result result, const char *text)
{
    (void)host;
    snprintf(why, sizeof why, "%s", text);
    return result;
}

static int64_t host_now(const struct oriel_host *host)
{
    (void)host;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static atomic_int frames_held, buffers_held;

static void host_frame_ref(const struct oriel_host *host, const struct oriel_frame *frame)
{
    (void)host, (void)frame;
    frames_held++;
}

static void host_frame_unref(const struct oriel_host *host, const struct oriel_frame *frame,
                             const struct oriel_fence *done)
{
    (void)host, (void)frame, (void)done;
    frames_held--;
}

static const struct oriel_buffer *host_buffer_new(const struct oriel_host *host, const void *data,
                                                  uint64_t bytes)
{
    (void)host;
    uint8_t *room = malloc(sizeof(struct oriel_buffer) + bytes);
    assert_non_null(room);
    memcpy(room + sizeof(struct oriel_buffer), data, bytes);
    *(struct oriel_buffer *)room = (struct oriel_buffer){.size = sizeof(struct oriel_buffer),
                                                         .data = room + sizeof(struct oriel_buffer),
                                                         .bytes = bytes};
    buffers_held++;
    return (struct oriel_buffer *)room;
}

static void host_buffer_ref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    (void)host, (void)buffer;
    buffers_held++;
}

static void host_buffer_unref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    (void)host, (void)buffer; /* what is left is freed with the process */
    buffers_held--;
}

static const void *host_interface(const struct oriel_host *host, const char *id)
{
    (void)host, (void)id;
    return NULL;
}

static const struct oriel_host *make_host(void)
{
    const struct oriel_host host = {
        .size = sizeof(host),
        .abi_minor = 0,
        .log = host_log,
        .fail = host_fail,
        .now_ns = host_now,
        .frame_ref = host_frame_ref,
        .frame_unref = host_frame_unref,
        .buffer_new = host_buffer_new,
        .buffer_ref = host_buffer_ref,
        .buffer_unref = host_buffer_unref,
        .get_interface = host_interface,
    };
    return EDGE(host);
}

/* --- options: the defaults, and ports that are free --- */

static const char *value_of(const struct oriel_config *config, const char *name)
{
    const struct oriel_option_table *table = config->data;
    for (uint32_t i = 0; i < table->count; i++)
        if (strcmp(table->options[i].name, name) == 0)
            return table->options[i].default_value ? table->options[i].default_value : "";
    fail_msg("it reads an option \"%s\" that it has not", name);
    return "";
}

static int64_t get_int(const struct oriel_config *config, const char *name)
{
    size_t length = strlen(name);
    if (length >= 4 && strcmp(name + length - 4, "port") == 0)
        return 0;
    const char *text = value_of(config, name);
    return strcmp(text, "true") == 0 ? 1 : strtoll(text, NULL, 10);
}

static double get_float(const struct oriel_config *config, const char *name)
{
    return strtod(value_of(config, name), NULL);
}

static const char *get_string(const struct oriel_config *config, const char *name)
{
    return value_of(config, name);
}

static const struct oriel_config *make_config(const struct oriel_option_table *table)
{
    static const struct oriel_option_table none = {sizeof none, 0, NULL};
    const struct oriel_config config = {
        .size = sizeof config,
        .get_int = get_int,
        .get_float = get_float,
        .get_string = get_string,
        .data = (void *)(uintptr_t)(table ? table : &none),
    };
    return EDGE(config);
}

/* --- each kind --- */

static unsigned packets;
static uint32_t last_qp;

static void take_packet(const struct oriel_packet_sink *sink, const struct oriel_packet *packet)
{
    (void)sink;
    assert_true(packet->size >= sizeof *packet);
    assert_int_equal(packet->stamp.seq, ++packets);
    assert_true(packets > 1 || packet->flags & ORIEL_PACKET_KEY);
    last_qp = packet->qp_q8;
}

static const struct oriel_frame *make_frame(const struct oriel_format *format, uint8_t *samples)
{
    struct oriel_frame frame = {.size = sizeof frame, .format = *format};
    bool rgba = format->fourcc == ORIEL_FMT_RGBA, nv12 = format->fourcc == ORIEL_FMT_NV12;
    bool full = format->fourcc == ORIEL_FMT_I444;
    frame.plane_count = rgba ? 1 : nv12 ? 2 : 3;
    for (uint32_t i = 0; i < frame.plane_count; i++) {
        frame.planes[i].handle = (uintptr_t)samples + (uint64_t)i * WIDTH * HEIGHT;
        frame.planes[i].stride = rgba ? WIDTH * 4 : i == 0 || nv12 || full ? WIDTH : WIDTH / 2;
        frame.planes[i].rows = i == 0 || full ? HEIGHT : HEIGHT / 2;
    }
    return EDGE(frame);
}

/* True when it encoded; false where this machine has nothing to do it with. */
static bool run_encoder(const struct oriel_encoder *encoder, const struct oriel_host *host)
{
    static uint8_t samples[WIDTH * HEIGHT * 4];
    struct oriel_format format = {0};
    const struct oriel_packet_sink own = {.size = sizeof own, .packet = take_packet};
    const struct oriel_packet_sink *sink = EDGE(own);
    void *self = NULL;
    if (encoder->input_format(0, &format) != ORIEL_OK || format.domain != ORIEL_DOMAIN_CPU)
        return false;
    format.width = WIDTH;
    format.height = HEIGHT;
    format.primaries = format.primaries ? format.primaries : ORIEL_PRIMARIES_BT709;
    format.transfer = format.transfer ? format.transfer : ORIEL_TRANSFER_SRGB;
    packets = 0;
    if (encoder->create(host, make_config(encoder->options), EDGE(format), 30, sink, &self) !=
        ORIEL_OK)
        return false;
    for (uint32_t i = 1; i <= FRAMES; i++) {
        struct oriel_frame *frame = (struct oriel_frame *)(uintptr_t)make_frame(&format, samples);
        memset(samples, (int)(40 * i), sizeof samples);
        frame->stamp.seq = i;
        frame->stamp.pts_ns = (int64_t)i * 33333333;
        assert_int_equal(encoder->encode(self, frame, i == 3 ? ORIEL_ENCODE_KEY : 0), ORIEL_OK);
    }
    assert_int_equal(encoder->drain(self), ORIEL_OK);
    assert_int_equal(packets, FRAMES);
    assert_int_equal(frames_held, 0);
    encoder->destroy(self);
    return true;
}

/* False: it is not for that. */
static bool read_some(const struct oriel_source *source, const struct oriel_host *host,
                      const char *uri)
{
    const struct oriel_source_info *info;
    void *self;
    if (source->probe(host, uri) < 50)
        return false;
    assert_int_equal(source->open(host, make_config(source->options), uri, &self), ORIEL_OK);
    assert_int_equal(source->describe(self, &info), ORIEL_OK);
    uint8_t values[8] = {0};
    struct oriel_read wanted = {.size = sizeof wanted, .out = values, .out_bytes = sizeof values};
    uint64_t bytes = info->dtype == ORIEL_U8 ? 1 : info->dtype == ORIEL_U16 ? 2 : 0;
    assert_true(bytes > 0);
    for (uint32_t k = 0; k < info->ndim; k++)
        wanted.shape[k] = k + 1 == info->ndim ? sizeof values / bytes : 1;
    struct oriel_read *box = EDGE(wanted);
    assert_int_equal(source->read(self, box), ORIEL_OK);
    source->close(self);
    return true;
}

/* Sixteen numbers in a file of NumPy's. */
static void write_npy(int fd)
{
    char file[128 + 16];
    memset(file, ' ', sizeof file);
    memcpy(file, "\x93NUMPY\1\0\x76\0", 10);
    static const char header[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 8)}";
    memcpy(file + 10, header, sizeof header - 1);
    file[127] = '\n';
    assert_int_equal(write(fd, file, sizeof file), sizeof file);
}

static bool run_source(const struct oriel_source *source, const struct oriel_host *host)
{
    char npy[] = "/tmp/oriel-old-host-XXXXXX.npy";
    int fd = mkstemps(npy, 4);
    assert_true(fd >= 0);
    write_npy(fd);
    close(fd);
    bool done =
        read_some(source, host, "examples/colin27.ome.zarr") || read_some(source, host, npy);
    unlink(npy);
    return done;
}

/* Nobody is let in; a recorder asks on its own thread. */
static uint32_t refuse(const struct oriel_transport_host *to, uint64_t conn,
                       const struct oriel_request *request)
{
    (void)to, (void)conn, (void)request;
    return 503;
}

static void hear(const struct oriel_transport_host *to, uint64_t conn, uint32_t kind,
                 const uint8_t *data, uint64_t bytes)
{
    (void)to, (void)conn, (void)kind, (void)data, (void)bytes;
}

static void note(const struct oriel_transport_host *to, uint64_t conn)
{
    (void)to, (void)conn;
}

static void answer(const struct oriel_transport_host *to, uint64_t id,
                   const struct oriel_request *request)
{
    (void)to, (void)id, (void)request;
}

static bool run_transport(const struct oriel_transport *transport, const struct oriel_host *host)
{
    const struct oriel_transport_host own = {.size = sizeof own,
                                             .opened = refuse,
                                             .message = hear,
                                             .writable = note,
                                             .closed = note,
                                             .http = answer};
    struct oriel_endpoint at = {.size = sizeof at};
    struct oriel_endpoint *endpoint = EDGE(at);
    void *self;
    assert_int_equal(transport->create(host, make_config(transport->options), EDGE(own), &self),
                     ORIEL_OK);
    if (transport->endpoint(self, 0, endpoint) == ORIEL_OK) /* a recorder binds no address */
        assert_true(endpoint->port > 0);
    const struct oriel_message message = {.size = sizeof message, .kind = ORIEL_MESSAGE_TEXT};
    assert_int_equal(transport->send(self, 12345, EDGE(message)), ORIEL_INVALID);
    transport->destroy(self);
    return true;
}

/* Without OpenGL neither may be made, and both say so. */
static bool run_on_gl(const struct oriel_capture *capture, const struct oriel_scene_module *scene,
                      const struct oriel_host *host)
{
    const struct oriel_frame_sink own = {.size = sizeof own};
    struct oriel_format format = {.domain = ORIEL_DOMAIN_CPU,
                                  .fourcc = ORIEL_FMT_I420,
                                  .width = WIDTH,
                                  .height = HEIGHT,
                                  .primaries = ORIEL_PRIMARIES_BT709,
                                  .transfer = ORIEL_TRANSFER_SRGB,
                                  .matrix = ORIEL_MATRIX_BT601,
                                  .full_range = 1};
    void *self = NULL;
    why[0] = '\0';
    if (capture)
        assert_int_not_equal(
            capture->create(host, make_config(capture->options), EDGE(format), 2, EDGE(own), &self),
            ORIEL_OK);
    if (scene)
        assert_int_not_equal(scene->create(host, make_config(scene->options), &self), ORIEL_OK);
    assert_string_not_equal(why, "");
    return true;
}

/* --- what was accepted then --- */

static bool accepts(const struct oriel_entry *entry, const char *path)
{
    assert_true(entry->magic == ORIEL_MAGIC);
    assert_true(entry->size >= sizeof *entry);
    assert_int_equal(entry->abi_major, ORIEL_ABI_MAJOR);
    if (entry->target_minor <= ORIEL_ABI_MINOR)
        return true;
    print_message("  %s: needs module ABI %u.%u or newer, this host has %u.%u\n", path,
                  entry->abi_major, entry->target_minor, ORIEL_ABI_MAJOR, ORIEL_ABI_MINOR);
    return false;
}

static unsigned ran, left_out;

static bool run_module(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        fail_msg("%s", dlerror());
    const struct oriel_entry *entry = dlsym(handle, ORIEL_ENTRY_SYMBOL);
    assert_non_null(entry);
    if (!accepts(entry, path))
        return false;
    const struct oriel_host *host = make_host();
    if (entry->init && entry->init(host) != ORIEL_OK) {
        left_out++;
        return true;
    }
    const struct oriel_capture *capture = entry->get_factory(ORIEL_CAPTURE_V1);
    const struct oriel_scene_module *scene = entry->get_factory(ORIEL_SCENE_V1);
    const struct oriel_encoder *encoder = entry->get_factory(ORIEL_ENCODER_V1);
    const struct oriel_source *source = entry->get_factory(ORIEL_SOURCE_V1);
    const struct oriel_transport *transport = entry->get_factory(ORIEL_TRANSPORT_V1);
    bool done = (encoder && run_encoder(encoder, host)) || (source && run_source(source, host)) ||
                (transport && run_transport(transport, host)) ||
                ((capture || scene) && run_on_gl(capture, scene, host));
    print_message("  %s %s\n", done ? "ran" : "left out, nothing for it here:", entry->info->id);
    *(done ? &ran : &left_out) += 1;
    return true;
}

static void test_modules_of_today(void **state)
{
    (void)state;
    DIR *folder = opendir(getenv("ORIEL_MODULE_PATH"));
    assert_non_null(folder);
    for (struct dirent *file; (file = readdir(folder));) {
        char path[4096];
        size_t length = strlen(file->d_name);
        if (length < 3 || strcmp(file->d_name + length - 3, ".so") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", getenv("ORIEL_MODULE_PATH"), file->d_name);
        assert_true(run_module(path));
    }
    closedir(folder);
    assert_true(ran >= 5);
}

static void test_later_minor_that_accepts_this_host(void **state)
{
    (void)state;
    last_qp = 0;
    assert_true(run_module(ORIEL_FUTURE_FOLDER "/future-tolerant.so"));
    assert_int_equal(last_qp, 1); /* the service that it looked for with ORIEL_HAS is not there */
}

static void test_later_minor_is_refused(void **state)
{
    (void)state;
    assert_false(run_module(ORIEL_FUTURE_FOLDER "/future-strict.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modules_of_today),
        cmocka_unit_test(test_later_minor_that_accepts_this_host),
        cmocka_unit_test(test_later_minor_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
