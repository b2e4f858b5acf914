/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of scene/napari. Everything is called on the render thread with its context current.
 */
#ifndef NAPARI_H
#define NAPARI_H

#include <epoxy/gl.h>
#include <stdbool.h>
#include <stdint.h>

#include "copies.h"
#include "oriel/scene_module.h"

#define LUT_SIZE 1024
#define BRICK_SIDE 8 /* voxels */

/* Texture units of the shaders. */
enum {
    UNIT_LUT = 0,
    UNIT_BASE = 1,   /* and the volume */
    UNIT_DETAIL = 2, /* and the bricks of a volume */
    UNIT_BASE_MASK = 3,
    UNIT_DETAIL_MASK = 4,
    UNIT_COUNT
};

/* Image units of the compute shaders. */
enum { IMAGE_PICTURE = 0, IMAGE_DEPTH = 1, IMAGE_BOUNDS = 2, IMAGE_COUNT };

/* A box of voxels on the GPU. */
struct slab {
    uint64_t id;
    uint64_t layer;
    uint32_t level;
    uint32_t ndisplay;
    uint32_t dtype;
    uint32_t shape[3];
    double scale[3]; /* voxel to world */
    double translate[3];
    bool complete;
    GLuint texture;        /* OpenGL may touch it after slab_settle() */
    struct target *target; /* CUDA copies into it; NULL: never did */
    GLuint mask; /* images that are not complete: a texel of 1 for each one that has come */
    struct bricks *bricks; /* volumes: bounds of the values, box by box */
};

/* A layer of the snapshot. */
struct layer {
    uint64_t key;
    const struct oriel_layer
        *controls; /* the snapshot's: not to be read once the next one is here */
    GLuint lut;    /* the table, with the texels of the colormap that `map` is a copy of */
    uint8_t texels[LUT_SIZE * 4];
    float *map; /* colours, then controls */
    uint32_t map_count;
    uint32_t map_interpolation;
    uint64_t base; /* what was drawn last; slab ids */
    uint64_t detail;
};

/* Which program: a bit set. */
enum {
    PROGRAM_VOLUME = 1u << 0, /* else an image */
    PROGRAM_GAMMA = 1u << 1,
    PROGRAM_ENDS = 1u << 2,
    PROGRAM_NANS = 1u << 3,  /* images of floats */
    PROGRAM_MIXED = 1u << 4, /* images: a base and a masked detail */
    PROGRAM_PLANE = 1u << 5,
    PROGRAM_BRICKS = 1u << 6,
    PROGRAM_UPSCALE = 1u << 7,
    PROGRAM_COMPUTE = 1u << 8, /* a compute shader that composes as well */
    PROGRAM_MODE_SHIFT = 9     /* volumes: ORIEL_RENDER_* */
};

struct program {
    uint32_t key;
    GLuint name;
};

struct scene {
    const struct oriel_host *host;
    bool software; /* a software renderer: no timer queries */
    GLenum depth_format;
    bool compute;      /* volumes are drawn by compute shaders */
    bool bricks;       /* volumes: what cannot matter is left out */
    uint32_t group[2]; /* pixels of a compute shader's workgroup */
    int max_2d;        /* texels */
    int max_3d;

    const struct oriel_snapshot *snapshot;
    struct layer *layers;
    uint32_t layer_count;
    struct slab *slabs;
    uint32_t slab_count;
    struct copies *copies; /* NULL: OpenGL copies data to the GPU */
    GLuint bounds_program; /* with which the GPU finds the bounds of bricks; 0: the CPU does */
    GLuint zero_program;   /* with which it makes volumes empty; 0: OpenGL's own way */
    struct program *programs;
    uint32_t program_count;

    GLuint vertex_array; /* empty: the shaders make their vertices */
    GLuint nearest;      /* samplers */
    GLuint linear;
    GLuint all; /* 1×1 masks */
    GLuint none;
    GLuint framebuffer; /* volumes: the target's texture with our depth */
    GLuint depth;
    uint32_t depth_size[2];
    GLuint depth_image; /* the same for compute shaders */
    uint32_t depth_image_size[2];
    GLuint reduced; /* a picture at less than full resolution */
    GLuint reduced_texture;
    uint32_t reduced_size[2];
    GLuint timestamps[2];
    bool timed;
};

/* How a layer is composed with what lies below, in OpenGL's terms. */
struct blend {
    GLenum source;
    GLenum destination;
    GLenum destination_alpha; /* the source's is GL_ONE */
    GLenum equation;
    bool tested; /* against depth, in 3-D */
};

/* A picture that compute shaders draw. */
struct canvas {
    GLuint texture;     /* RGBA8 */
    int area[4];        /* first pixel, then the one after the last: the scissor's */
    bool deep;          /* depth decides somewhere */
    bool empty;         /* nothing has been drawn yet, not even the background */
    struct blend blend; /* of the next layer */
};

/* Where and how a picture is drawn. */
struct pass {
    uint32_t width;
    uint32_t height;
    const double *world_to_clip; /* column-major */
    float background[4];
    double step;           /* volumes: sample distance relative to full quality */
    bool coarse;           /* volumes: less than full quality is good enough */
    struct canvas *canvas; /* compute shaders draw; NULL: the bound framebuffer is drawn into */
};

/* scene.c */
oriel_result scene_fail(const struct scene *scene, oriel_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct layer *scene_layer(struct scene *scene, uint64_t key);
void scene_begin(const struct scene *scene);
void scene_clear(const float background[4], bool depth);
/* Gives a framebuffer a texture as colour, and the scene's depth. */
oriel_result scene_attach(struct scene *scene, GLuint framebuffer, GLuint texture, uint32_t width,
                          uint32_t height);
/* Draw all of a picture into a texture, `framebuffer` being one that has it as its colour (images)
 * or may get it (volumes). */
oriel_result scene_draw_images(struct scene *scene, const struct oriel_view_layer *shown,
                               uint32_t count, struct pass *pass, GLuint framebuffer,
                               GLuint texture);
oriel_result scene_draw_volumes(struct scene *scene, const struct oriel_view_layer *shown,
                                uint32_t count, struct pass *pass, GLuint framebuffer,
                                GLuint texture);

/* warm.c. choose_shaders: which draw volumes; `wanted` is the option. */
oriel_result choose_shaders(struct scene *scene, const char *wanted);
oriel_result warm_up(struct scene *scene);

/* slabs.c */
struct slab *slab_find(struct scene *scene, uint64_t id);
oriel_result slab_upload(struct scene *scene, const struct oriel_slab *piece);
/* Before OpenGL reads or writes its texture. Waits for nothing. NULL is fine. */
oriel_result slab_settle(struct scene *scene, const struct slab *slab);
void slab_drop(struct scene *scene, struct slab *slab);

/* bricks.c: the least and greatest value around each brick of a volume, for skipping what cannot
 * matter. */
struct bricks *bricks_create(struct scene *scene, const struct slab *slab);
void bricks_destroy(struct bricks *bricks);
void bricks_add(struct bricks *bricks, const struct oriel_slab *piece);
/* The texture, RG: least, greatest, of a volume that is complete and settled. Where the GPU finds
 * them, the first call has it do that: what is bound to UNIT_BASE and IMAGE_BOUNDS and the program
 * in use are then others. */
GLuint bricks_texture(const struct scene *scene, struct bricks *bricks);

/* bounds.c. Makes the programs; where one does not work, the reason is told. */
void bounds_create(struct scene *scene);
void bounds_destroy(struct scene *scene);
/* Makes all voxels of a new volume 0. */
void volume_zero(const struct scene *scene, GLuint volume, uint32_t dtype, const uint32_t shape[3]);
/* Fills the texture `bounds` for a volume's bricks. */
void bounds_find(const struct scene *scene, GLuint volume, uint32_t dtype, const uint32_t shape[3],
                 GLuint bounds, const uint32_t count[3]);

/* layers.c */
oriel_result layers_apply(struct scene *scene, const struct oriel_snapshot *snapshot);
void layer_finish(struct layer *layer);
/* Programs bits that follow from the layer's controls. */
uint32_t layer_program_bits(const struct oriel_layer *layer);
/* Sets what every program shares: limits, colours, look-up table. */
void layer_set_uniforms(const struct layer *layer, uint32_t dtype, GLuint program);
/* From data units to what the shader sees. */
double value_unit(uint32_t dtype);

/* lut.c */
void lut_fill(const struct oriel_colormap *map, uint8_t texels[LUT_SIZE * 4]);

/* programs.c: 0 when it cannot be built; the reason has been told. */
GLuint program_get(struct scene *scene, uint32_t key);
void programs_destroy(struct scene *scene);

/* blend.c. `bottom`: the lowest visible layer. */
struct blend blend_of(uint32_t blending, bool bottom);
void blend_set(const struct blend *blend, bool depth);

/* image.c, volume.c: draw one layer. */
oriel_result image_draw(struct scene *scene, struct layer *layer, const struct pass *pass,
                        const struct slab *base, const struct slab *detail);
oriel_result volume_draw(struct scene *scene, struct layer *layer, const struct pass *pass,
                         const struct slab *slab);

/* compute.c: pictures by compute shaders. begin() when the scissor is set, end() when
 * the last layer has been drawn. */
oriel_result canvas_begin(struct scene *scene, struct canvas *canvas, const struct pass *pass,
                          GLuint texture, bool deep);
void canvas_end(struct canvas *canvas, const struct pass *pass);
/* Runs a volume's program, all else of which is set. The matrices are column-major. */
void canvas_cast(const struct scene *scene, const struct pass *pass, const struct slab *slab,
                 const double voxel_to_clip[16], const double inverse[16], GLuint program);
/* The same with an image's, which covers these pixels. */
void canvas_paint(const struct scene *scene, const struct pass *pass, const double low[2],
                  const double high[2], GLuint program);

/* thumbnail.c */
oriel_result thumbnail_draw(struct scene *scene, uint64_t key, uint32_t width, uint32_t height,
                            uint8_t *rgba);

/* gl_state.c: what we change of the context's state; of that, what compute shaders want is a part.
 */
struct gl_state {
    bool compute; /* no more than the first four lines */
    GLint program, active_texture, pixel_buffer;
    GLint textures[UNIT_COUNT][3]; /* 1-D, 2-D, 3-D */
    GLint samplers[UNIT_COUNT];
    GLint images[IMAGE_COUNT][6]; /* name, level, layered, layer, access, format */
    GLint read_framebuffer, draw_framebuffer, vertex_array, pack_buffer, renderbuffer;
    GLint viewport[4];
    GLint blend_func[4], blend_equation[2];
    GLint depth_func, cull_mode, front_face;
    GLint unpack[6], pack[4];
    GLboolean depth_mask, color_mask[4];
    GLboolean enabled[6];
    GLfloat clear_color[4], clear_depth;
};
void gl_state_save(struct gl_state *state, bool compute);
void gl_state_restore(const struct gl_state *state);

#endif
