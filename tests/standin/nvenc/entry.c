/* SPDX-License-Identifier: BSD-3-Clause */
/* The two exported functions, sessions, and what holds for every call of one. */
#include <epoxy/egl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

pthread_mutex_t nvenc_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t nvenc_change = PTHREAD_COND_INITIALIZER;
/* Guards the list and what is inside of a session: told apart before nvenc_mutex is waited for. */
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
/* The newest first. Of the destroyed ones the last stay, so that their handles are known. */
static struct session *sessions;
enum { KNOWN_DEAD = 32 };
static unsigned session_count;

EXPORT NVENCSTATUS NvEncodeAPIGetMaxSupportedVersion(uint32_t *version);
EXPORT NVENCSTATUS NvEncodeAPICreateInstance(NV_ENCODE_API_FUNCTION_LIST *list);

bool all_zero(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < bytes; i++)
        if (at[i])
            return false;
    return true;
}

NVENCSTATUS session_fault(struct session *s, NVENCSTATUS status, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    book_fault("%s", text);
    if (s)
        snprintf(s->error, sizeof s->error, "%s", text);
    return status;
}

NVENCSTATUS check_version(struct session *s, const char *call, uint32_t is, uint32_t wanted)
{
    if (is == wanted)
        return NV_ENC_SUCCESS;
    return session_fault(s, NV_ENC_ERR_INVALID_VERSION, "%s: struct version 0x%08x, not 0x%08x",
                         call, is, wanted);
}

static bool device_lost(const struct session *s)
{
    return book_setting("lost", 0) || (s->cuda && s->cuda->lost());
}

/* True when the group has nobody else in it. */
static bool go_in(void *encoder, enum group group, struct session **found)
{
    pthread_mutex_lock(&door);
    struct session *s = sessions;
    while (s && s != encoder)
        s = s->next;
    bool alone = !s || s->inside[group]++ == 0;
    pthread_mutex_unlock(&door);
    *found = s;
    return alone;
}

static void go_out(struct session *s, enum group group)
{
    pthread_mutex_lock(&door);
    s->inside[group]--;
    pthread_mutex_unlock(&door);
}

static bool somebody_inside(struct session *s, enum group group)
{
    pthread_mutex_lock(&door);
    bool inside = s->inside[group];
    pthread_mutex_unlock(&door);
    return inside;
}

NVENCSTATUS session_enter(void *encoder, const char *call, enum group group, bool releases,
                          struct session **found, NVENCSTATUS *answer)
{
    int code = NV_ENC_SUCCESS;
    bool injected = book_enter(call, &code);
    struct session *s;
    *answer = (NVENCSTATUS)code;
    bool alone = go_in(encoder, group, &s);
    if (!s) {
        book_fault("%s: not a session", call);
        return NV_ENC_ERR_INVALID_ENCODERDEVICE;
    }
    pthread_mutex_lock(&nvenc_mutex);
    NVENCSTATUS status = NV_ENC_SUCCESS;
    if (!alone)
        session_fault(s, status, "%s: another thread is in a call of the same session", call);
    s->forgiven |= injected;
    if (!s->live) {
        book_fault("%s: the session is destroyed", call);
        status = NV_ENC_ERR_INVALID_ENCODERDEVICE;
    } else if (injected) {
        status = releases ? NV_ENC_SUCCESS : *answer;
    } else if (device_lost(s)) {
        *answer = NV_ENC_ERR_DEVICE_NOT_EXIST;
        if (s->lost_told && !strcmp(call, "nvEncEncodePicture"))
            session_fault(s, status, "%s: the client was told that the device is lost", call);
        s->lost_told = true;
        status = releases ? NV_ENC_SUCCESS : *answer;
    }
    *found = s;
    if (status) {
        pthread_mutex_unlock(&nvenc_mutex);
        go_out(s, group);
    }
    return status;
}

NVENCSTATUS session_leave(struct session *s, enum group group, NVENCSTATUS status,
                          NVENCSTATUS answer)
{
    pthread_mutex_unlock(&nvenc_mutex);
    go_out(s, group);
    return answer ? answer : status;
}

/* Called with the door locked. */
static void forget_long_dead(void)
{
    unsigned dead = 0;
    for (struct session **at = &sessions; *at;) {
        struct session *s = *at;
        bool idle = !s->live;
        for (unsigned group = 0; group < GROUP_COUNT; group++)
            idle = idle && !s->inside[group];
        if (!idle || ++dead <= KNOWN_DEAD) {
            at = &s->next;
        } else {
            *at = s->next;
            free(s);
        }
    }
}

static NVENCSTATUS nv_open(NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS *params, void **encoder)
{
    static const char call[] = "nvEncOpenEncodeSessionEx";
    int code;
    if (encoder)
        *encoder = NULL;
    if (book_enter(call, &code))
        return (NVENCSTATUS)code;
    if (!params || !encoder)
        return session_fault(NULL, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status =
        check_version(NULL, call, params->version, NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER);
    if (status)
        return status;
    RESERVED(NULL, call, params->reserved1);
    RESERVED(NULL, call, params->reserved2);
    if (params->reserved)
        session_fault(NULL, NV_ENC_SUCCESS, "%s: params->reserved is not NULL", call);
    if (params->apiVersion != NVENCAPI_VERSION)
        return session_fault(NULL, NV_ENC_ERR_INVALID_VERSION, "%s: apiVersion 0x%08x", call,
                             params->apiVersion);
    const struct cuda_peer *cuda = cuda_peer_find();
    if (book_setting("lost", 0) || (cuda && cuda->lost()))
        return NV_ENC_ERR_DEVICE_NOT_EXIST;
    if (book_setting("no.engine", 0))
        return NV_ENC_ERR_UNSUPPORTED_DEVICE;
    if (params->deviceType == NV_ENC_DEVICE_TYPE_CUDA) {
        if (!cuda || !params->device || !cuda->context_live(params->device))
            return session_fault(NULL, NV_ENC_ERR_INVALID_ENCODERDEVICE,
                                 "%s: the device is not a live CUDA context", call);
    } else if (params->deviceType == NV_ENC_DEVICE_TYPE_OPENGL) {
        if (eglGetCurrentContext() == EGL_NO_CONTEXT)
            return session_fault(NULL, NV_ENC_ERR_INVALID_DEVICE,
                                 "%s: no OpenGL context is current", call);
        if (params->device)
            return session_fault(NULL, NV_ENC_ERR_INVALID_DEVICE,
                                 "%s: device has to be NULL with OpenGL", call);
    } else {
        return session_fault(NULL, NV_ENC_ERR_UNSUPPORTED_DEVICE, "%s: device type %d", call,
                             (int)params->deviceType);
    }
    pthread_mutex_lock(&nvenc_mutex);
    if ((int64_t)session_count >= book_setting("sessions", 8)) {
        pthread_mutex_unlock(&nvenc_mutex);
        return (NVENCSTATUS)book_setting("sessions.code", NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY);
    }
    struct session *s = calloc(1, sizeof *s);
    s->live = true;
    s->device_type = params->deviceType;
    s->device = params->device;
    s->cuda = cuda;
    s->tail = &s->head;
    pthread_mutex_lock(&door);
    s->next = sessions;
    sessions = s;
    forget_long_dead();
    pthread_mutex_unlock(&door);
    session_count++;
    book_count("live.sessions", 1);
    book_count("made.sessions", 1);
    pthread_mutex_unlock(&nvenc_mutex);
    *encoder = s;
    return NV_ENC_SUCCESS;
}

/* Everything has to be given back before, in the order the guide gives. */
static void destroy_objects(struct session *s)
{
    unsigned mapped = 0, hosts = 0, registered = 0, bitstreams = 0;
    while (s->inputs) {
        struct input *input = s->inputs;
        s->inputs = input->next;
        if (input->resource)
            mapped++;
        else
            hosts++;
        book_count(input->resource ? "live.mapped" : "live.inputs", -1);
        free(input->data);
        free(input);
    }
    while (s->resources) {
        struct resource *resource = s->resources;
        s->resources = resource->next;
        registered++;
        book_count("live.resources", -1);
        free(resource);
    }
    while (s->bitstreams) {
        struct bitstream *bitstream = s->bitstreams;
        s->bitstreams = bitstream->next;
        bitstreams++;
        book_count("live.bitstreams", -1);
        free(bitstream->packet.data);
        free(bitstream->packet.slices);
        free(bitstream);
    }
    if (mapped || registered || bitstreams || hosts)
        session_fault(s, NV_ENC_SUCCESS,
                      "nvEncDestroyEncoder: leaves %u mapped and %u registered resources, %u input "
                      "buffers, %u bitstreams",
                      mapped, registered, hosts, bitstreams);
}

static NVENCSTATUS destroy(struct session *s)
{
    if (somebody_inside(s, GROUP_READ))
        session_fault(s, NV_ENC_SUCCESS, "nvEncDestroyEncoder: another thread is in a call");
    unsigned unfetched = 0;
    for (const struct bitstream *b = s->bitstreams; b; b = b->next)
        unfetched += b->sent != 0;
    if (unfetched && !s->ended && !s->lost_told && !s->forgiven)
        session_fault(s, NV_ENC_SUCCESS,
                      "nvEncDestroyEncoder: %u pictures were neither fetched nor flushed",
                      unfetched);
    worker_stop_locked(s);
    destroy_objects(s);
    s->live = false;
    session_count--;
    book_count("live.sessions", -1);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS nv_destroy(void *encoder)
{
    SESSION_CALL(encoder, "nvEncDestroyEncoder", GROUP_MAIN, true, destroy(s));
}

static const char *nv_last_error(void *encoder)
{
    static _Thread_local char text[sizeof((struct session *)0)->error];
    text[0] = 0;
    pthread_mutex_lock(&nvenc_mutex);
    pthread_mutex_lock(&door);
    for (const struct session *s = sessions; s; s = s->next)
        if (s == encoder)
            memcpy(text, s->error, sizeof text);
    pthread_mutex_unlock(&door);
    pthread_mutex_unlock(&nvenc_mutex);
    return text;
}

/* What this card has not. */
static NVENCSTATUS unimplemented(const char *call)
{
    int code;
    return book_enter(call, &code) ? (NVENCSTATUS)code : NV_ENC_ERR_UNIMPLEMENTED;
}

static NVENCSTATUS nv_open_old(void *device, uint32_t type, void **encoder)
{
    (void)device, (void)type, (void)encoder;
    return unimplemented("nvEncOpenEncodeSession");
}

static NVENCSTATUS nv_stats(void *encoder, NV_ENC_STAT *stat)
{
    (void)encoder, (void)stat;
    return unimplemented("nvEncGetEncodeStats");
}

static NVENCSTATUS nv_event(void *encoder, NV_ENC_EVENT_PARAMS *params)
{
    (void)encoder, (void)params;
    return unimplemented("nvEncRegisterAsyncEvent"); /* Windows only */
}

static NVENCSTATUS nv_create_mv(void *encoder, NV_ENC_CREATE_MV_BUFFER *params)
{
    (void)encoder, (void)params;
    return unimplemented("nvEncCreateMVBuffer");
}

static NVENCSTATUS nv_destroy_mv(void *encoder, NV_ENC_OUTPUT_PTR buffer)
{
    (void)encoder, (void)buffer;
    return unimplemented("nvEncDestroyMVBuffer");
}

static NVENCSTATUS nv_motion(void *encoder, NV_ENC_MEONLY_PARAMS *params)
{
    (void)encoder, (void)params;
    return unimplemented("nvEncRunMotionEstimationOnly");
}

static NVENCSTATUS nv_sequence_ex(void *encoder, NV_ENC_INITIALIZE_PARAMS *init,
                                  NV_ENC_SEQUENCE_PARAM_PAYLOAD *payload)
{
    (void)encoder, (void)init, (void)payload;
    return unimplemented("nvEncGetSequenceParamEx");
}

NVENCSTATUS NvEncodeAPIGetMaxSupportedVersion(uint32_t *version)
{
    ENTER(NvEncodeAPIGetMaxSupportedVersion);
    if (!version)
        return session_fault(NULL, NV_ENC_ERR_INVALID_PTR,
                             "NvEncodeAPIGetMaxSupportedVersion: NULL");
    *version =
        (uint32_t)book_setting("version", NVENCAPI_MAJOR_VERSION << 4 | NVENCAPI_MINOR_VERSION);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS NvEncodeAPICreateInstance(NV_ENCODE_API_FUNCTION_LIST *list)
{
    static const char call[] = "NvEncodeAPICreateInstance";
    ENTER(NvEncodeAPICreateInstance);
    if (!list)
        return session_fault(NULL, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(NULL, call, list->version, NV_ENCODE_API_FUNCTION_LIST_VER);
    if (status)
        return status;
    RESERVED(NULL, call, list->reserved2);
    list->nvEncOpenEncodeSession = nv_open_old;
    list->nvEncOpenEncodeSessionEx = nv_open;
    list->nvEncGetEncodeGUIDCount = nv_guid_count;
    list->nvEncGetEncodeGUIDs = nv_guids;
    list->nvEncGetEncodeProfileGUIDCount = nv_profile_count;
    list->nvEncGetEncodeProfileGUIDs = nv_profiles;
    list->nvEncGetInputFormatCount = nv_format_count;
    list->nvEncGetInputFormats = nv_formats;
    list->nvEncGetEncodeCaps = nv_caps;
    list->nvEncGetEncodePresetCount = nv_preset_count;
    list->nvEncGetEncodePresetGUIDs = nv_presets;
    list->nvEncGetEncodePresetConfig = nv_preset_config;
    list->nvEncGetEncodePresetConfigEx = nv_preset_config_ex;
    list->nvEncInitializeEncoder = nv_initialize;
    list->nvEncReconfigureEncoder = nv_reconfigure;
    list->nvEncCreateInputBuffer = nv_create_input;
    list->nvEncDestroyInputBuffer = nv_destroy_input;
    list->nvEncLockInputBuffer = nv_lock_input;
    list->nvEncUnlockInputBuffer = nv_unlock_input;
    list->nvEncCreateBitstreamBuffer = nv_create_bitstream;
    list->nvEncDestroyBitstreamBuffer = nv_destroy_bitstream;
    list->nvEncEncodePicture = nv_encode;
    list->nvEncLockBitstream = nv_lock_bitstream;
    list->nvEncUnlockBitstream = nv_unlock_bitstream;
    list->nvEncGetEncodeStats = nv_stats;
    list->nvEncGetSequenceParams = nv_sequence_params;
    list->nvEncGetSequenceParamEx = nv_sequence_ex;
    list->nvEncRegisterAsyncEvent = nv_event;
    list->nvEncUnregisterAsyncEvent = nv_event;
    list->nvEncRegisterResource = nv_register;
    list->nvEncUnregisterResource = nv_unregister;
    list->nvEncMapInputResource = nv_map;
    list->nvEncUnmapInputResource = nv_unmap;
    list->nvEncInvalidateRefFrames = nv_invalidate;
    list->nvEncDestroyEncoder = nv_destroy;
    list->nvEncCreateMVBuffer = nv_create_mv;
    list->nvEncDestroyMVBuffer = nv_destroy_mv;
    list->nvEncRunMotionEstimationOnly = nv_motion;
    list->nvEncGetLastErrorString = nv_last_error;
    list->nvEncSetIOCudaStreams = nv_set_streams;
    return NV_ENC_SUCCESS;
}
