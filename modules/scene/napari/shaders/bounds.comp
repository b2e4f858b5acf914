/* The least and greatest value around each brick of a volume, one workgroup for each: bricks.c. */
layout(local_size_x = 64) in;

layout(binding = 1) uniform sampler3D u_volume;
layout(binding = 2) writeonly uniform uimage3D u_bounds; /* their bits */
layout(location = 0) uniform ivec3 u_shape;
layout(location = 1) uniform float u_unit; /* the greatest integer; 0: floats */

const int SIDE = 8, REACH = SIDE + 2;
const uint SIGN = 0x80000000u, GREATEST = 0x7f7fffffu; /* FLT_MAX */

shared uint s_least, s_greatest;

/* A float's bits as an integer that is greater when the float is. */
uint order_of(uint bits) { return bits ^ ((bits & SIGN) != 0u ? 0xffffffffu : SIGN); }
uint bits_of(uint order) { return order ^ ((order & SIGN) != 0u ? SIGN : 0xffffffffu); }

void main()
{
    bool floats = u_unit == 0.0;
    uint least = floats ? order_of(GREATEST) : 0xffffffffu;
    uint greatest = floats ? order_of(GREATEST | SIGN) : 0u;
    uint index = gl_LocalInvocationIndex;
    if (index == 0u) {
        s_least = least;
        s_greatest = greatest;
    }
    barrier();
    ivec3 first = ivec3(gl_WorkGroupID) * SIDE - 1;
    for (int i = int(index); i < REACH * REACH * REACH; i += 64) {
        ivec3 p = first + ivec3(i % REACH, i / REACH % REACH, i / (REACH * REACH));
        if (any(lessThan(p, ivec3(0))) || any(greaterThanEqual(p, u_shape)))
            continue;
        float value = texelFetch(u_volume, p, 0).r;
        uint bits = floatBitsToUint(value);
        if (floats && (bits & ~SIGN) > 0x7f800000u)
            continue; /* NaN takes no part */
        uint order = floats ? order_of(bits) : uint(value * u_unit + 0.5);
        least = min(least, order);
        greatest = max(greatest, order);
    }
    atomicMin(s_least, least);
    atomicMax(s_greatest, greatest);
    barrier();
    if (index == 0u) {
        uvec2 bounds = floats ? uvec2(bits_of(s_least), bits_of(s_greatest))
                              : uvec2(s_least, s_greatest);
        imageStore(u_bounds, ivec3(gl_WorkGroupID), uvec4(bounds, 0u, 0u));
    }
}
