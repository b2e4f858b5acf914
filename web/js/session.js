// SPDX-License-Identifier: BSD-3-Clause
// The page's side of the scene: applies what the server says, shows local edits at once, sends the newest
// of each property once a frame, and takes the server's word when an edit was acknowledged or refused.

import { createStateSocket } from './protocol/state.js';
import { createReconciler } from './reconcile.js';
import { mayEdit, mayMove, sliderAxes } from './store.js';

/** @typedef {import('./types.js').Layer} Layer */
/** @typedef {import('./types.js').View} View */
/** @typedef {import('./types.js').Pose} Pose */

export const VERSION = '0.1.0';

/**
 * @param {import('./store.js').Store} store
 * @param {import('./frame.js').FrameLoop} frames
 * @param {{
 *   token: () => string,
 *   onWelcome: (session: string, ticket: string) => void,
 *   onLost: () => void,
 *   onView: (view: View, first: boolean) => void,
 *   onAck: (milliseconds: number) => void,
 *   notify: (kind: 'error'|'info', text: string) => void,
 *   onRefused: (what: 'edit'|'move') => void,
 * }} hooks `onRefused`: this page's role does not allow it, and nothing was sent
 */
export function createSession(store, frames, hooks) {
    const truth = createReconciler();
    /** How to show a property that was edited. @type {Map<string, (value: any) => void>} */
    const shows = new Map();
    /** @type {Map<string, () => void>} newest unsent edit of each property */
    const outbox = new Map();
    let baseline = false;
    let serverSlice = '';
    /** Of the newest pose: Infinity until it is sent. */
    let poseSeq = -1;
    /** @type {{pose: Pose, rev: number}|null} */
    let lastPose = null;
    let dragging = false;

    const socket = createStateSocket({
        version: VERSION,
        token: hooks.token,
        onLink: (link) => {
            if (link.phase !== 'open') {
                truth.begin('');
                hooks.onLost();
            }
            store.set({ link });
        },
        onWelcome: ({ session, ticket, commands, role }) => {
            baseline = false;
            serverSlice = '';
            truth.begin(session);
            shows.clear();
            outbox.clear();
            poseSeq = -1;
            lastPose = null;
            hooks.onWelcome(session, ticket);
            store.set({ session, commands, role, viewId: 'main', scene: '', troubles: [] });
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
        const { axis, viewId: was } = store.get();
        const viewId = view.view ?? 'main';
        if (viewId !== was)
            serverSlice = '';
        const slice = `${view.ndisplay} ${view.order.join()} ${view.step.join()}`;
        if (slice !== serverSlice)
            store.set({ sliceRevision: view.revision });
        serverSlice = slice;
        const step = view.step.map((v, i) => Number(truth.heard(`${viewId}:dims:${i}`, v, view.versions?.step)));
        const next = { ...view, step };
        const sliders = sliderAxes(next).map((i) => next.axes[i].name);
        store.set({ view: next, viewId, axis: sliders.includes(axis) ? axis : sliders[0] ?? '' });
        hooks.onView(next, !baseline);
        baseline = true;
    }

    /** @param {Record<string, any>} payload */
    function takeScene(payload) {
        const state = store.get();
        /** @type {Layer[]} */
        const layers = (payload.layers ?? []).map((/** @type {any} */ block) => {
            const id = String(block.layer_id);
            const facts = block.oriel ?? {};
            const old = state.layers.find((layer) => layer.id === id && layer.facts.source === facts.source);
            return {
                id, facts, name: String(truth.heard(`layer:${id}:name`, block.name ?? id)),
                controls: takeControls(id, { contrast_limits: block.contrast_limits, ...block.controls }, block.control_versions),
                thumbnail: String(block.thumbnail?.png ?? old?.thumbnail ?? ''),
            };
        });
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
        const controls = takeControls(id, payload.controls ?? {}, payload.control_versions);
        patchLayer(id, (layer) => ({
            ...layer, name: payload.name === undefined ? layer.name : String(truth.heard(`layer:${id}:name`, payload.name)),
            controls: { ...layer.controls, ...controls }, facts: { ...layer.facts, ...payload.oriel },
            thumbnail: payload.thumbnail === undefined ? layer.thumbnail : String(payload.thumbnail?.png ?? ''),
        }));
    }

    /** @param {string} id @param {Record<string, any>} controls @param {Record<string, any>} [versions] */
    function takeControls(id, controls, versions = {}) {
        return Object.fromEntries(Object.entries(controls)
            .map(([key, value]) => [key, truth.heard(`layer:${id}:${key}`, value, versions[key])]));
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

    /** @param {Record<string, any>} payload */
    function takeAck(payload) {
        const accepted = payload.status === 'accepted';
        if (!accepted)
            hooks.notify('error', payload.error?.message || 'The server refused this change');
        const answer = truth.answered(payload.intent_id, accepted, payload.applied_value ?? undefined, payload.control_version);
        if (!answer)
            return;
        hooks.onAck(performance.now() - answer.at);
        shows.get(answer.key)?.(answer.value);
    }

    /** @param {'edit'|'move'} what @returns {boolean} whether this page may not, and was told so */
    function refused(what) {
        const may = what === 'edit' ? mayEdit(store.get()) : mayMove(store.get());
        if (!may)
            hooks.onRefused(what);
        return !may;
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
     * @param {unknown} before what is shown until the server says something
     * @param {(value: any) => void} show
     * @param {boolean} [final] of an interaction; undefined: a single edit
     */
    function edit(property, update, before, show, final) {
        truth.edit(property, update[3], before);
        shows.set(property, show);
        post(property, () => {
            const { intent, seq } = socket.update(...update, truth.phase(property, final));
            truth.sent(property, intent, seq, performance.now());
        });
    }

    /** @param {boolean} [final] */
    function postPose(final) {
        poseSeq = Infinity;
        post('pose', () => {
            if (lastPose)
                poseSeq = socket.update('view', 'pose', 'main', { rev: lastPose.rev, ...lastPose.pose }, truth.phase('camera', final)).seq;
        });
    }

    return {
        connect: socket.connect,
        command: socket.command,

        /** @param {string} name */
        can: (name) => store.get().commands.includes(name),

        /** @param {Pose} pose @param {number} rev */
        sendPose(pose, rev) {
            if (!mayMove(store.get()))
                return;
            lastPose = { pose, rev };
            postPose(dragging ? false : undefined);
        },

        /** The client_seq of the newest pose; Infinity: it waits to be sent. */
        poseSeq: () => poseSeq,

        /** The camera is being dragged, or let go. @param {boolean} on */
        holdCamera(on) {
            dragging = on;
            if (!on && truth.interacting('camera'))
                postPose(true);
        },

        /** @param {string} key canvas, ndisplay, order, reset, background, play @param {unknown} value */
        setView(key, value) {
            if (key === 'canvas' || !refused('move'))
                edit(`view:${key}`, ['view', key, 'main', value], undefined, () => {});
        },

        /** @param {string} id @param {string} key @param {unknown} value @param {boolean} [final] of an interaction */
        setControl(id, key, value, final) {
            const layer = store.get().layers.find((l) => l.id === id);
            if (!layer || refused('edit'))
                return;
            showControl(id, key, value);
            edit(`layer:${id}:${key}`, ['layer', key, id, value], layer.controls[key],
                (applied) => showControl(id, key, applied), final);
        },

        /** @param {string} id @param {string} name */
        rename(id, name) {
            const layer = store.get().layers.find((l) => l.id === id);
            if (!layer || layer.name === name || refused('edit'))
                return;
            showName(id, name);
            edit(`layer:${id}:name`, ['layer', 'name', id, name], layer.name, (applied) => showName(id, applied));
        },

        /** @param {string} axis @param {number} index clamped here @param {boolean} [final] of an interaction */
        setIndex(axis, index, final) {
            const { view, viewId } = store.get();
            const at = view?.axes.findIndex((a) => a.name === axis) ?? -1;
            if (!view || at < 0)
                return;
            const clamped = Math.min(Math.max(Math.round(index), 0), view.axes[at].size - 1);
            store.set({ axis });
            const before = view.step[at];
            if ((before === clamped && final !== true) || refused('move'))
                return;
            const property = `${viewId}:dims:${at}`;
            if (before === clamped && !truth.interacting(property))
                return;
            showStep(at, clamped);
            edit(property, ['dims', 'index', String(at), clamped], before, (applied) => showStep(at, applied), final);
        },

        /** @param {string} axis @param {number} delta */
        stepAxis(axis, delta) {
            const { view } = store.get();
            const at = view?.axes.findIndex((a) => a.name === axis) ?? -1;
            if (view && at >= 0)
                this.setIndex(axis, view.step[at] + delta);
        },

        /** True while any slice change waits for the server. */
        stepping: () => truth.pending(`${store.get().viewId}:dims:`),

        refused,

        /**
         * A view of this page's own, which starts as a copy of the shared one; or the shared one again.
         * @param {boolean} own
         * @returns {Promise<void>} rejected with the server's reason
         */
        async look(own) {
            const { session } = store.get();
            const answer = await socket.command(own ? 'napari.view.fork' : 'napari.view.follow');
            if (store.get().session === session)
                store.set({ viewId: String(answer?.view ?? (own ? 'own' : 'main')) });
        },
    };
}

/** @typedef {ReturnType<typeof createSession>} Session */
