layout(location = 0) out vec4 o_color;

void main()
{
    if (!look_up(gl_FragCoord.xy, o_color))
        discard;
}
