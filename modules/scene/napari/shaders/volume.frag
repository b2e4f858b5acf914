/* A fragment for each pixel that the far side of a volume's box covers. */
in vec3 v_exit;
layout(location = 0) out vec4 o_color;

void main()
{
    vec4 color;
    float depth;
    if (!trace(v_exit, normalize(v_exit * u_eye.w - u_eye.xyz), color, depth))
        discard;
    o_color = color;
    gl_FragDepth = depth;
}
