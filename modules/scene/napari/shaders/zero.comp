/* Makes a volume empty: bounds.c. */
layout(local_size_x = 32, local_size_y = 4, local_size_z = 2) in;

layout(binding = 2) writeonly uniform uimage3D u_volume;

void main()
{
    ivec3 p = ivec3(gl_GlobalInvocationID);
    if (all(lessThan(p, imageSize(u_volume))))
        imageStore(u_volume, p, uvec4(0u));
}
