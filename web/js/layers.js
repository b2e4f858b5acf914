// SPDX-License-Identifier: BSD-3-Clause
// What can be done with layers: selection (newest on top, as listed), visibility, order, removal.

/**
 * @param {import('./store.js').Store} store
 * @param {import('./session.js').Session} session
 * @param {(text: string, undo?: () => void) => void} tell
 */
export function createLayers(store, session, tell) {
    /** Visibility before "only this one". @type {{id: string, visible: Map<string, boolean>}|null} */
    let solo = null;

    /** Top first. */
    const listed = () => store.get().layers.slice().reverse();
    const selected = () => store.get().layers.filter((layer) => store.get().selected.includes(layer.id));

    /** @param {Error} error */
    const failed = (error) => tell(error.message);

    /** @param {string} id @param {boolean} visible */
    function setVisible(id, visible) {
        const layer = store.get().layers.find((l) => l.id === id);
        if (layer && (layer.controls.visible !== false) !== visible)
            session.setControl(id, 'visible', visible);
    }

    return {
        listed,
        selected,

        /** @param {string} id @param {'only'|'toggle'|'extend'} [how] */
        select(id, how = 'only') {
            const state = store.get();
            if (how === 'toggle') {
                const on = !state.selected.includes(id);
                const rest = on ? [...state.selected, id] : state.selected.filter((other) => other !== id);
                store.set({ selected: rest, active: on ? id : rest[rest.length - 1] ?? '' });
            } else if (how === 'extend') {
                const ids = listed().map((layer) => layer.id);
                const [a, b] = [ids.indexOf(state.active), ids.indexOf(id)].sort((x, y) => x - y);
                store.set({ selected: ids.slice(Math.max(a, 0), b + 1), active: id });
            } else {
                store.set({ selected: [id], active: id });
            }
        },

        /** Up is +1: the layer above. @param {number} delta @param {boolean} [extend] */
        step(delta, extend = false) {
            const state = store.get();
            const at = state.layers.findIndex((layer) => layer.id === state.active);
            const next = state.layers[Math.min(Math.max(at + delta, 0), state.layers.length - 1)];
            if (!next || !delta)
                return;
            const rest = extend ? [...new Set([...state.selected, next.id])] : [next.id];
            store.set({ active: next.id, selected: rest });
        },

        setVisible,

        /** Shows only this one; again: what was visible before. @param {string} id */
        solo(id) {
            if (session.refused('edit'))
                return;
            const { layers } = store.get();
            if (solo?.id === id) {
                for (const [other, visible] of solo.visible)
                    setVisible(other, visible);
                solo = null;
                return;
            }
            const visible = solo?.visible ?? new Map(layers.map((l) => [l.id, l.controls.visible !== false]));
            solo = { id, visible };
            for (const layer of layers)
                setVisible(layer.id, layer.id === id);
        },

        /** All of them visible, or none when all are. @param {import('./types.js').Layer[]} some */
        toggle(some) {
            if (session.refused('edit'))
                return;
            solo = null;
            const show = some.some((layer) => layer.controls.visible === false);
            for (const layer of some)
                setVisible(layer.id, show);
        },

        others: () => store.get().layers.filter((layer) => !store.get().selected.includes(layer.id)),

        /** @param {string} id @param {number} index 0 is the bottom */
        move(id, index) {
            const layers = store.get().layers.slice();
            const from = layers.findIndex((layer) => layer.id === id);
            const to = Math.min(Math.max(index, 0), layers.length - 1);
            if (from < 0 || from === to || session.refused('edit'))
                return;
            layers.splice(to, 0, ...layers.splice(from, 1));
            store.set({ layers });
            session.command('napari.layer.move', { layer_id: id, index: to }).catch(failed);
        },

        /** With a way back instead of a question. @param {import('./types.js').Layer[]} some */
        remove(some) {
            if (!some.length || session.refused('edit'))
                return;
            const ids = some.map((layer) => layer.id);
            const what = some.length === 1 ? `“${some[0].name}”` : `${some.length} layers`;
            Promise.all(ids.map((id) => session.command('napari.layer.remove', { layer_id: id }))).then(
                () => tell(`Removed ${what}`, () => {
                    for (const id of ids)
                        session.command('napari.layer.restore', { layer_id: id }).catch(failed);
                }), failed);
        },

        /** @param {import('./types.js').Layer[]} some */
        autoContrast(some) {
            if (session.refused('edit'))
                return;
            for (const layer of some)
                session.command('napari.layer.auto_contrast', { layer_id: layer.id }).catch(failed);
        },
    };
}

/** @typedef {ReturnType<typeof createLayers>} Layers */
