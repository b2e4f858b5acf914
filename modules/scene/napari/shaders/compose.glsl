/* What the compute shaders share: an area of the picture, a layer composed with what lies below as
 * docs/pixels.md, "Blending", says. Where nothing has been drawn yet, u_below takes the place of the
 * picture. */
layout(local_size_x = GROUP_X, local_size_y = GROUP_Y) in;
layout(location = 22) uniform ivec4 u_area;  /* first pixel, then the one after the last */
layout(location = 25) uniform uvec4 u_blend; /* OpenGL's: source, destination, destination's alpha, equation */
layout(location = 26) uniform vec4 u_below;
layout(location = 27) uniform bool u_first;  /* nothing has been drawn yet */
layout(binding = 0, rgba8) uniform image2D u_picture;

const uint ONE = 1u;
const uint SRC_ALPHA = 0x302u;
const uint ONE_MINUS_SRC_ALPHA = 0x303u;
const uint DST_ALPHA = 0x304u;
const uint DST_COLOR = 0x306u;
const uint MIN = 0x8007u;

vec4 blend(vec4 s, vec4 d)
{
    if (u_blend.w == MIN)
        return min(s, d);
    vec3 source = u_blend.x == SRC_ALPHA ? vec3(s.a) : u_blend.x == DST_COLOR ? d.rgb : vec3(1.0);
    vec3 destination = u_blend.y == ONE_MINUS_SRC_ALPHA ? vec3(1.0 - s.a)
                       : u_blend.y == DST_ALPHA         ? vec3(d.a)
                                                        : vec3(0.0);
    return vec4(s.rgb * source + d.rgb * destination, s.a + (u_blend.z == ONE ? d.a : 0.0));
}

/* Leaves a pixel as `color`, the layer's, makes it; without one as it was. Mesa's software renderer rounds
 * the layer before it blends. */
void compose(ivec2 pixel, bool hit, vec4 color)
{
    vec4 below = u_first ? u_below : imageLoad(u_picture, pixel);
    vec4 rounded = round(clamp(color, 0.0, 1.0) * 255.0) / 255.0;
    imageStore(u_picture, pixel, hit ? blend(rounded, below) : below);
}
