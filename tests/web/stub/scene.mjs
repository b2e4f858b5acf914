// SPDX-License-Identifier: BSD-3-Clause
// A made-up scene: 5 t × 40 z × 300 y × 400 x, three channels of blobs, and a painter for any pose.

export const AXES = [
    { name: 't', type: 'time', unit: 'second', size: 5, scale: 1, translate: 0 },
    { name: 'z', type: 'space', unit: 'micrometer', size: 40, scale: 1, translate: 0 },
    { name: 'y', type: 'space', unit: 'micrometer', size: 300, scale: 1, translate: 0 },
    { name: 'x', type: 'space', unit: 'micrometer', size: 400, scale: 1, translate: 0 },
];

/** The marker that tests look for: pure white on black around it. */
export const MARKER = { x: 200, y: 150, half: 6 };

export const HOME = { 2: (w, h) => 0.95 * Math.min(w / 400, h / 300), 3: (w, h) => 0.9 * Math.min(w / 400, h / 300) };

export function createView() {
    return {
        revision: 1, ndisplay: 2, order: [0, 1, 2, 3], axes: AXES, step: [0, 20, 150, 200],
        canvas: { size: [640, 480], background: [0, 0, 0, 1] },
        camera: { center: [199.5, 149.5, 0], zoom: 1.5, quat: [1, 0, 0, 0], fov: 0 },
        extent: [[-0.5, -0.5, 0], [399.5, 299.5, 0]], origin: null, play: null,
    };
}

const COLORS = ['magenta', 'green', 'cyan'];

export function createLayers(names = ['membrane', 'nuclei', 'actin']) {
    return names.map((name, i) => ({
        layer_id: `layer-${i}`, layer_type: 'image', name, ndim: 4, shape: AXES.map((a) => a.size), axis_labels: ['t', 'z', 'y', 'x'],
        volume: false, contrast_limits: [100, 3000], scale: [1, 1, 1, 1], metadata: {},
        controls: {
            visible: true, opacity: 1, blending: i ? 'additive' : 'translucent_no_depth', interpolation: 'nearest', interpolation2d: 'nearest',
            interpolation3d: 'linear', colormap: COLORS[i % 3], gamma: 1, contrast_limits: [100, 3000],
            contrast_limits_range: [0, 4095], rendering: 'mip', attenuation: 0.05, iso_threshold: 1500, depiction: 'volume',
        },
        oriel: {
            dtype: 'uint16', integer: true, levels: [{ shape: [5, 40, 300, 400], chunk: [1, 1, 256, 256] }], scale: [1, 1, 1, 1],
            translate: [0, 0, 0, 0], axes: ['t', 'z', 'y', 'x'], unit: 'micrometer', source: 'embryo.ome.zarr',
            format: 'zarr v2, OME 0.4', status: 'ready', level: 0, level_count: 3, iso_range: [0, 4095], color: null, warnings: [],
        },
    }));
}

const RGB = { magenta: [1, 0, 1], green: [0, 1, 0], cyan: [0, 1, 1], gray: [1, 1, 1], red: [1, 0, 0], viridis: [0.6, 0.9, 0.4] };

function blobs(seed) {
    let s = seed * 7919 + 1;
    const random = () => ((s = (s * 48271) % 2147483647) / 2147483647);
    return Array.from({ length: 46 }, () => ({
        x: random() * 400, y: random() * 300, z: random() * 40, r: 5 + random() * 11, a: 0.35 + random() * 0.65,
    }));
}
const CELLS = [0, 1, 2].map(blobs);
const planes = new Map();

/** One slice of a channel, 0..1. */
function plane(channel, t, z) {
    const key = `${channel} ${t} ${z}`;
    const known = planes.get(key);
    if (known)
        return known;
    const out = new Float32Array(400 * 300);
    for (const { x, y, z: cz, r, a } of CELLS[channel % 3]) {
        const depth = Math.exp(-(((z - cz) / 9) ** 2)) * a;
        const cx = x + t * 3;
        const reach = r * 2.4;
        for (let j = Math.max(0, Math.floor(y - reach)); j < Math.min(300, y + reach); j++) {
            for (let i = Math.max(0, Math.floor(cx - reach)); i < Math.min(400, cx + reach); i++) {
                const d = Math.hypot(i - cx, j - y) / r;
                const v = channel === 0 ? Math.exp(-(((d - 1) * 3.2) ** 2)) : channel === 1 ? 1 / (1 + Math.exp((d - 0.75) * 9))
                    : Math.exp(-d * d) * (0.6 + 0.4 * Math.sin(i * 0.9 + j * 0.6));
                out[j * 400 + i] = Math.min(1, out[j * 400 + i] + v * depth);
            }
        }
    }
    planes.set(key, out);
    return out;
}

/** What the view shows, as RGBA rows from the top. `style`: cells, marker or quadrants. */
export function paint(view, layers, style = 'cells') {
    const [w, h] = view.canvas.size;
    const out = new Uint8ClampedArray(w * h * 4);
    const { center, zoom } = view.camera;
    if (style === 'quadrants') {
        const colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128]];
        for (let j = 0; j < h; j++) {
            for (let i = 0; i < w; i++)
                out.set([...colors[(j < h / 2 ? 0 : 2) + (i < w / 2 ? 0 : 1)], 255], (j * w + i) * 4);
        }
        return out;
    }
    if (style === 'checker') {
        for (let j = 0; j < h; j++) {
            for (let i = 0; i < w; i++) {
                const v = (i + j) & 1 ? 255 : 0;
                out.set([v, v, v, 255], (j * w + i) * 4);
            }
        }
        return out;
    }
    const visible = layers.filter((l) => l.controls.visible).map((l) => ({
        samples: plane(Number(l.layer_id.split('-')[1]), view.step[0], view.step[1]),
        rgb: RGB[l.controls.colormap] ?? [1, 1, 1], limits: l.controls.contrast_limits, gamma: l.controls.gamma,
        opacity: l.controls.opacity,
    }));
    for (let j = 0; j < h; j++) {
        const y = Math.floor(center[1] + (j + 0.5 - h / 2) / zoom + 0.5);
        for (let i = 0; i < w; i++) {
            const x = Math.floor(center[0] + (i + 0.5 - w / 2) / zoom + 0.5);
            const p = (j * w + i) * 4;
            out[p + 3] = 255;
            if (x < 0 || y < 0 || x >= 400 || y >= 300)
                continue;
            if (style === 'marker') {
                const inside = Math.abs(x - MARKER.x) <= MARKER.half && Math.abs(y - MARKER.y) <= MARKER.half;
                out[p] = out[p + 1] = out[p + 2] = inside ? 255 : 40;
                continue;
            }
            let r = 0, g = 0, b = 0;
            for (const { samples, rgb, limits, gamma, opacity } of visible) {
                const raw = samples[y * 400 + x] * 4000;
                const v = Math.min(Math.max((raw - limits[0]) / (limits[1] - limits[0] || 1), 0), 1) ** gamma * opacity * 255;
                r += v * rgb[0];
                g += v * rgb[1];
                b += v * rgb[2];
            }
            out[p] = r;
            out[p + 1] = g;
            out[p + 2] = b;
        }
    }
    return out;
}
