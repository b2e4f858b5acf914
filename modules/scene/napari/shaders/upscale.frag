/* A picture drawn at reduced resolution, stretched over the target. */
layout(binding = 0) uniform sampler2D u_picture;

in vec2 v_uv;
layout(location = 0) out vec4 o_color;

void main()
{
    o_color = textureLod(u_picture, v_uv, 0.0);
}
