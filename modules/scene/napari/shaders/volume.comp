/* A ray for each pixel of an area. */
layout(location = 23) uniform ivec2 u_canvas;
layout(location = 24) uniform mat3x4 u_ray;  /* from (x, y, 1), pixels from the canvas' middle doubled, to a
                                              * point of the pixel's ray near the box: homogeneous */
layout(location = 28) uniform bool u_tested;
layout(location = 29) uniform float u_depth_steps; /* depth from near to far; 0: nobody needs it */
layout(binding = 1, r32f) uniform image2D u_depth;

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
        depth = round(depth * u_depth_steps);
        hit = depth <= nearest;
        nearest = min(nearest, depth);
    }
    compose(pixel, hit, color);
    if (deep)
        imageStore(u_depth, pixel, vec4(nearest));
}
