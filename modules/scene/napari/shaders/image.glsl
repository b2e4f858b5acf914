/* The value of one layer of a slice at a place of the canvas. Texture coordinates come straight from
 * the pixel's position: an attribute interpolated over a quad far larger than the canvas loses the
 * digits that NEAREST needs. Variant MIXED: detail where its pieces have come, base elsewhere. */
layout(location = 9) uniform mat3x2 u_base_uv;
layout(binding = 1) uniform sampler2D u_base;
#ifdef MIXED
layout(location = 10) uniform mat3x2 u_detail_uv;
layout(binding = 2) uniform sampler2D u_detail;
layout(binding = 3) uniform sampler2D u_base_mask;   /* 1 where a texel has come */
layout(binding = 4) uniform sampler2D u_detail_mask;

bool has(sampler2D mask, vec2 uv)
{
    return all(greaterThanEqual(uv, vec2(0.0))) && all(lessThanEqual(uv, vec2(1.0))) &&
           textureLod(mask, uv, 0.0).r == 1.0;
}
#endif

/* The colour at a pixel's centre; false where nothing has come. */
bool look_up(vec2 centre, out vec4 color)
{
    vec3 at = vec3(centre, 1.0);
    float value;
#ifdef MIXED
    vec2 base_uv = u_base_uv * at;
    vec2 detail_uv = u_detail_uv * at;
    if (has(u_detail_mask, detail_uv))
        value = textureLod(u_detail, detail_uv, 0.0).r;
    else if (has(u_base_mask, base_uv))
        value = textureLod(u_base, base_uv, 0.0).r;
    else
        return false;
#else
    value = textureLod(u_base, u_base_uv * at, 0.0).r;
#endif
    color = value_to_color(value);
    color.a *= u_opacity;
    return true;
}
