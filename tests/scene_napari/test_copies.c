/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies by CUDA into textures: what arrives, when memory is let go, and what follows when a call
 * fails or the device is lost. With the GPU's driver, or with a stand-in whose copies come late,
 * which counts and fails when told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "rig.h"
#include "scene/colormap.h"
#include "standin/standin.h"

#define MAX_PIECES 96
#define TEXTURES 4096 /* names that are looked at */

static void *driver; /* NULL: none, or its device does not draw here */
static struct standin standin;
static struct oriel_host_cuda cuda;

/* A slab cut into pieces, each in page-locked memory of its own with gaps between rows. */
struct cut {
    uint32_t ndisplay, dtype, bytes;
    uint32_t shape[3];
    uint32_t count;
    struct oriel_slab slabs[MAX_PIECES];
    struct rig_buffer buffers[MAX_PIECES];
    uint8_t *all; /* dense */
};

/* ---- the driver ---- */

static void *symbol(const char *name)
{
    void *address = dlsym(driver, name);
    assert_non_null(address);
    return address;
}

static void call_cuda(const char *name, void *a, uint64_t b, uint32_t c)
{
    int (*function)(void *, uint64_t, uint32_t);
    void *address = symbol(name);
    memcpy(&function, &address, sizeof address);
    assert_int_equal(function(a, b, c), 0);
}

static void push(void)
{
    call_cuda("cuCtxPushCurrent_v2", (void *)(uintptr_t)cuda.context, 0, 0);
}

static void pop(void)
{
    void *context;
    call_cuda("cuCtxPopCurrent_v2", &context, 0, 0);
}

static int open_driver(void **state)
{
    (void)state;
    standin_load(&standin, "libcuda.so.1");
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL), *context;
    if (!library || !rig_context())
        return 0; /* every test says so */
    int (*init)(unsigned flags);
    int (*on_gl)(unsigned *count, int *devices, unsigned room, unsigned which);
    int (*retain)(void **context, int device);
    void *addresses[] = {dlsym(library, "cuInit"), dlsym(library, "cuGLGetDevices_v2"),
                         dlsym(library, "cuDevicePrimaryCtxRetain")};
    memcpy(&init, &addresses[0], sizeof init);
    memcpy(&on_gl, &addresses[1], sizeof on_gl);
    memcpy(&retain, &addresses[2], sizeof retain);
    unsigned count = 0;
    int device;
    if (init(0) || on_gl(&count, &device, 1, 1) || !count || retain(&context, device))
        return 0;
    driver = library;
    static char name[] = "the device that draws";
    cuda = (struct oriel_host_cuda){.size = sizeof cuda,
                                    .device = device,
                                    .context = (uint64_t)(uintptr_t)context,
                                    .capability = 89,
                                    .name = name};
    return 0;
}

static void reset(void)
{
    if (standin.library)
        standin.reset();
}

static void begin(void)
{
    if (!rig_context())
        skip();
    if (!driver) {
        print_message("skipped: no libcuda.so.1, or none of its devices draws here\n");
        skip();
    }
    rig_cuda = &cuda;
    reset();
}

static void begin_failing(void)
{
    begin();
    if (standin.library)
        return;
    print_message("left out: only a stand-in fails when told to\n");
    skip();
}

/* Where somebody counts. */
static void check_count(const char *what, uint64_t wanted)
{
    if (standin.library && standin.count(what) != wanted)
        fail_msg("%s: %d", what, (int)standin.count(what));
}

static void check_nothing_left(void)
{
    static const char *const kinds[] = {"live.graphics", "live.mapped", "live.arrays",
                                        "live.events", "live.streams"};
    char text[2048] = "";
    if (standin.library && standin.faults(text, sizeof text))
        fail_msg("%s", text);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        check_count(kinds[i], 0);
}

/* ---- slabs ---- */

static uint8_t value_at(uint64_t i)
{
    return (uint8_t)(i * 37 + (i >> 8) * 11 + (i >> 16) + 1);
}

/* `gap`: 1 whole rows between slices, 2 a slice step that is no multiple of the row's. */
static void fill(struct cut *cut, const struct oriel_slab *slab, int gap)
{
    uint64_t tight = (uint64_t)slab->extent[0] * cut->bytes;
    uint64_t row = tight + (gap ? 8 : 0);
    uint64_t slice = row * slab->extent[1] + (gap == 2 ? 4 : gap ? row : 0);
    struct rig_buffer *buffer = &cut->buffers[cut->count];
    void *memory;
    push();
    call_cuda("cuMemHostAlloc", &memory, slice * slab->extent[2], 1);
    pop();
    for (uint32_t z = 0; z < slab->extent[2]; z++)
        for (uint32_t y = 0; y < slab->extent[1]; y++) {
            uint64_t at = ((uint64_t)(slab->offset[2] + z) * cut->shape[1] + slab->offset[1] + y) *
                              cut->shape[0] +
                          slab->offset[0];
            memcpy((uint8_t *)memory + z * slice + y * row, cut->all + at * cut->bytes, tight);
        }
    buffer->public = (struct oriel_buffer){
        .size = sizeof buffer->public, .data = memory, .bytes = slice * slab->extent[2]};
    atomic_init(&buffer->refs, 0);
    struct oriel_slab *piece = &cut->slabs[cut->count++];
    *piece = *slab;
    piece->data = memory;
    piece->row_bytes = row;
    piece->slice_bytes = slice;
    piece->hold = &buffer->public;
}

static void cut_make(struct cut *cut, const struct rig *rig, uint32_t dtype, uint64_t id,
                     const uint32_t shape[3], uint32_t side, int gap)
{
    *cut = (struct cut){.ndisplay = rig->snapshot.ndisplay,
                        .dtype = dtype,
                        .bytes = dtype == ORIEL_U8    ? 1
                                 : dtype == ORIEL_U16 ? 2
                                                      : 4};
    memcpy(cut->shape, shape, sizeof cut->shape);
    uint64_t total = (uint64_t)shape[0] * shape[1] * shape[2] * cut->bytes;
    cut->all = malloc(total);
    assert_non_null(cut->all);
    for (uint64_t i = 0; i < total; i++)
        cut->all[i] = value_at(i + id);
    for (uint64_t i = 3; dtype == ORIEL_F32 && i < total; i += 4)
        cut->all[i] = 0x3f; /* finite */
    uint32_t at[3];
    for (at[2] = 0; at[2] < shape[2]; at[2] += side)
        for (at[1] = 0; at[1] < shape[1]; at[1] += side)
            for (at[0] = 0; at[0] < shape[0]; at[0] += side) {
                struct oriel_slab piece = rig_slab(rig, 0, id, dtype, shape, NULL);
                piece.flags = 0;
                for (int i = 0; i < 3; i++) {
                    piece.offset[i] = at[i];
                    piece.extent[i] = shape[i] - at[i] < side ? shape[i] - at[i] : side;
                }
                assert_true(cut->count < MAX_PIECES);
                fill(cut, &piece, gap);
            }
    cut->slabs[cut->count - 1].flags = ORIEL_SLAB_COMPLETE;
}

static void cut_free(struct cut *cut)
{
    push();
    for (uint32_t i = 0; i < cut->count; i++) {
        assert_int_equal(cut->buffers[i].refs, 0);
        call_cuda("cuMemFreeHost", (void *)(uintptr_t)cut->buffers[i].public.data, 0, 0);
    }
    pop();
    free(cut->all);
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static bool is_held(const struct cut *cut)
{
    for (uint32_t i = 0; i < cut->count; i++)
        if (cut->buffers[i].refs > 0)
            return true;
    return false;
}

/* Draws until the module holds nothing any more. */
static void wait_let_go(struct rig *rig, const struct cut *cut)
{
    for (int tries = 0; tries == 0 || is_held(cut); tries++) {
        assert_true(tries < 2000);
        assert_int_equal(rig->module->draw(rig->self, &rig->view, &rig->target), ORIEL_OK);
        pause_ms(1);
    }
}

/* The texture of a slab is the only one of its size. */
static GLuint find_texture(const uint32_t shape[3], bool volume)
{
    for (GLuint name = 1; name < TEXTURES; name++) {
        GLint width, height, depth, target = 0;
        if (!glIsTexture(name))
            continue;
        glGetTextureParameteriv(name, GL_TEXTURE_TARGET, &target);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_WIDTH, &width);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_HEIGHT, &height);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_DEPTH, &depth);
        if (target == (volume ? GL_TEXTURE_3D : GL_TEXTURE_2D) && width == (GLint)shape[0] &&
            height == (GLint)shape[1] && depth == (GLint)shape[2])
            return name;
    }
    fail_msg("no texture of %u x %u x %u", shape[0], shape[1], shape[2]);
    return 0;
}

static void check_contents(const struct cut *cut)
{
    GLenum type = cut->dtype == ORIEL_U8    ? GL_UNSIGNED_BYTE
                  : cut->dtype == ORIEL_U16 ? GL_UNSIGNED_SHORT
                                            : GL_FLOAT;
    size_t bytes = (size_t)cut->shape[0] * cut->shape[1] * cut->shape[2] * cut->bytes;
    uint8_t *got = malloc(bytes);
    assert_non_null(got);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glGetTextureImage(find_texture(cut->shape, cut->ndisplay == 3), 0, GL_RED, type, (GLsizei)bytes,
                      got);
    glPixelStorei(GL_PACK_ALIGNMENT, 4);
    assert_int_equal(glGetError(), GL_NO_ERROR);
    assert_memory_equal(got, cut->all, bytes);
    free(got);
}

static void rig_make(struct rig *rig, uint32_t ndisplay)
{
    rig_init(rig, ndisplay, 48, 40);
    const double middle[3] = {10, 10, 10}, angles[3] = {20, 30, 40};
    if (ndisplay == 2)
        rig_look(rig, 10, 10, 2);
    else
        rig_turn(rig, middle, angles, 2, 0);
    rig_add(rig, colormap_find("gray"));
    rig_apply(rig);
}

static const uint32_t image[3] = {37, 29, 1}, volume[3] = {37, 29, 23};

/* ---- what arrives ---- */

static void check_arrives(uint32_t ndisplay, uint32_t dtype, uint32_t side, int gap)
{
    struct rig rig;
    struct cut cut;
    rig_make(&rig, ndisplay);
    reset();
    cut_make(&cut, &rig, dtype, 1, ndisplay == 2 ? image : volume, side, gap);
    for (uint32_t i = 0; i < cut.count; i++)
        rig_upload(&rig, &cut.slabs[i]);
    if (standin.library)
        assert_true(standin.count("cuMemcpy3DAsync") >= cut.count);
    check_count("cuGraphicsMapResources", 1); /* for all of them */
    check_count("copies.pageable", 0);
    wait_let_go(&rig, &cut);
    check_count("cuGraphicsUnmapResources", 1);
    check_contents(&cut);
    rig_finish(&rig);
    check_nothing_left();
    cut_free(&cut);
}

static void pieces_arrive_as_they_are(void **state)
{
    (void)state;
    begin();
    static const uint32_t dtypes[] = {ORIEL_U8, ORIEL_U16, ORIEL_F32};
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++)
        for (int i = 0; i < 3; i++)
            for (int gap = 0; gap < 3; gap++)
                check_arrives(ndisplay, dtypes[i], gap == 0 ? 64 : 11, gap);
}

/* Memory that was let go belongs to others: what they write there must not arrive. */
static void memory_is_held_until_copied(void **state)
{
    (void)state;
    begin();
    struct rig rig;
    struct cut cut;
    rig_make(&rig, 3);
    cut_make(&cut, &rig, ORIEL_U16, 1, volume, 9, 0);
    for (uint32_t i = 0; i < cut.count; i++) {
        rig_upload(&rig, &cut.slabs[i]);
        assert_in_range(cut.buffers[i].refs, 0, 1);
        for (uint32_t k = 0; k <= i; k++)
            if (cut.buffers[k].refs == 0)
                memset((void *)(uintptr_t)cut.buffers[k].public.data, 0xee,
                       cut.buffers[k].public.bytes);
    }
    wait_let_go(&rig, &cut);
    check_contents(&cut);
    rig_finish(&rig);
    check_nothing_left();
    cut_free(&cut);
}

static void pieces_without_a_hold_go_between(void **state)
{
    (void)state;
    begin();
    struct rig rig;
    struct cut cut;
    rig_make(&rig, 3);
    reset();
    cut_make(&cut, &rig, ORIEL_U16, 1, volume, 9, 1);
    for (uint32_t i = 0; i < cut.count; i++) {
        struct oriel_slab piece = cut.slabs[i];
        if (i % 3 == 1)
            piece.hold = NULL;
        if (i % 3 == 2)
            piece.size = (uint32_t)offsetof(struct oriel_slab, hold); /* an older host's */
        uint8_t *borrowed = NULL;
        if (i % 3) { /* ordinary memory that is gone after the call */
            borrowed = malloc(cut.buffers[i].public.bytes);
            assert_non_null(borrowed);
            memcpy(borrowed, piece.data, cut.buffers[i].public.bytes);
            piece.data = borrowed;
        }
        rig_upload(&rig, &piece);
        free(borrowed);
    }
    check_count("cuGraphicsMapResources", 1);
    wait_let_go(&rig, &cut);
    check_contents(&cut);
    rig_finish(&rig);
    check_nothing_left();
    cut_free(&cut);
}

/* Pictures without a slab neither wait for it nor make it change hands. */
static void what_is_not_drawn_stays_with_cuda(void **state)
{
    (void)state;
    begin();
    static const uint32_t small[3] = {8, 7, 6};
    struct rig rig;
    struct cut base, detail;
    rig_make(&rig, 3);
    cut_make(&base, &rig, ORIEL_U8, 1, small, 8, 0);
    cut_make(&detail, &rig, ORIEL_U8, 2, volume, 12, 0);
    rig.view_layers[0].detail = 2;
    rig_upload(&rig, &base.slabs[0]);
    wait_let_go(&rig, &base);
    reset();
    uint8_t pixels[48 * 40 * 4];
    for (uint32_t i = 0; i < detail.count; i++) {
        check_count("cuGraphicsUnmapResources", 0);
        rig_upload(&rig, &detail.slabs[i]);
        if (i + 1 < detail.count)
            rig_draw(&rig, pixels);
    }
    check_count("cuGraphicsMapResources", 1);
    wait_let_go(&rig, &detail);
    check_count("cuGraphicsUnmapResources", 1);
    check_contents(&detail);
    rig_finish(&rig);
    check_nothing_left();
    cut_free(&base);
    cut_free(&detail);
}

static void eviction_while_copying(void **state)
{
    (void)state;
    begin();
    for (int how = 0; how < 3; how++) {
        struct rig rig;
        struct cut cut;
        rig_make(&rig, 3);
        cut_make(&cut, &rig, ORIEL_F32, 1, volume, 12, 0);
        for (uint32_t i = 0; i < cut.count; i++)
            rig_upload(&rig, &cut.slabs[i]);
        if (how == 0) {
            rig.module->evict(rig.self, 1);
        } else if (how == 1) {
            rig.snapshot.layer_count = 0; /* the layer goes */
            rig_apply(&rig);
        } else {
            rig_finish(&rig);
        }
        for (uint32_t i = 0; i < cut.count; i++)
            assert_int_equal(cut.buffers[i].refs, 0);
        if (how < 2) {
            check_count("live.graphics", 0);
            rig_finish(&rig);
        }
        check_nothing_left();
        cut_free(&cut);
    }
}

/* ---- failures ---- */

/* As the host does it: a lost device is followed by another instance, which gets everything again.
 * Returns how many instances there were. */
static int show(struct cut *cut, uint32_t ndisplay, const char *call, uint32_t nth, int code)
{
    for (int instances = 1;; instances++) {
        assert_true(instances < 4);
        struct rig rig;
        if (instances == 1)
            (standin.fail)(call, nth, code);
        rig_make(&rig, ndisplay);
        oriel_result result = ORIEL_OK;
        for (uint32_t i = 0; i < cut->count && result == ORIEL_OK; i++)
            result = rig.module->upload(rig.self, &cut->slabs[i]);
        for (int i = 0; i < 2000 && result == ORIEL_OK && (i == 0 || is_held(cut)); i++) {
            result = rig.module->draw(rig.self, &rig.view, &rig.target);
            pause_ms(1);
        }
        if (result == ORIEL_OK)
            check_contents(cut);
        else
            assert_int_equal(result, ORIEL_DEVICE_LOST);
        rig_finish(&rig);
        for (uint32_t i = 0; i < cut->count; i++)
            assert_int_equal(cut->buffers[i].refs, 0);
        if (result == ORIEL_OK)
            return instances;
    }
}

static void any_call_may_fail(void **state)
{
    (void)state;
    begin_failing();
    static const char *const calls[] = {
        "cuCtxPushCurrent",       "cuStreamCreate",
        "cuEventCreate",          "cuGraphicsGLRegisterImage",
        "cuGraphicsMapResources", "cuGraphicsSubResourceGetMappedArray",
        "cuMemcpy3DAsync",        "cuStreamSynchronize",
        "cuEventRecord",          "cuEventQuery"};
    static const int codes[] = {2 /* OUT_OF_MEMORY */, 700 /* ILLEGAL_ADDRESS */};
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct rig rig;
        struct cut cut;
        rig_make(&rig, ndisplay);
        cut_make(&cut, &rig, ORIEL_U16, 1, ndisplay == 2 ? image : volume, 14, 0);
        rig_finish(&rig);
        for (size_t c = 0; c < sizeof calls / sizeof *calls; c++)
            for (uint32_t nth = 1; nth <= 3; nth++)
                for (int k = 0; k < 2; k++) {
                    standin.reset();
                    show(&cut, ndisplay, calls[c], nth, codes[k]);
                    check_nothing_left();
                }
        cut_free(&cut);
    }
}

/* Nothing but OpenGL is left from then on. */
static void a_driver_that_always_fails(void **state)
{
    (void)state;
    begin_failing();
    struct rig rig;
    struct cut cut;
    rig_make(&rig, 3);
    cut_make(&cut, &rig, ORIEL_U8, 1, volume, 14, 0);
    rig_finish(&rig);
    static const char *const calls[] = {"cuGraphicsGLRegisterImage", "cuMemcpy3DAsync",
                                        "cuGraphicsSubResourceGetMappedArray"};
    for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
        standin.reset();
        assert_int_equal(show(&cut, 3, calls[c], 0, 801), 1);
        assert_int_equal(standin.count(calls[c]), 1); /* the trial's */
        check_nothing_left();
    }
    /* It works at first, then not any more: one call, one line in the log. */
    standin.reset();
    rig_make(&rig, 3);
    (standin.fail)("cuMemcpy3DAsync", 0, 801);
    uint64_t before = standin.count("cuMemcpy3DAsync");
    for (uint32_t i = 0; i < cut.count; i++)
        rig_upload(&rig, &cut.slabs[i]);
    assert_int_equal(standin.count("cuMemcpy3DAsync"), before + 1);
    wait_let_go(&rig, &cut);
    check_contents(&cut);
    rig_finish(&rig);
    check_nothing_left();
    cut_free(&cut);
}

static void a_lost_device(void **state)
{
    (void)state;
    begin_failing();
    for (uint32_t when = 1; when < 8; when += 3) {
        struct rig rig;
        struct cut cut;
        rig_make(&rig, 3);
        cut_make(&cut, &rig, ORIEL_U8, 1, volume, 14, 0);
        oriel_result result = ORIEL_OK;
        for (uint32_t i = 0; i < cut.count && result == ORIEL_OK; i++) {
            if (i == when) {
                pause_ms(20); /* the stand-in's copies go on without a device */
                standin.set("lost", 719);
            }
            result = rig.module->upload(rig.self, &cut.slabs[i]);
        }
        if (result == ORIEL_OK)
            result = rig.module->draw(rig.self, &rig.view, &rig.target);
        assert_int_equal(result, ORIEL_DEVICE_LOST);
        assert_non_null(strstr(rig.failure, "719"));
        rig_finish(&rig);
        standin.set("lost", 0);
        for (uint32_t i = 0; i < cut.count; i++)
            assert_int_equal(cut.buffers[i].refs, 0);
        cut_free(&cut);
        standin.reset();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_arrive_as_they_are),
        cmocka_unit_test(memory_is_held_until_copied),
        cmocka_unit_test(pieces_without_a_hold_go_between),
        cmocka_unit_test(what_is_not_drawn_stays_with_cuda),
        cmocka_unit_test(eviction_while_copying),
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(a_driver_that_always_fails),
        cmocka_unit_test(a_lost_device),
    };
    return cmocka_run_group_tests(tests, open_driver, NULL);
}
