/* The box of a volume in voxel coordinates, as a strip; front faces are culled. */
layout(location = 8) uniform mat4 u_voxel_to_clip;
layout(location = 10) uniform vec3 u_shape;

out vec3 v_exit; /* where the ray of this fragment leaves the box */

void main()
{
    const int strip[14] = int[](2, 6, 0, 4, 5, 6, 7, 2, 3, 0, 1, 5, 3, 7);
    int corner = strip[gl_VertexID];
    vec3 side = vec3(corner & 1, (corner >> 1) & 1, corner >> 2);
    v_exit = side * u_shape - 0.5;
    gl_Position = u_voxel_to_clip * vec4(v_exit, 1.0);
}
