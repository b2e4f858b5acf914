/* A ray for each pixel of an area, composed with what lies below as docs/pixels.md, "Blending", says. Where
 * nothing has been drawn yet, u_below takes the place of the picture. */
layout(local_size_x = GROUP_X, local_size_y = GROUP_Y) in;
layout(location = 22) uniform ivec4 u_area;  /* first pixel, then the one after the last */
layout(location = 23) uniform ivec2 u_canvas;
layout(location = 24) uniform mat3x4 u_ray;  /* from (x, y, 1), pixels from the canvas' middle doubled, to a
                                              * point of the pixel's ray near the box: homogeneous */
layout(location = 25) uniform uvec4 u_blend; /* OpenGL's: source, destination, destination's alpha, equation */
layout(location = 26) uniform vec4 u_below;
layout(location = 27) uniform bool u_first;  /* nothing has been drawn yet */
layout(location = 28) uniform bool u_tested;
layout(location = 29) uniform float u_depth_steps; /* depth from near to far; 0: nobody needs it */
layout(binding = 0, rgba8) uniform image2D u_picture;
layout(binding = 1, r32f) uniform image2D u_depth;

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

/* Whether the pixel's ray leaves the box where it can be seen, and there. */
bool find_exit(ivec2 pixel, out vec3 leave, out vec3 direction)
{
    vec4 h = u_ray * vec3(2 * pixel + 1 - u_canvas, 1.0);
    vec3 p = h.xyz / h.w;
    direction = normalize(p * u_eye.w - u_eye.xyz);
    /* A direction of exactly 0 would be 1/0. */
    vec3 d = mix(direction, vec3(1e-20), lessThan(abs(direction), vec3(1e-20)));
    vec3 a = (-0.5 - p) / d;
    vec3 b = (u_shape - 0.5 - p) / d;
    vec3 low = min(a, b);
    vec3 high = max(a, b);
    float enter = max(low.x, max(low.y, low.z));
    float far = min(high.x, min(high.y, high.z));
    leave = p + direction * far;
    vec4 clip = u_voxel_to_clip * vec4(leave, 1.0);
    return enter < far && abs(clip.z) <= clip.w;
}

void main()
{
    ivec2 pixel = u_area.xy + ivec2(gl_GlobalInvocationID.xy);
    if (any(greaterThanEqual(pixel, u_area.zw)))
        return;
    vec3 leave, direction;
    vec4 color = vec4(0.0);
    float depth = 0.0;
    bool hit = find_exit(pixel, leave, direction) && trace(leave, direction, color, depth);
    if (!hit && !u_first)
        return;
    bool deep = u_depth_steps > 0.0;
    float nearest = u_depth_steps;
    if (deep && !u_first)
        nearest = imageLoad(u_depth, pixel).r;
    if (hit && deep && u_tested) {
        depth = round(clamp(depth, 0.0, 1.0) * u_depth_steps);
        hit = depth <= nearest;
        nearest = min(nearest, depth);
    }
    vec4 below = u_first ? u_below : imageLoad(u_picture, pixel);
    vec4 result = hit ? blend(clamp(color, 0.0, 1.0), below) : below;
    imageStore(u_picture, pixel, result);
    if (deep)
        imageStore(u_depth, pixel, vec4(nearest));
}
