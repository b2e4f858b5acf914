// SPDX-License-Identifier: BSD-3-Clause
// Camera arithmetic; pure. Poses are never changed in place. Screen points are canvas pixels, y down.

/** @typedef {import('../types.js').Pose} Pose */
/** @typedef {import('../types.js').Quat} Quat */
/** @typedef {import('../types.js').Vec3} Vec3 */
/** @typedef {import('../types.js').Size} Size */
/** @typedef {{x: number, y: number}} Point */

/** One wheel notch: napari's 1.007^30 about the cursor in 2-D, 1.1 about the centre in 3-D. */
export const NOTCH_2D = 1.007 ** 30;
export const NOTCH_3D = 1.1;
/** Right-drag: 1.007 for each CSS pixel. */
export const DRAG_BASE = 1.007;

/** At 180 degrees there is no picture. */
const WIDEST_FOV = 179;

const HALF = Math.SQRT1_2;
/** Camera frame to vispy's scene frame: −90° about x. @type {Quat} */
const FRAME = [HALF, -HALF, 0, 0];

/**
 * @param {Quat} a
 * @param {Quat} b
 * @returns {Quat} Hamilton product
 */
export function multiply([aw, ax, ay, az], [bw, bx, by, bz]) {
    return [
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    ];
}

/** @param {Quat} q @returns {Quat} */
export function conjugate([w, x, y, z]) {
    return [w, -x, -y, -z];
}

/** @param {Quat} q @returns {Quat} unit length, w ≥ 0 */
export function normalize(q) {
    const length = Math.hypot(...q) * (q[0] < 0 ? -1 : 1);
    return length ? /** @type {Quat} */ (q.map((v) => v / length)) : [1, 0, 0, 0];
}

/**
 * @param {Quat} q
 * @param {Vec3} v
 * @returns {Vec3}
 */
export function rotate(q, v) {
    const [, x, y, z] = multiply(multiply(q, [0, ...v]), conjugate(q));
    return [x, y, z];
}

/**
 * @param {Vec3} axis unit length
 * @param {number} degrees
 * @returns {Quat}
 */
export function turn([x, y, z], degrees) {
    const half = (degrees * Math.PI) / 360;
    const s = Math.sin(half);
    return [Math.cos(half), x * s, y * s, z * s];
}

/**
 * vispy keeps a quaternion whose y and z are exchanged and whose frame is turned by 90° about x.
 * @param {Quat} c canonical
 * @returns {Quat}
 */
export function toVispy(c) {
    const [w, x, y, z] = multiply(c, conjugate(FRAME));
    return [w, x, z, y];
}

/** @param {Quat} q vispy's @returns {Quat} canonical, normalized */
export function fromVispy([w, x, y, z]) {
    return normalize(multiply([w, x, z, y], FRAME));
}

/**
 * Where a point of the canvas lies on vispy's arcball.
 * @param {Point} u
 * @param {Size} size
 * @returns {Quat}
 */
export function arcball(u, size) {
    const r = (size.w + size.h) / 2;
    const x = -(2 * u.x - size.w) / r;
    const y = (2 * u.y - size.h) / r;
    const h = Math.hypot(x, y);
    return h > 1 ? [0, x / h, y / h, 0] : [0, x, y, Math.sqrt(1 - h * h)];
}

/**
 * Drags the ball from `from` to `to`.
 * @param {Pose} pose
 * @param {Point} from
 * @param {Point} to
 * @param {Size} size
 * @returns {Pose}
 */
export function orbit(pose, from, to, size) {
    const q = multiply(multiply(arcball(to, size), arcball(from, size)), toVispy(pose.quat));
    return { ...pose, quat: fromVispy(q) };
}

/**
 * Turns the camera so that the picture rotates by `degrees` about a camera axis (right, down, away).
 * @param {Pose} pose
 * @param {Vec3} axis
 * @param {number} degrees
 * @returns {Pose}
 */
export function spin(pose, axis, degrees) {
    return { ...pose, quat: normalize(multiply(pose.quat, turn(axis, -degrees))) };
}

/**
 * Camera offset (right, down) in pixels to a world vector.
 * @param {Pose} pose
 * @param {number} dx
 * @param {number} dy
 * @returns {Vec3}
 */
function worldOffset(pose, dx, dy) {
    const v = /** @type {Vec3} */ ([dx / pose.zoom, dy / pose.zoom, 0]);
    return pose.ndisplay === 3 ? rotate(pose.quat, v) : v;
}

/**
 * World point under a canvas point; in 3-D on the plane through the centre that faces the camera.
 * @param {Pose} pose
 * @param {Point} u
 * @param {Size} size
 * @returns {Vec3}
 */
export function toWorld(pose, u, size) {
    const [x, y, z] = worldOffset(pose, u.x - size.w / 2, u.y - size.h / 2);
    return [pose.center[0] + x, pose.center[1] + y, pose.center[2] + z];
}

/**
 * Orthographic projection of a world point.
 * @param {Pose} pose
 * @param {Vec3} p
 * @param {Size} size
 * @returns {Point}
 */
export function toScreen(pose, p, size) {
    const d = /** @type {Vec3} */ (p.map((v, i) => v - pose.center[i]));
    const [x, y] = pose.ndisplay === 3 ? rotate(conjugate(pose.quat), d) : d;
    return { x: size.w / 2 + x * pose.zoom, y: size.h / 2 + y * pose.zoom };
}

/**
 * Moves the picture with the pointer by (dx, dy) pixels.
 * @param {Pose} pose
 * @param {number} dx
 * @param {number} dy
 * @returns {Pose}
 */
export function pan(pose, dx, dy) {
    const [x, y, z] = worldOffset(pose, dx, dy);
    return { ...pose, center: [pose.center[0] - x, pose.center[1] - y, pose.center[2] - z] };
}

/** Beyond these a float of the renderer has nothing left. @param {number} zoom */
function clampZoom(zoom) {
    return Math.min(Math.max(zoom, 1e-12), 1e12);
}

/**
 * Zooms; the world point under `at` stays where it is. Without `at`, the centre stays.
 * @param {Pose} pose
 * @param {number} factor
 * @param {Point} [at]
 * @param {Size} [size]
 * @returns {Pose}
 */
export function zoom(pose, factor, at, size) {
    const next = { ...pose, zoom: clampZoom(pose.zoom * factor) };
    if (!at || !size)
        return next;
    const fixed = toWorld(pose, at, size);
    const moved = toWorld(next, at, size);
    next.center = /** @type {Vec3} */ (pose.center.map((c, i) => c + fixed[i] - moved[i]));
    return next;
}

/**
 * Fills the view with a rubber box (two corners).
 * @param {Pose} pose
 * @param {Point} a
 * @param {Point} b
 * @param {Size} size
 * @returns {Pose}
 */
export function zoomToBox(pose, a, b, size) {
    const center = toWorld(pose, { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }, size);
    const factor = Math.min(size.w / Math.abs(a.x - b.x), size.h / Math.abs(a.y - b.y));
    return { ...pose, center, zoom: clampZoom(pose.zoom * factor) };
}

/** @param {Pose} pose @param {number} fov degrees @returns {Pose} */
export function perspective(pose, fov) {
    return { ...pose, fov: Math.min(Math.max(fov, 0), WIDEST_FOV) };
}

/**
 * The same view in a canvas of another size: what was visible stays visible.
 * @param {Pose} pose
 * @param {Size} from
 * @param {Size} to
 * @returns {Pose}
 */
export function resize(pose, from, to) {
    const factor = pose.ndisplay === 3
        ? Math.min(to.w, to.h) / Math.min(from.w, from.h)
        : Math.min(to.w / from.w, to.h / from.h);
    return { ...pose, zoom: clampZoom(pose.zoom * factor) };
}

/**
 * Equal for the eye: to a thousandth of a pixel and of a degree.
 * @param {Pose} a
 * @param {Pose} b
 */
export function alike(a, b) {
    const dot = Math.abs(a.quat.reduce((sum, v, i) => sum + v * b.quat[i], 0));
    return a.ndisplay === b.ndisplay && Math.abs(a.zoom / b.zoom - 1) < 1e-7 && Math.abs(a.fov - b.fov) < 1e-4 &&
        dot > 1 - 1e-10 && a.center.every((v, i) => Math.abs(v - b.center[i]) * a.zoom < 1e-3);
}
