/* SPDX-License-Identifier: BSD-3-Clause */
/* GLSL: a rectangle in the world, and the middle slice of a slab on it, mapped to a line of
 * colours. */
static const char *const shaders[2] = {
    "#version 450 core\n"
    "layout(location = 0) uniform dmat4 clip;\n"
    "layout(location = 1) uniform dvec3 translate; layout(location = 2) uniform dvec3 scale;\n"
    "layout(location = 3) uniform uvec3 shape; out vec2 at;\n"
    "void main() { at = vec2(gl_VertexID & 1, gl_VertexID >> 1);\n"
    "    dvec3 voxel = dvec3(shape) * dvec3(at, 0.5) - 0.5;\n"
    "    vec4 p = vec4(clip * dvec4(translate + scale * voxel, 1.0));\n"
    "    gl_Position = vec4(p.xy, 0.0, p.w); }\n",
    "#version 450 core\n"
    "layout(location = 3) uniform uvec3 shape; layout(location = 4) uniform dvec2 limits;\n"
    "layout(location = 5) uniform dvec3 map; layout(location = 6) uniform vec4 colors[2];\n"
    "layout(location = 8) uniform samplerBuffer data; in vec2 at; out vec4 color;\n"
    "void main() { uvec2 p = min(uvec2(at * vec2(shape.xy)), shape.xy - 1u);\n"
    "    float value = texelFetch(data, int((shape.z / 2u * shape.y + p.y) * shape.x + p.x)).r;\n"
    "    vec2 ends = vec2(limits); vec3 m = vec3(map); /* gamma, opacity, value of 1.0 */\n"
    "    float t = clamp((value * m.z - ends.x) / (ends.y - ends.x), 0.0, 1.0);\n"
    "    color = mix(colors[0], colors[1], pow(t, m.x)) * vec4(1, 1, 1, m.y); }\n",
};
