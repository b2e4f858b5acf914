/* One ray through one volume: docs/pixels.md, "Volumes". MODE is one of ORIEL_RENDER_*; variant PLANE.
 * Variant BRICKS: bounds of the values let a ray leave out samples that cannot change its result; the
 * samples it takes are those it would have taken.
 *
 * Positions along the ray are texture coordinates; a voxel's centre p lies at (p + 0.5) / shape. */
layout(location = 8) uniform mat4 u_voxel_to_clip;
layout(location = 10) uniform vec3 u_shape;
layout(location = 11) uniform vec4 u_eye;   /* xyz: the eye, w 1; or minus the view direction, w 0 */
layout(location = 12) uniform vec4 u_near;  /* near plane: dot(xyz, p) + w >= 0 is visible */
layout(location = 13) uniform float u_step; /* voxels between samples */
layout(location = 14) uniform float u_cutoff; /* values up to (MINIP: from) it are not shown */
layout(location = 15) uniform float u_threshold;
layout(location = 16) uniform float u_attenuation;
layout(location = 17) uniform vec3 u_plane_position;
layout(location = 18) uniform vec3 u_plane_normal;
layout(location = 19) uniform float u_plane_thickness;
layout(binding = 1) uniform sampler3D u_volume;
#ifdef BRICKS
layout(location = 20) uniform vec3 u_brick_scale; /* texture coordinates to bricks */
layout(location = 21) uniform vec3 u_brick_texel; /* bricks to texture coordinates of u_bricks */
layout(binding = 2) uniform sampler3D u_bricks;   /* least, greatest */
#endif

struct ray {
    vec3 direction; /* unit length, voxels */
    vec3 start;     /* first sample */
    vec3 stride;    /* from sample to sample */
    int count;
    vec3 front;     /* voxel coordinates: where depth is taken unless the mode finds a better point */
    bool cut;       /* the near plane has cut off what lies before `front` */
};

float value_at(vec3 p)
{
    return textureLod(u_volume, p, 0.0).r;
}

#ifdef PLANE
bool set_up(vec3 leave, inout ray r)
{
    float along = dot(u_plane_position - leave, u_plane_normal) / dot(r.direction, u_plane_normal);
    r.front = leave + along * r.direction;
    r.cut = false;
    vec3 middle = (r.front + 0.5) / u_shape;
    if (!(all(greaterThanEqual(middle, vec3(0.0))) && all(lessThanEqual(middle, vec3(1.0)))))
        return false;
    r.count = int(u_plane_thickness / 0.8 + 0.5);
    r.stride = normalize(u_plane_normal) / u_shape;
    r.start = middle - r.stride * float(r.count) / 2.0;
    return r.count >= 1;
}
#else
bool set_up(vec3 leave, inout ray r)
{
    /* All distances are measured backwards from `leave`. A direction of exactly 0 would be 1/0. */
    vec3 d = mix(r.direction, vec3(1e-20), lessThan(abs(r.direction), vec3(1e-20)));
    vec3 nearest = min((-0.5 - leave) / d, (u_shape - 0.5 - leave) / d);
    float enter = -(dot(u_near.xyz, leave) + u_near.w) / dot(u_near.xyz, r.direction);
    float side = max(nearest.x, max(nearest.y, nearest.z));
    r.cut = enter >= side;
    enter = max(enter, side);
    r.front = leave + r.direction * enter;
    r.count = int(-enter / u_step + 0.5);
    r.stride = (leave - r.front) / u_shape / float(r.count);
    r.start = (r.front + 0.5) / u_shape;
    return r.count >= 1;
}
#endif

#ifdef BRICKS
/* A ray in units of bricks, with one sample as unit of length. */
struct walk {
    vec3 origin;
    vec3 stride;
    vec3 inverse;
    vec3 side; /* 1 where it moves to higher bricks */
};

/* The bricks' bounds around sample k, and the first sample that lies in another brick. */
struct visit {
    float least;
    float greatest;
    int next;
};

walk walk_of(ray r)
{
    walk w;
    w.origin = r.start * u_brick_scale;
    w.stride = r.stride * u_brick_scale;
    /* Along an axis that it does not move on, it leaves its brick upwards, very late. */
    vec3 moving = mix(w.stride, vec3(1e-20), lessThan(abs(w.stride), vec3(1e-20)));
    w.side = vec3(greaterThan(moving, vec3(0.0)));
    w.inverse = 1.0 / moving;
    return w;
}

visit visit_at(ray r, walk w, int k)
{
    vec3 at = w.origin + w.stride * float(k);
    vec3 brick = floor(at);
    vec3 leave = (brick + w.side - at) * w.inverse;
    visit v;
    /* A brick's bounds hold half a voxel beyond its sides, so the last bit of `leave` is no matter. */
    v.next = min(r.count, k + int(max(1.0, ceil(min(leave.x, min(leave.y, leave.z))))));
    vec2 bounds = textureLod(u_bricks, (brick + 0.5) * u_brick_texel, 0.0).rg;
    v.least = bounds.r;
    v.greatest = bounds.g;
    return v;
}

/* On to sample `next`. Fragment shaders add up strides, as napari does, to the last bit. */
void skip(ray r, int next, inout int k, inout vec3 p)
{
#ifdef COMPUTE
    k = next;
    p = r.start + r.stride * float(k);
#else
    for (; k < next; k++)
        p += r.stride;
#endif
}
#endif

#if MODE == 1 || MODE == 2 /* mip, minip */

#if MODE == 1
bool better(float a, float b) { return a > b; }
#else
bool better(float a, float b) { return a < b; }
#endif

#ifdef BRICKS
float best_of(visit v)
{
    return MODE == 1 ? v.greatest : v.least;
}
#endif

/* A few of the samples give a value that the result will not fall short of: a brick that cannot reach it
 * is left out. */
#ifdef BRICKS
float sure_of(ray r, float enough, float best)
{
    float sure = best;
    for (int k = 3; k < r.count; k += 12) {
        float value = value_at(r.start + r.stride * float(k));
        sure = better(value, sure) ? value : sure;
    }
    return better(sure, enough) ? enough : sure;
}
#endif

/* The first sample with the best value, or -1. After one past `enough` nothing is better. */
#ifdef COMPUTE

/* For GPUs: neighbouring rays stay together, and many samples are under way at a time. */
int search(ray r, float enough, inout float best)
{
    int found = -1;
    int k = 0;
#ifdef BRICKS
    float sure = sure_of(r, enough, best);
    walk w = walk_of(r);
    while (k < r.count && (found < 0 || better(enough, best))) {
        /* First which of the next 32 samples matter, then those: not one loop in the other, where
         * each brick would wait for the ray that has most samples in it. */
        uint worth = 0u;
        int first = k;
        int end = min(k + 32, r.count);
        while (k < end) {
            visit v = visit_at(r, w, k);
            int next = min(v.next, end);
            if (better(best_of(v), best) && !better(sure, best_of(v)))
                worth = bitfieldInsert(worth, 0xffffffffu, k - first, next - k);
            k = next;
        }
        while (worth != 0u) {
            int i = first + findLSB(worth);
            worth &= worth - 1u;
            float value = value_at(r.start + r.stride * float(i));
            bool gain = better(value, best) && (found < 0 || better(enough, best));
            best = gain ? value : best;
            found = gain ? i : found;
        }
    }
#else
    for (; k < r.count && (found < 0 || better(enough, best)); k += 4) {
        float values[4];
        for (int i = 0; i < 4; i++)
            values[i] = value_at(r.start + r.stride * float(k + i));
        for (int i = 0; i < 4; i++) {
            bool gain = k + i < r.count && better(values[i], best) &&
                        (found < 0 || better(enough, best));
            best = gain ? values[i] : best;
            found = gain ? k + i : found;
        }
    }
#endif
    return found;
}

#else

/* For software renderers: without jumps out of the loops, which cost more than they save where neighbours
 * run in lockstep. */
int search(ray r, float enough, inout float best)
{
    int found = -1;
    vec3 p = r.start;
#ifdef BRICKS
    float sure = sure_of(r, enough, best);
    walk w = walk_of(r);
    for (int k = 0; k < r.count;) {
        visit v = visit_at(r, w, k);
        bool worth = better(best_of(v), best) && !better(sure, best_of(v)) &&
                     (found < 0 || better(enough, best));
        int last = worth ? v.next : k;
        for (; k < last; k++) {
            float value = value_at(p);
            bool gain = better(value, best) && (found < 0 || better(enough, best));
            best = gain ? value : best;
            found = gain ? k : found;
            p += r.stride;
        }
        skip(r, v.next, k, p);
    }
#else
    for (int k = 0; k < r.count && (found < 0 || better(enough, best)); k++) {
        float value = value_at(p);
        bool gain = better(value, best);
        best = gain ? value : best;
        found = gain ? k : found;
        p += r.stride;
    }
#endif
    return found;
}

#endif

bool march(ray r, out vec4 color, out vec3 point)
{
    float best = u_cutoff;
    /* No value beyond the limit changes the colour. */
    int found = search(r, MODE == 1 ? u_limits.w : u_limits.z, best);
    if (found < 0)
        return false;
    vec3 fine = r.stride * 0.1;
    vec3 p = r.start + r.stride * (float(found) - 0.5);
    point = p * u_shape;
    for (int i = 0; i < 10; i++) {
        float value = value_at(p);
        if (better(value, best)) {
            best = value;
            point = p * u_shape;
        }
        p += fine;
    }
    color = value_to_color(best);
    return true;
}

#elif MODE == 3 /* attenuated mip */

bool march(ray r, out vec4 color, out vec3 point)
{
    float best = u_cutoff;
    float sum = 0.0;
    bool found = false;
    vec3 p = r.start;
#ifdef BRICKS
    walk w = walk_of(r);
    float gain = exp(u_attenuation); /* the most a value can grow */
#endif
    for (int k = 0; k < r.count;) {
        int next = r.count;
#ifdef BRICKS
        visit v = visit_at(r, w, k);
        next = v.next;
        /* Nothing here adds to the sum, nothing reaches the best: as if it was not there. */
        if (v.greatest <= u_limits.z && u_limits.z < u_limits.w &&
            max(v.greatest, 0.0) * gain <= best) {
            skip(r, next, k, p);
            continue;
        }
#endif
        for (; k < next; k++) {
            float value = value_at(p);
            sum += u_step * value_to_unit(value);
            float left = exp(-u_attenuation * (sum - 1.0));
            if (best > left * u_limits.w) {
                next = k = r.count;
                break;
            }
            if (value * left > best) {
                best = value * left;
                point = p * u_shape;
                found = true;
            }
            p += r.stride;
        }
    }
    color = value_to_color(best);
    return found;
}

#elif MODE == 4 /* average */

bool march(ray r, out vec4 color, out vec3 point)
{
    float mean = 0.0;
    float n = 0.0;
    vec3 p = r.start;
    for (int k = 0; k < r.count; k++) {
        n += 1.0;
        mean += (value_at(p) - mean) / n;
        p += r.stride;
    }
    color = value_to_color(mean);
    point = r.front;
    return true;
}

#elif MODE == 5 /* additive */

bool march(ray r, out vec4 color, out vec3 point)
{
    color = vec4(0.0);
    vec3 p = r.start;
    for (int k = 0; k < r.count; k++) {
        color = 1.0 - (1.0 - color) * (1.0 - value_to_color(value_at(p)));
        p += r.stride;
    }
    point = r.front;
    return true;
}

#elif MODE == 6 /* translucent */

bool march(ray r, out vec4 color, out vec3 point)
{
    color = vec4(0.0);
    vec3 p = r.start;
    for (int k = 0; k < r.count; k++) {
        vec4 c = value_to_color(value_at(p));
        float before = color.a;
        float added = c.a * (1.0 - before);
        float alpha = max(before + added, 0.001);
        color *= before / alpha;
        color += c * added / alpha;
        color.a = alpha;
        if (alpha > 0.99)
            break;
        p += r.stride;
    }
    point = r.front;
    return true;
}

#else /* iso */

/* A head light; the light changes the value, before it becomes a colour. */
float shade(float value, vec3 p, vec3 direction)
{
    vec3 d = 1.5 / u_shape;
    vec3 normal;
    for (int i = 0; i < 3; i++) {
        vec3 offset = vec3(0.0);
        offset[i] = d[i];
        float below = value_at(p - offset);
        float above = value_at(p + offset);
        normal[i] = below - above;
        value = max(max(below, above), value);
    }
    normal = normalize(normal);
    normal = (2.0 * float(dot(normal, direction) > 0.0) - 1.0) * normal;
    float lambert = clamp(dot(normal, direction), 0.0, 1.0);
    float specular = pow(max(dot(direction, normal), 0.0), 40.0);
    return value * (0.2 + lambert) + specular;
}

bool march(ray r, out vec4 color, out vec3 point)
{
#ifdef BRICKS
    walk w = walk_of(r);
#endif
    vec3 p = r.start;
    int searched = 0; /* samples before this one must be looked at: the search reaches back */
    for (int k = 0; k < r.count;) {
        int next = r.count;
#ifdef BRICKS
        visit v = visit_at(r, w, k);
        next = v.next;
        if (v.greatest <= u_threshold) {
            if (k > searched) {
                skip(r, next, k, p);
                continue;
            }
            next = min(searched + 1, r.count);
        } else {
            searched = next;
        }
#endif
        for (; k < next; k++) {
            if (value_at(p) > u_threshold - 0.2) {
                vec3 q = p - r.stride;
                for (int i = 0; i < 10; i++) {
                    float value = value_at(q);
                    if (value > u_threshold) {
                        color = value_to_color(shade(value, q, r.direction));
                        point = q * u_shape;
                        return true;
                    }
                    q += r.stride * 0.1;
                }
            }
            p += r.stride;
        }
    }
    return false;
}

#endif

/* Casts the ray that leaves the box at `leave`. */
bool trace(vec3 leave, vec3 direction, out vec4 color, out float depth)
{
    ray r;
    r.direction = direction;
    vec3 point;
    if (!set_up(leave, r) || !march(r, color, point))
        return false;
    color.a *= u_opacity;
    vec4 clip = u_voxel_to_clip * vec4(point, 1.0);
    depth = clamp(clip.z / clip.w * 0.5 + 0.5, 0.0, 1.0);
    if (r.cut && point == r.front)
        depth = 0.0; /* to the last bit, so that layers around the eye keep their order */
    return true;
}
