/* A quad in clip coordinates: x axis, y axis, corner. */
layout(location = 8) uniform mat3x2 u_quad;

void main()
{
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(u_quad * vec3(corner, 1.0), 0.0, 1.0);
}
