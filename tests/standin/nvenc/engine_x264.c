/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <x264.h>

#include "engine.h"

struct x264 {
    x264_t *encoder;
    struct engine_params params;
    uint32_t fps_num, fps_den; /* it was opened with */
    uint8_t *headers;
    size_t header_bytes;
    uint8_t *unit;
    size_t room;
};

static void set_rate(x264_param_t *p, const struct x264 *self, const struct engine_params *to)
{
    if (to->rate == ENGINE_QP)
        return;
    /* libx264 keeps its frame rate: what changes is the share of a picture. */
    double share = (double)self->fps_num * to->fps_den / ((double)self->fps_den * to->fps_num);
    uint32_t most = to->rate == ENGINE_VBR && to->max_bitrate ? to->max_bitrate : to->bitrate;
    uint32_t vbv = to->vbv_bits ? to->vbv_bits : most;
    p->rc.i_bitrate = (int)(to->bitrate * share / 1000) + 1;
    p->rc.i_vbv_max_bitrate = (int)(most * share / 1000) + 1;
    p->rc.i_vbv_buffer_size = (int)(vbv / 1000) + 1;
}

static void set_slices(x264_param_t *p, const struct engine_params *params)
{
    int rows = (int)(params->height + 15) / 16, columns = (int)(params->width + 15) / 16;
    int n = (int)params->slice_data;
    if (params->slice_mode == 3)
        p->i_slice_count = n > rows ? rows : n;
    else if (params->slice_mode == 2 && n > 0)
        p->i_slice_max_mbs = n * columns;
    else if (params->slice_mode == 1)
        p->i_slice_max_size = n;
    else if (n > 0)
        p->i_slice_max_mbs = n;
}

static void x264_destroy(void *opaque)
{
    struct x264 *self = opaque;
    if (self->encoder)
        x264_encoder_close(self->encoder);
    free(self->headers);
    free(self->unit);
    free(self);
}

static void *x264_create(const struct engine_params *params)
{
    static const char *const presets[] = {"ultrafast", "ultrafast", "superfast", "superfast",
                                          "veryfast",  "veryfast",  "faster"};
    x264_param_t p;
    struct x264 *self = calloc(1, sizeof *self);
    self->params = *params;
    self->fps_num = params->fps_num;
    self->fps_den = params->fps_den;
    x264_param_default_preset(&p, presets[params->preset - 1], "zerolatency");
    p.i_log_level = X264_LOG_NONE;
    p.i_threads = 1;
    p.b_sliced_threads = 0;
    p.i_width = (int)params->width;
    p.i_height = (int)params->height;
    p.i_csp = params->yuv444 ? X264_CSP_I444 : X264_CSP_I420;
    p.i_fps_num = params->fps_num;
    p.i_fps_den = params->fps_den;
    p.b_vfr_input = 0;
    p.i_scenecut_threshold = 0;
    p.i_keyint_max = params->idr_period ? (int)params->idr_period : X264_KEYINT_MAX_INFINITE;
    if (params->refresh_period) {
        p.b_intra_refresh = 1;
        p.i_keyint_max = (int)params->refresh_period;
    }
    p.i_keyint_min = 1;
    p.b_repeat_headers = 0;
    p.b_annexb = 1;
    p.b_aud = params->aud;
    if (params->cavlc)
        p.b_cabac = 0;
    else if (params->profile != 66)
        p.b_cabac = 1;
    p.i_frame_reference = 1;
    p.i_dpb_size = params->refs ? (int)params->refs : 4;
    set_slices(&p, params);
    if (params->lossless) {
        p.rc.i_rc_method = X264_RC_CQP;
        p.rc.i_qp_constant = 0;
    } else if (params->rate == ENGINE_QP) { /* with CQP it would clip what the pictures carry */
        p.rc.i_rc_method = X264_RC_CRF;
        p.rc.i_aq_mode = X264_AQ_NONE;
        p.rc.b_mb_tree = 0;
    } else {
        p.rc.i_rc_method = X264_RC_ABR;
        set_rate(&p, self, params);
    }
    if (params->vui.signal_type) {
        p.vui.i_vidformat = (int)params->vui.format;
        p.vui.b_fullrange = (int)params->vui.full_range;
    }
    if (params->vui.signal_type && params->vui.colour) {
        p.vui.i_colorprim = (int)params->vui.primaries;
        p.vui.i_transfer = (int)params->vui.transfer;
        p.vui.i_colmatrix = (int)params->vui.matrix;
    }
    if (params->vui.chroma_location >= 0)
        p.vui.i_chroma_loc = params->vui.chroma_location;
    const char *profile = params->profile == 66    ? "baseline"
                          : params->profile == 77  ? "main"
                          : params->profile == 100 ? "high"
                                                   : NULL;
    x264_nal_t *nals;
    int count;
    if ((profile && x264_param_apply_profile(&p, profile)) ||
        !(self->encoder = x264_encoder_open(&p)) ||
        x264_encoder_headers(self->encoder, &nals, &count) < 0) {
        x264_destroy(self);
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        if (nals[i].i_type != NAL_SPS && nals[i].i_type != NAL_PPS)
            continue;
        self->headers = realloc(self->headers, self->header_bytes + (size_t)nals[i].i_payload);
        memcpy(self->headers + self->header_bytes, nals[i].p_payload, (size_t)nals[i].i_payload);
        self->header_bytes += (size_t)nals[i].i_payload;
    }
    return self;
}

static bool x264_change(void *opaque, const struct engine_params *from,
                        const struct engine_params *to)
{
    struct x264 *self = opaque;
    struct engine_params same = *to;
    same.fps_num = from->fps_num;
    same.fps_den = from->fps_den;
    same.bitrate = from->bitrate;
    same.max_bitrate = from->max_bitrate;
    same.vbv_bits = from->vbv_bits;
    same.qp_p = from->qp_p;
    same.qp_i = from->qp_i;
    if (memcmp(&same, from, sizeof same) != 0)
        return false;
    self->params = *to;
    if (to->rate == ENGINE_QP)
        return true; /* every picture carries its own */
    x264_param_t p;
    x264_encoder_parameters(self->encoder, &p);
    set_rate(&p, self, to);
    return x264_encoder_reconfig(self->encoder, &p) == 0;
}

static const uint8_t *x264_headers(void *opaque, size_t *bytes)
{
    const struct x264 *self = opaque;
    *bytes = self->header_bytes;
    return self->headers;
}

static bool x264_encode(void *opaque, const struct engine_picture *picture, const uint8_t **data,
                        size_t *bytes, enum engine_type *type, uint32_t *qp)
{
    struct x264 *self = opaque;
    const struct engine_params *params = &self->params;
    x264_picture_t in, out;
    x264_picture_init(&in);
    in.img.i_csp = params->yuv444 ? X264_CSP_I444 : X264_CSP_I420;
    in.img.i_plane = 3;
    for (int i = 0; i < 3; i++) {
        in.img.plane[i] = (uint8_t *)(uintptr_t)picture->planes[i];
        in.img.i_stride[i] = (int)(i && !params->yuv444 ? params->width / 2 : params->width);
    }
    in.i_pts = picture->id;
    static const int types[] = {X264_TYPE_AUTO, X264_TYPE_P, X264_TYPE_I, X264_TYPE_IDR};
    in.i_type = types[picture->type];
    if (params->rate == ENGINE_QP && !params->lossless) {
        bool intra = picture->type == ENGINE_I || picture->type == ENGINE_IDR;
        in.i_qpplus1 = (int)(intra ? params->qp_i : params->qp_p) + 1;
        if (in.i_qpplus1 == 1)
            in.i_qpplus1 = 2;
    }
    if (picture->refresh)
        x264_encoder_intra_refresh(self->encoder);
    x264_nal_t *nals;
    int count;
    if (x264_encoder_encode(self->encoder, &nals, &count, &in, &out) <= 0)
        return false;
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        if (nals[i].i_type == NAL_SPS || nals[i].i_type == NAL_PPS || nals[i].i_type == NAL_SEI ||
            nals[i].i_type == NAL_FILLER)
            continue;
        if (used + (size_t)nals[i].i_payload > self->room) {
            self->room = used + (size_t)nals[i].i_payload + 65536;
            self->unit = realloc(self->unit, self->room);
        }
        memcpy(self->unit + used, nals[i].p_payload, (size_t)nals[i].i_payload);
        used += (size_t)nals[i].i_payload;
    }
    *data = self->unit;
    *bytes = used;
    *type = out.i_type == X264_TYPE_IDR ? ENGINE_IDR
            : out.i_type == X264_TYPE_I ? ENGINE_I
                                        : ENGINE_P;
    *qp = params->rate == ENGINE_QP
              ? (*type == ENGINE_P ? params->qp_p : params->qp_i)
              : (uint32_t)(out.prop.f_crf_avg > 0 ? out.prop.f_crf_avg + 0.5 : 0);
    return true;
}

static void x264_forget(void *opaque, int64_t id)
{
    struct x264 *self = opaque;
    x264_encoder_invalidate_reference(self->encoder, id);
}

const struct engine_class engine_x264 = {
    x264_create, x264_destroy, x264_change, x264_headers, x264_encode, x264_forget,
};
