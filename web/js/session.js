// SPDX-License-Identifier: BSD-3-Clause
// The page's side of the scene: applies what the server says, shows local edits at once, sends the newest
// of each property once a frame, and takes the server's word when an edit was acknowledged or refused.

import { createStateSocket } from './protocol/state.js';
import { sliderAxes } from './store.js';

/** @typedef {import('./types.js').Layer} Layer */
/** @typedef {import('./types.js').View} View */
/** @typedef {import('./types.js').Pose} Pose */

export const VERSION = '0.1.0';

/**
 * @param {import('./store.js').Store} store
 * @param {import('./frame.js').FrameLoop} frames
 * @param {{
 *   onWelcome: (session: string) => void,
 *   onLost: () => void,
 *   onView: (view: View, first: boolean) => void,
 *   onAck: (milliseconds: number) => void,
 *   notify: (kind: 'error'|'info', text: string) => void,
 * }} hooks
 */
export function createSession(store, frames, hooks) {
    /**
     * Edits under way: the newest intent, what the server last said, and how to show the server's word.
     * @type {Map<string, {intent: string, at: number, known: unknown, show: (value: any) => void}>}
     */
    const underway = new Map();
    /** @type {Map<string, () => void>} newest unsent edit of each property */
    const outbox = new Map();
    let baseline = false;
    let serverSlice = '';

    const socket = createStateSocket({
        version: VERSION,
        onLink: (link) => {
            if (link.phase !== 'open') {
                underway.clear();
                hooks.onLost();
            }
            store.set({ link });
        },
        onWelcome: (session, commands) => {
            baseline = false;
            serverSlice = '';
            underway.clear();
            outbox.clear();
            store.set({ session, commands, scene: '', troubles: [] });
            hooks.onWelcome(session);
        },
        onFrame: (frame) => {
            const handler = handlers[/** @type {keyof typeof handlers} */ (frame.type)];
            handler?.(frame.payload);
        },
    });

    /** @type {Record<string, (payload: Record<string, any>) => void>} */
    const handlers = {
        'notify.view': (payload) => takeView(/** @type {View} */ (payload)),
        'notify.scene': takeScene,
        'notify.layers': takeLayer,
        'notify.error': takeTrouble,
        'notify.status': (status) => store.set({ status }),
        'ack.state': takeAck,
    };

    /** @param {View} view */
    function takeView(view) {
        const { view: old, axis } = store.get();
        const slice = `${view.ndisplay} ${view.order.join()} ${view.step.join()}`;
        if (slice !== serverSlice)
            store.set({ sliceRevision: view.revision });
        serverSlice = slice;
        const step = view.step.map((v, i) => (keep(`dims:${i}`, v) ? old?.step[i] ?? v : v));
        const next = { ...view, step };
        const sliders = sliderAxes(next).map((i) => next.axes[i].name);
        store.set({ view: next, axis: sliders.includes(axis) ? axis : sliders[0] ?? '' });
        hooks.onView(next, !baseline);
        baseline = true;
    }

    /** @param {Record<string, any>} payload */
    function takeScene(payload) {
        const state = store.get();
        /** @type {Layer[]} */
        const layers = (payload.layers ?? []).map((/** @type {any} */ block) => ({
            id: String(block.layer_id), name: String(block.name ?? block.layer_id),
            controls: { contrast_limits: block.contrast_limits, ...block.controls }, facts: block.oriel ?? {},
        }));
        const ids = layers.map((layer) => layer.id);
        const top = ids[ids.length - 1] ?? '';
        const active = ids.includes(state.active) ? state.active : top;
        const selected = state.selected.filter((id) => ids.includes(id));
        store.set({
            layers, active, selected: selected.length ? selected : active ? [active] : [],
            scene: String(payload.metadata?.status ?? (layers.length ? 'ready' : 'idle')),
            troubles: state.troubles.filter((trouble) => !trouble.layer_id || ids.includes(trouble.layer_id)),
        });
    }

    /** @param {Record<string, any>} payload */
    function takeLayer(payload) {
        const { layers } = store.get();
        const id = String(payload.layer_id);
        if (payload.removed) {
            const left = layers.filter((layer) => layer.id !== id);
            takeSelection(left);
            return;
        }
        const controls = Object.fromEntries(Object.entries(payload.controls ?? {})
            .filter(([key, value]) => !keep(`layer:${id}:${key}`, value)));
        patchLayer(id, (layer) => ({
            ...layer, name: payload.name === undefined ? layer.name : String(payload.name),
            controls: { ...layer.controls, ...controls }, facts: { ...layer.facts, ...payload.oriel },
        }));
    }

    /** @param {Layer[]} layers */
    function takeSelection(layers) {
        const state = store.get();
        const ids = layers.map((layer) => layer.id);
        const active = ids.includes(state.active) ? state.active : ids[ids.length - 1] ?? '';
        const selected = state.selected.filter((id) => ids.includes(id));
        store.set({ layers, active, selected: selected.length ? selected : active ? [active] : [] });
    }

    /** @param {Record<string, any>} payload */
    function takeTrouble(payload) {
        const trouble = /** @type {import('./types.js').Trouble} */ (payload);
        const code = String(trouble.code).replace(/\.cleared$/, '');
        const others = store.get().troubles.filter((t) => t.code !== code || t.layer_id !== trouble.layer_id);
        const cleared = trouble.code !== code;
        store.set({ troubles: cleared ? others : [...others, trouble].slice(-50) });
        if (!cleared && (trouble.severity === 'error' || trouble.severity === 'warning'))
            hooks.notify(trouble.severity === 'error' ? 'error' : 'info', trouble.message);
    }

    /**
     * Does a local edit stand before the server's value? Then that is what a refusal goes back to.
     * @param {string} property
     * @param {unknown} value
     */
    function keep(property, value) {
        const edit = underway.get(property);
        if (edit)
            edit.known = value;
        return edit !== undefined;
    }

    /** @param {Record<string, any>} payload */
    function takeAck(payload) {
        const accepted = payload.status === 'accepted';
        if (!accepted)
            hooks.notify('error', payload.error?.message || 'The server refused this change');
        for (const [property, edit] of underway) {
            if (edit.intent !== payload.intent_id)
                continue;
            underway.delete(property);
            hooks.onAck(performance.now() - edit.at);
            edit.show(accepted ? payload.applied_value ?? undefined : edit.known);
        }
    }

    /** @param {string} id @param {(layer: Layer) => Layer} change */
    function patchLayer(id, change) {
        store.set({ layers: store.get().layers.map((layer) => (layer.id === id ? change(layer) : layer)) });
    }

    /** @param {string} id @param {string} key @param {unknown} value */
    function showControl(id, key, value) {
        if (value !== undefined)
            patchLayer(id, (layer) => ({ ...layer, controls: { ...layer.controls, [key]: value } }));
    }

    /** @param {string} id @param {unknown} name */
    function showName(id, name) {
        if (name !== undefined)
            patchLayer(id, (layer) => ({ ...layer, name: String(name) }));
    }

    /** @param {number} at @param {number|undefined} index */
    function showStep(at, index) {
        const { view } = store.get();
        if (!view || index === undefined || view.step[at] === index)
            return;
        const step = view.step.slice();
        step[at] = index;
        store.set({ view: { ...view, step } });
    }

    /**
     * The first edit after rest goes at once, later ones with the frame, newest value only.
     * @param {string} key
     * @param {() => void} send
     */
    function post(key, send) {
        if (frames.pending('send') || socket.congested()) {
            outbox.set(key, send);
        } else {
            send();
        }
        frames.request('send', flush);
    }

    function flush() {
        if (!outbox.size)
            return;
        frames.request('send', flush);
        if (socket.congested())
            return;
        for (const send of outbox.values())
            send();
        outbox.clear();
    }

    /**
     * @param {string} property
     * @param {[scope: string, key: string, target: string, value: unknown]} update
     * @param {unknown} known what to show again when the server refuses
     * @param {(value: any) => void} show
     */
    function edit(property, update, known, show) {
        const before = underway.get(property);
        underway.set(property, { intent: '', at: performance.now(), known: before ? before.known : known, show });
        post(property, () => {
            const edit = underway.get(property);
            const intent = socket.update(...update);
            if (edit && intent)
                Object.assign(edit, { intent, at: performance.now() });
            else
                underway.delete(property);
        });
    }

    return {
        connect: socket.connect,
        command: socket.command,

        /** @param {string} name */
        can: (name) => store.get().commands.includes(name),

        /** @param {Pose} pose @param {number} rev */
        sendPose(pose, rev) {
            post('pose', () => socket.update('view', 'pose', 'main', { rev, ...pose }));
        },

        /** @param {string} key canvas, ndisplay, order, reset, background, play @param {unknown} value */
        setView(key, value) {
            edit(`view:${key}`, ['view', key, 'main', value], undefined, () => {});
        },

        /** @param {string} id @param {string} key @param {unknown} value */
        setControl(id, key, value) {
            const layer = store.get().layers.find((l) => l.id === id);
            if (!layer)
                return;
            showControl(id, key, value);
            edit(`layer:${id}:${key}`, ['layer', key, id, value], layer.controls[key],
                (applied) => showControl(id, key, applied));
        },

        /** @param {string} id @param {string} name */
        rename(id, name) {
            const layer = store.get().layers.find((l) => l.id === id);
            if (!layer || layer.name === name)
                return;
            showName(id, name);
            edit(`layer:${id}:name`, ['layer', 'name', id, name], layer.name, (applied) => showName(id, applied));
        },

        /** @param {string} axis @param {number} index clamped here */
        setIndex(axis, index) {
            const { view } = store.get();
            const at = view?.axes.findIndex((a) => a.name === axis) ?? -1;
            if (!view || at < 0)
                return;
            const clamped = Math.min(Math.max(Math.round(index), 0), view.axes[at].size - 1);
            store.set({ axis });
            const known = view.step[at];
            if (known === clamped)
                return;
            showStep(at, clamped);
            edit(`dims:${at}`, ['dims', 'index', String(at), clamped], known, (applied) => showStep(at, applied));
        },

        /** @param {string} axis @param {number} delta */
        stepAxis(axis, delta) {
            const { view } = store.get();
            const at = view?.axes.findIndex((a) => a.name === axis) ?? -1;
            if (view && at >= 0)
                this.setIndex(axis, view.step[at] + delta);
        },

        /** True while any slice change waits for the server. */
        stepping: () => [...underway.keys()].some((property) => property.startsWith('dims:')),
    };
}

/** @typedef {ReturnType<typeof createSession>} Session */
