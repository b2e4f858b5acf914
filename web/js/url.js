// SPDX-License-Identifier: BSD-3-Clause
// The view as a link: #v1= and the deflated JSON of dims, camera and display. Names of layers and of the data
// set only; no address, no path, no session.

export const LONGEST = 2048;
const PREFIX = '#v1=';
const CONTROLS = ['visible', 'opacity', 'blending', 'gamma', 'contrast_limits', 'colormap', 'rendering', 'attenuation',
    'iso_threshold', 'interpolation2d', 'interpolation3d'];

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Pose} Pose */
/** @typedef {import('./types.js').Size} Size */
/**
 * `z` is the zoom for a canvas whose shorter side is 1.
 * @typedef {{s: string, d: number, o: number[], p: number[], c: number[], z: number, q: number[], f: number,
 *   l?: {n: string, c: Record<string, any>}[]}} Link
 */

/** @param {number} v */
const tidy = (v) => +v.toPrecision(12);

/** @param {State} state */
export function sourceName(state) {
    const source = state.layers.find((layer) => layer.facts.source)?.facts.source ?? '';
    return source.split(/[\\/]/).pop() ?? '';
}

/**
 * @param {State} state
 * @param {Pose} pose
 * @param {Size} size
 * @returns {Link|null}
 */
export function describe(state, pose, size) {
    const { view, layers } = state;
    if (!view || !layers.length || !size.w)
        return null;
    return {
        s: sourceName(state), d: view.ndisplay, o: view.order, p: view.step, c: pose.center.map(tidy),
        z: tidy(pose.zoom / Math.min(size.w, size.h)), q: pose.quat.map(tidy), f: tidy(pose.fov),
        l: layers.map((layer) => ({
            n: layer.name,
            c: Object.fromEntries(CONTROLS.filter((key) => layer.controls[key] !== undefined).map((key) => [key, layer.controls[key]])),
        })),
    };
}

/** @param {Uint8Array} bytes @param {GenericTransformStream} through */
async function pass(bytes, through) {
    const stream = new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(through);
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {Link} link @returns {Promise<string>} the fragment; without display settings when it would be too long */
export async function encode(link) {
    const packed = await pass(new TextEncoder().encode(JSON.stringify(link)), new CompressionStream('deflate'));
    const text = btoa(String.fromCharCode(...packed)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
    if (text.length + PREFIX.length <= LONGEST || !link.l)
        return PREFIX + text;
    const { l: _display, ...rest } = link;
    return encode(rest);
}

/** @param {unknown} value @param {number} length */
function numbers(value, length) {
    return Array.isArray(value) && value.length === length && value.every(Number.isFinite);
}

/**
 * @param {string} fragment
 * @returns {Promise<Link|null>} null when there is none
 * @throws when there is one that cannot be read
 */
export async function decode(fragment) {
    if (!fragment.startsWith(PREFIX))
        return null;
    const text = fragment.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/');
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const link = JSON.parse(new TextDecoder().decode(await pass(packed, new DecompressionStream('deflate'))));
    const steps = Array.isArray(link?.p) ? link.p.length : 0;
    const good = link && (link.d === 2 || link.d === 3) && numbers(link.o, steps) && numbers(link.p, steps) &&
        numbers(link.c, 3) && numbers(link.q, 4) && link.z > 0 && Number.isFinite(link.f);
    if (!good)
        throw new Error('not a view');
    return link;
}

/**
 * Brings the scene to a link, as far as it fits.
 * @param {Link} link
 * @param {import('./store.js').Store} store
 * @param {import('./session.js').Session} session
 * @param {import('./view/viewport.js').Viewport} viewport
 * @param {boolean} [display] of the layers too, which all share
 * @returns {string} what did not fit, for people; empty when all did
 */
export function apply(link, store, session, viewport, display = true) {
    const state = store.get();
    const { view } = state;
    if (!view)
        return '';
    const fits = link.p.length === view.axes.length;
    const permutation = fits && link.o.slice().sort((a, b) => a - b).every((v, i) => v === i);
    if (permutation && link.o.join() !== view.order.join())
        session.setView('order', link.o);
    const possible = link.d <= view.axes.length; // two axes have no 3D
    if (possible && link.d !== view.ndisplay)
        session.setView('ndisplay', link.d);
    if (fits)
        view.axes.forEach((axis, i) => session.setIndex(axis.name, link.p[i]));
    const { w, h } = viewport.size();
    const [x, y, z] = link.c;
    const [qw, qx, qy, qz] = link.q;
    if (possible) {
        const zoom = link.z * Math.min(w, h);
        viewport.place({ ndisplay: link.d, center: [x, y, z], zoom, quat: [qw, qx, qy, qz], fov: link.f });
    }
    for (const { n, c } of display && Array.isArray(link.l) ? link.l : []) {
        const layer = state.layers.find((one) => one.name === n);
        for (const key of CONTROLS) {
            if (layer && c?.[key] !== undefined && JSON.stringify(layer.controls[key]) !== JSON.stringify(c[key]))
                session.setControl(layer.id, key, c[key]);
        }
    }
    const other = link.s && link.s !== sourceName(state);
    return other ? `This link was made for ${link.s}; it is applied as far as it fits.` : '';
}
