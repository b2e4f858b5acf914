/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the stand-in for libnvidia-encode. One mutex guards every session; encoding happens
 * on a session's worker without it. `nvenc_change` is told of every finished picture and slice. */
#ifndef STANDIN_NVENC_SESSION_H
#define STANDIN_NVENC_SESSION_H

#include <ffnvcodec/nvEncodeAPI.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "book.h"
#include "cuda/peer.h"
#include "engine.h"

/* Headers of 11.1 to 13.0: reserved fields got names, others other names. */
#define API_AT_LEAST(major, minor)                                                                 \
    (NVENCAPI_MAJOR_VERSION > (major) ||                                                           \
     (NVENCAPI_MAJOR_VERSION == (major) && NVENCAPI_MINOR_VERSION >= (minor)))

enum { MAX_INVALID = 64 };

/* Calls of one group must not run at once; READ is for a second thread that fetches bitstreams. */
enum group { GROUP_MAIN, GROUP_READ, GROUP_COUNT };

/* How the rows of a format lie in memory; 3 planes at most. */
struct layout {
    unsigned planes;
    size_t offset[3], pitch[3], width[3], rows[3]; /* width in bytes */
    size_t bytes;                                  /* all planes */
};

struct resource {
    struct resource *next;
    NV_ENC_INPUT_RESOURCE_TYPE type;
    NV_ENC_BUFFER_FORMAT format;
    uint32_t width, height, pitch;
    uint64_t pointer; /* CUDA */
    NV_ENC_INPUT_RESOURCE_OPENGL_TEX texture;
    struct input *mapped;
    unsigned sizing; /* the session's when it was registered */
};

/* What nvEncEncodePicture reads: a mapped resource, or a host buffer made here. */
struct input {
    struct input *next;
    struct resource *resource; /* NULL: a host buffer */
    NV_ENC_BUFFER_FORMAT format;
    uint32_t width, height, pitch;
    uint8_t *data; /* host buffer */
    bool locked;
    unsigned in_flight;
};

struct bitstream {
    struct bitstream *next;
    uint64_t sent; /* order of its picture; 0: none is in flight */
    bool done, locked;
    NVENCSTATUS status;
    struct engine_packet packet;
    uint32_t slices_out; /* with sub-frame output: how many the client may see */
    uint32_t frame_idx;
    uint64_t timestamp, duration;
    struct input *input;
};

struct job {
    struct job *next;
    struct input *input;
    struct bitstream *bitstream;
    struct layout layout;
    uint8_t *pixels;  /* of OpenGL and host inputs, taken at once */
    uint64_t pointer; /* of CUDA inputs, read by the worker */
    void *mark_stream;
    int64_t mark;
    struct engine_params params;
    bool changed, forget_all;
    uint64_t invalid[MAX_INVALID];
    unsigned invalid_count;
    struct engine_picture picture;
};

struct session {
    struct session *next;
    bool live, initialized, ended, lost_told, forgiven;
    NV_ENC_DEVICE_TYPE device_type;
    void *device;
    const struct cuda_peer *cuda;
    void *input_stream, *output_stream; /* NULL: the null stream */
    unsigned inside[GROUP_COUNT];
    pthread_t submitter;
    char error[256];

    NV_ENC_INITIALIZE_PARAMS init;
    NV_ENC_CONFIG config;
    struct engine_params params;
    bool changed, force_idr;
    unsigned sizing; /* counts changes of the size */
    uint64_t invalid[MAX_INVALID];
    unsigned invalid_count;

    struct resource *resources;
    struct input *inputs; /* mapped ones and host buffers */
    struct bitstream *bitstreams;
    uint64_t sent, fetched;
    struct job *head, **tail;
    bool stop, running;
    pthread_t worker;
    struct engine *engine; /* the worker's */
};

extern pthread_mutex_t nvenc_mutex;
extern pthread_cond_t nvenc_change;

/* Counts the call and takes the mutex; on success the call ends with session_leave. A call that
 * releases goes on with a lost device or an injected failure, and answers it at its end. */
NVENCSTATUS session_enter(void *encoder, const char *call, enum group group, bool releases,
                          struct session **session, NVENCSTATUS *answer);
NVENCSTATUS session_leave(struct session *s, enum group group, NVENCSTATUS status,
                          NVENCSTATUS answer);
/* Marks a violation and returns `status`. */
NVENCSTATUS session_fault(struct session *s, NVENCSTATUS status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define SESSION_CALL(encoder, call, group, releases, work)                                         \
    do {                                                                                           \
        struct session *s;                                                                         \
        NVENCSTATUS answer_,                                                                       \
            status_ = session_enter(encoder, call, group, releases, &s, &answer_);                 \
        return status_ ? status_ : session_leave(s, group, (work), answer_);                       \
    } while (0)

bool guid_same(const GUID *a, const GUID *b);
bool codec_known(const GUID *guid, enum engine_codec *codec);
bool preset_known(const GUID *guid, unsigned *level);
int caps_value(enum engine_codec codec, int cap);
bool format_known(enum engine_codec codec, NV_ENC_BUFFER_FORMAT format);
void preset_fill(enum engine_codec codec, NV_ENC_TUNING_INFO tuning, NV_ENC_CONFIG *config);

/* Zero bytes only. */
bool all_zero(const void *data, size_t bytes);
NVENCSTATUS check_version(struct session *s, const char *call, uint32_t is, uint32_t wanted);
#define RESERVED(s, call, field)                                                                   \
    (all_zero(&(field), sizeof(field))                                                             \
         ? (void)0                                                                                 \
         : (void)session_fault(s, NV_ENC_SUCCESS, "%s: " #field " is not zero", call))
void check_pic_params(struct session *s, const NV_ENC_PIC_PARAMS *p);
/* Checks everything and fills *params. */
NVENCSTATUS check_init(struct session *s, const char *call, const NV_ENC_INITIALIZE_PARAMS *init,
                       const NV_ENC_CONFIG *config, struct engine_params *params);

bool layout_of(NV_ENC_BUFFER_FORMAT format, uint32_t width, uint32_t height, uint32_t pitch,
               struct layout *layout);
/* `texture` as the layout wants it, read through the current OpenGL context; NULL and a fault. */
uint8_t *texture_read(struct session *s, const char *call, const struct resource *resource,
                      size_t bytes);

bool worker_start(struct session *s);
void worker_stop_locked(struct session *s);
void worker_send_locked(struct session *s, struct job *job);

NVENCSTATUS nv_initialize(void *encoder, NV_ENC_INITIALIZE_PARAMS *params);
NVENCSTATUS nv_reconfigure(void *encoder, NV_ENC_RECONFIGURE_PARAMS *params);
NVENCSTATUS nv_set_streams(void *encoder, NV_ENC_CUSTREAM_PTR input, NV_ENC_CUSTREAM_PTR output);
NVENCSTATUS nv_sequence_params(void *encoder, NV_ENC_SEQUENCE_PARAM_PAYLOAD *payload);
NVENCSTATUS nv_invalidate(void *encoder, uint64_t timestamp);

NVENCSTATUS nv_guid_count(void *encoder, uint32_t *count);
NVENCSTATUS nv_guids(void *encoder, GUID *guids, uint32_t room, uint32_t *count);
NVENCSTATUS nv_profile_count(void *encoder, GUID codec, uint32_t *count);
NVENCSTATUS nv_profiles(void *encoder, GUID codec, GUID *guids, uint32_t room, uint32_t *count);
NVENCSTATUS nv_format_count(void *encoder, GUID codec, uint32_t *count);
NVENCSTATUS nv_formats(void *encoder, GUID codec, NV_ENC_BUFFER_FORMAT *formats, uint32_t room,
                       uint32_t *count);
NVENCSTATUS nv_caps(void *encoder, GUID codec, NV_ENC_CAPS_PARAM *param, int *value);
NVENCSTATUS nv_preset_count(void *encoder, GUID codec, uint32_t *count);
NVENCSTATUS nv_presets(void *encoder, GUID codec, GUID *guids, uint32_t room, uint32_t *count);
NVENCSTATUS nv_preset_config(void *encoder, GUID codec, GUID preset, NV_ENC_PRESET_CONFIG *config);
NVENCSTATUS nv_preset_config_ex(void *encoder, GUID codec, GUID preset, NV_ENC_TUNING_INFO tuning,
                                NV_ENC_PRESET_CONFIG *config);

NVENCSTATUS nv_register(void *encoder, NV_ENC_REGISTER_RESOURCE *params);
NVENCSTATUS nv_unregister(void *encoder, NV_ENC_REGISTERED_PTR resource);
NVENCSTATUS nv_map(void *encoder, NV_ENC_MAP_INPUT_RESOURCE *params);
NVENCSTATUS nv_unmap(void *encoder, NV_ENC_INPUT_PTR input);
NVENCSTATUS nv_create_input(void *encoder, NV_ENC_CREATE_INPUT_BUFFER *params);
NVENCSTATUS nv_destroy_input(void *encoder, NV_ENC_INPUT_PTR input);
NVENCSTATUS nv_lock_input(void *encoder, NV_ENC_LOCK_INPUT_BUFFER *params);
NVENCSTATUS nv_unlock_input(void *encoder, NV_ENC_INPUT_PTR input);
NVENCSTATUS nv_create_bitstream(void *encoder, NV_ENC_CREATE_BITSTREAM_BUFFER *params);
NVENCSTATUS nv_destroy_bitstream(void *encoder, NV_ENC_OUTPUT_PTR bitstream);

NVENCSTATUS nv_encode(void *encoder, NV_ENC_PIC_PARAMS *params);
NVENCSTATUS nv_lock_bitstream(void *encoder, NV_ENC_LOCK_BITSTREAM *params);
NVENCSTATUS nv_unlock_bitstream(void *encoder, NV_ENC_OUTPUT_PTR bitstream);

#endif
