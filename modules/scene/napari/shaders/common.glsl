/* From a value to a colour: docs/pixels.md, "Value to colour". Variants: GAMMA, ENDS, NANS. */

layout(location = 0) uniform vec4 u_limits; /* least, greatest value; then low and high limit, not sorted */
layout(location = 1) uniform vec4 u_range;  /* scale, offset, span, gamma */
layout(location = 2) uniform float u_opacity;
layout(location = 3) uniform vec4 u_low_color;
layout(location = 4) uniform vec4 u_high_color;
layout(location = 5) uniform vec4 u_nan_color;
layout(binding = 0) uniform sampler1D u_lut;

/* 0 at the low limit, 1 at the high one. */
float value_to_unit(float value)
{
    return (clamp(value, u_limits.x, u_limits.y) * u_range.x - u_range.y) / u_range.z;
}

vec4 value_to_color(float value)
{
#ifdef NANS
    if ((floatBitsToUint(value) & 0x7fffffffu) > 0x7f800000u)
        return u_nan_color;
#endif
    float t = value_to_unit(value);
#ifdef GAMMA
    t = pow(t, u_range.w);
#endif
#ifdef ENDS
    if (t <= 1e-12)
        return u_low_color;
    if (t >= 1.0)
        return u_high_color;
#endif
    return textureLod(u_lut, t, 0.0);
}
