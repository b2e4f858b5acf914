// SPDX-License-Identifier: BSD-3-Clause
// The layers, newest on top. Rows are kept between updates, so focus and drags survive.

import { LOOK_ONLY, mayEdit } from '../store.js';
import { gradient } from './colormap.js';
import { attribute, h, icon, iconButton, setIcon, setText } from './dom.js';
import { menu, openPopup } from './popup.js';

/** @typedef {import('../types.js').Layer} Layer */

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   session: import('../session.js').Session,
 *   layers: import('../layers.js').Layers,
 * }} parts
 */
export function createLayerList({ store, session, layers }) {
    /** @type {Map<string, {row: HTMLElement, name: HTMLElement, update: (layer: Layer, selected: boolean, active: boolean, edits: boolean) => void}>} */
    const rows = new Map();
    const list = h('div', {
        class: 'layer-list', role: 'listbox', tabIndex: 0, 'aria-multiselectable': 'true', 'aria-label': 'Layers',
    });
    const count = h('span', { class: 'section-note' });
    const none = h('p', { class: 'hint' }, 'No layers.');
    const element = h('section', { class: 'section layers', 'aria-label': 'Layer list' },
        h('header', { class: 'section-head' }, h('h2', { class: 'section-title' }, 'Layers'), count), none, list);
    /** @type {string} */
    let dragged = '';

    /** @param {string} id */
    function createRow(id) {
        const layer = () => store.get().layers.find((l) => l.id === id);
        const chip = h('span', { class: 'layer-chip' });
        const picture = h('img', { alt: '', hidden: true, draggable: false });
        picture.addEventListener('error', () => {
            picture.hidden = true;
        });
        const thumb = h('span', { class: 'layer-thumb', 'aria-hidden': 'true' }, chip, picture);
        let shown = '';
        const name = h('span', { class: 'layer-name' });
        const badge = h('span', { class: 'layer-badge' });
        const failure = h('span', { class: 'layer-failure-text' });
        const problem = h('button', { type: 'button', class: 'layer-failure', tabIndex: -1, hidden: true, 'aria-haspopup': 'dialog' },
            icon('warning'), failure);
        const eye = iconButton('eye', 'Visible', { class: 'layer-eye', tabIndex: -1 });
        const more = iconButton('more', 'More', { class: 'layer-more', tabIndex: -1, 'aria-haspopup': 'menu' });
        const row = h('div', { class: 'layer-row', role: 'option', id: `layer-${rows.size}-${id}`, draggable: true },
            eye, thumb, h('span', { class: 'layer-text' }, name, problem), badge, more);

        eye.addEventListener('click', (event) => {
            event.stopPropagation();
            const current = layer();
            if (event.altKey)
                layers.solo(id);
            else if (current)
                layers.setVisible(id, current.controls.visible === false);
        });
        row.addEventListener('click', (event) => {
            list.focus({ preventScroll: true });
            layers.select(id, event.shiftKey ? 'extend' : event.ctrlKey || event.metaKey ? 'toggle' : 'only');
        });
        problem.addEventListener('click', (event) => {
            event.stopPropagation();
            layers.select(id);
            explain(id);
        });
        row.addEventListener('dblclick', () => startRename(id));
        row.addEventListener('contextmenu', (event) => {
            event.preventDefault();
            openMenu(id, { x: event.clientX, y: event.clientY });
        });
        more.addEventListener('click', (event) => {
            event.stopPropagation();
            openMenu(id, null);
        });
        row.addEventListener('dragstart', (event) => {
            dragged = id;
            event.dataTransfer?.setData('text/plain', '');
            row.classList.add('dragged');
        });
        row.addEventListener('dragend', () => {
            dragged = '';
            row.classList.remove('dragged');
            mark(null, false);
        });
        row.addEventListener('dragover', (event) => {
            if (!dragged)
                return;
            event.preventDefault();
            mark(row, below(event, row));
        });
        row.addEventListener('drop', (event) => {
            if (!dragged)
                return;
            event.preventDefault();
            event.stopPropagation();
            drop(id, below(event, row));
        });

        /** @param {Layer} current @param {boolean} selected @param {boolean} active @param {boolean} edits */
        function update(current, selected, active, edits) {
            const visible = current.controls.visible !== false;
            const { status, error, color } = current.facts;
            setText(name, current.name);
            attribute(row, 'title', error ? `${current.name}: ${error}` : current.name);
            const failed = status === 'error';
            const said = failed ? error || 'Its data could not be read' : '';
            attribute(row, 'aria-label', [current.name, !visible && 'hidden', failed ? `failed: ${said}` : status !== 'ready' && status].filter(Boolean).join(', '));
            attribute(row, 'aria-selected', selected);
            row.classList.toggle('active', active);
            row.classList.toggle('hidden-layer', !visible);
            row.classList.toggle('failed', failed);
            problem.hidden = !failed;
            setText(failure, failed ? 'data could not be read' : '');
            attribute(problem, 'aria-label', `What failed in ${current.name}`);
            attribute(eye, 'aria-pressed', visible);
            attribute(eye, 'aria-label', `${current.name} visible`);
            eye.disabled = !edits;
            row.draggable = edits && !row.querySelector('input');
            attribute(eye, 'title', !edits ? LOOK_ONLY : visible ? 'Hide (Alt+click: only this one)' : 'Show (Alt+click: only this one)');
            attribute(more, 'aria-label', `More for ${current.name}`);
            setIcon(eye, visible ? 'eye' : 'eye-off');
            chip.style.background = color && !current.controls.colormap ? color : gradient(current.controls.colormap);
            if (current.thumbnail !== shown) {
                shown = current.thumbnail;
                picture.hidden = !shown;
                if (shown)
                    picture.src = `data:image/png;base64,${shown}`;
            }
            if (badge.dataset.status !== status) {
                badge.dataset.status = status ?? '';
                badge.replaceChildren(...(status === 'loading' ? [spinner()] : []));
            }
        }
        return { row, update, name };
    }

    function spinner() {
        return h('span', { class: 'spinner', role: 'img', 'aria-label': 'loading' });
    }

    /** @param {DragEvent} event @param {HTMLElement} row */
    function below(event, row) {
        const box = row.getBoundingClientRect();
        return event.clientY > box.top + box.height / 2;
    }

    /** @param {HTMLElement|null} row @param {boolean} under */
    function mark(row, under) {
        for (const { row: other } of rows.values()) {
            other.classList.toggle('drop-above', other === row && !under);
            other.classList.toggle('drop-below', other === row && under);
        }
    }

    /** @param {string} target @param {boolean} under listed below the target */
    function drop(target, under) {
        const ids = layers.listed().map((layer) => layer.id).filter((id) => id !== dragged);
        const at = ids.indexOf(target) + (under ? 1 : 0);
        layers.move(dragged, ids.length - at);
    }

    /** What went wrong with a layer's data, and what goes on. @param {string} id */
    function explain(id) {
        const { layers: all, troubles } = store.get();
        const current = all.find((layer) => layer.id === id);
        const entry = rows.get(id);
        if (!current || !entry)
            return;
        const messages = new Set([current.facts.error, ...troubles.filter((t) => t.layer_id === id).map((t) => t.message)].filter(Boolean));
        openPopup(entry.row, () => ({
            label: `What failed in ${current.name}`, quiet: true,
            content: h('div', { class: 'failure' }, h('h2', { class: 'popup-title' }, `Some data of “${current.name}” could not be read`),
                ...[...messages].map((text) => h('p', { class: 'problem' }, text)),
                h('p', { class: 'hint' }, 'What could be read is shown. The server tries the rest again by itself, at growing intervals.')),
        }));
    }

    /** @param {string} id @param {{x: number, y: number}|null} at */
    function openMenu(id, at) {
        const current = store.get().layers.find((layer) => layer.id === id);
        const entry = rows.get(id);
        if (!current || !entry)
            return;
        if (!store.get().selected.includes(id))
            layers.select(id);
        const index = store.get().layers.indexOf(current);
        const failed = current.facts.status === 'error';
        const off = !mayEdit(store.get());
        const no = { disabled: off, title: off ? LOOK_ONLY : '' };
        openPopup(entry.row, menu(`Layer ${current.name}`, [
            failed ? { text: 'What failed…', hint: 'Enter', run: () => explain(id) } : null,
            { text: 'Rename…', hint: 'F2', run: () => startRename(id), ...no },
            { text: 'Show only this layer', hint: 'Alt+click eye', run: () => layers.solo(id), ...no },
            { text: 'Auto contrast', hint: 'C', run: () => layers.autoContrast(layers.selected()), ...no },
            null,
            { text: 'Move up', run: () => layers.move(id, index + 1), ...no, disabled: off || index === store.get().layers.length - 1 },
            { text: 'Move down', run: () => layers.move(id, index - 1), ...no, disabled: off || index === 0 },
            null,
            { text: 'Remove', hint: 'Del', danger: true, run: () => layers.remove(layers.selected()), ...no },
        ].filter((item, i) => item !== null || i > 0)), at);
    }

    /** @param {string} id */
    function startRename(id) {
        const entry = rows.get(id);
        const current = store.get().layers.find((layer) => layer.id === id);
        if (!entry || !current || entry.row.querySelector('input') || session.refused('edit'))
            return;
        const input = h('input', { type: 'text', class: 'layer-rename', value: current.name, 'aria-label': 'Layer name' });
        let done = false;
        /** @param {boolean} take */
        const finish = (take) => {
            if (done)
                return;
            done = true;
            const text = input.value.trim();
            input.replaceWith(entry.name);
            entry.row.draggable = true;
            list.focus({ preventScroll: true });
            if (take && text)
                session.rename(id, text);
        };
        input.addEventListener('keydown', (event) => {
            event.stopPropagation();
            if (event.key === 'Enter' || event.key === 'Escape')
                finish(event.key === 'Enter');
        });
        input.addEventListener('click', (event) => event.stopPropagation());
        input.addEventListener('dblclick', (event) => event.stopPropagation());
        input.addEventListener('blur', () => finish(true));
        entry.row.draggable = false;
        entry.name.replaceWith(input);
        input.focus();
        input.select();
    }

    list.addEventListener('keydown', (event) => {
        const { active } = store.get();
        const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
        if (plain && (event.key === 'ArrowUp' || event.key === 'ArrowDown'))
            layers.step(event.key === 'ArrowUp' ? 1 : -1, event.shiftKey);
        else if (event.key === 'F2')
            startRename(active);
        else if (plain && event.key === 'Enter' && rows.get(active)?.row.classList.contains('failed'))
            explain(active);
        else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey))
            openMenu(active, null);
        else if (plain && event.key === ' ')
            layers.toggle(layers.selected());
        else
            return;
        event.preventDefault();
        event.stopPropagation();
    });

    function update() {
        const state = store.get();
        const shown = layers.listed();
        for (const [id, { row }] of rows) {
            if (!shown.some((layer) => layer.id === id)) {
                row.remove();
                rows.delete(id);
            }
        }
        shown.forEach((layer, i) => {
            let entry = rows.get(layer.id);
            if (!entry) {
                entry = createRow(layer.id);
                rows.set(layer.id, entry);
            }
            if (list.children[i] !== entry.row)
                list.insertBefore(entry.row, list.children[i] ?? null);
            entry.update(layer, state.selected.includes(layer.id), layer.id === state.active, mayEdit(state));
        });
        const focus = rows.get(state.active);
        attribute(list, 'aria-activedescendant', focus?.row.id);
        focus?.row.scrollIntoView({ block: 'nearest' });
        none.hidden = shown.length > 0;
        list.hidden = !shown.length;
        setText(count, shown.length > 1 ? String(shown.length) : '');
    }

    store.watch((s) => [s.layers, s.selected, s.active, s.role], update);
    return { element, list, startRename, update };
}
