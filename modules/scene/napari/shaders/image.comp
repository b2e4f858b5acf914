layout(location = 8) uniform mat3x2 u_box; /* pixels to the layer's box: 0..1 */

void main()
{
    ivec2 pixel = u_area.xy + ivec2(gl_GlobalInvocationID.xy);
    if (any(greaterThanEqual(pixel, u_area.zw)))
        return;
    vec2 centre = vec2(pixel) + 0.5;
    vec2 at = u_box * vec3(centre, 1.0);
    vec4 color = vec4(0.0);
    bool hit = all(greaterThanEqual(at, vec2(0.0))) && all(lessThan(at, vec2(1.0))) &&
               look_up(centre, color);
    if (hit || u_first)
        compose(pixel, hit, color);
}
