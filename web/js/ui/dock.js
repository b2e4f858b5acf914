// SPDX-License-Identifier: BSD-3-Clause
// The side panel: on a wide page a column that can be resized or put away, on a narrow one a sheet with tabs.

import { attribute, h } from './dom.js';

const NARROWEST = 242;
const WIDEST = 480;

/**
 * @param {{
 *   settings: import('../settings.js').Settings,
 *   controls: HTMLElement, layers: HTMLElement, buttons: HTMLElement,
 * }} parts
 */
export function createDock({ settings, controls, layers, buttons }) {
    const narrow = matchMedia('(max-width: 899px)');
    const grip = h('div', {
        class: 'dock-grip', role: 'separator', tabIndex: 0, 'aria-orientation': 'vertical', 'aria-label': 'Width of the side panel',
        'aria-valuemin': NARROWEST, 'aria-valuemax': WIDEST,
    });
    layers.id ||= 'panel-layers';
    controls.id ||= 'panel-controls';
    const tabs = ['Layers', 'Controls'].map((label, i) => h('button', {
        type: 'button', class: 'dock-tab', role: 'tab', 'aria-selected': i === 0, tabIndex: i === 0 ? 0 : -1,
        'aria-controls': [layers, controls][i].id, onclick: () => choose(i),
    }, label));
    const element = h('aside', { class: 'dock', 'aria-label': 'Layers and controls' },
        h('div', { class: 'dock-tabs', role: 'tablist', 'aria-label': 'Panel', onkeydown: turn }, ...tabs), controls, layers, buttons, grip);
    /** On a narrow page the sheet starts closed, whatever the wide page remembers. */
    let sheet = false;

    /** @param {number} which */
    function choose(which) {
        if (!settings.get().dockOpen)
            settings.set({ dockOpen: true });
        element.dataset.tab = String(which);
        tabs.forEach((tab, i) => {
            attribute(tab, 'aria-selected', i === which);
            tab.tabIndex = i === which ? 0 : -1;
        });
    }

    /** Left and right between the tabs. @param {KeyboardEvent} event */
    function turn(event) {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')
            return;
        event.preventDefault();
        event.stopPropagation();
        const other = tabs.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement)) === 0 ? 1 : 0;
        choose(other);
        tabs[other].focus();
    }

    /** @param {number} width */
    function resize(width) {
        settings.set({ dock: Math.round(Math.min(Math.max(width, NARROWEST), WIDEST)) });
    }

    grip.addEventListener('pointerdown', (event) => {
        grip.setPointerCapture(event.pointerId);
        event.preventDefault();
    });
    grip.addEventListener('pointermove', (event) => {
        if (grip.hasPointerCapture(event.pointerId))
            resize(event.clientX - element.getBoundingClientRect().left);
    });
    grip.addEventListener('keydown', (event) => {
        const by = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
        if (by !== undefined) {
            event.preventDefault();
            resize(settings.get().dock + by);
        }
    });

    settings.watch(({ dock, dockOpen }) => {
        element.hidden = !dockOpen;
        document.documentElement.style.setProperty('--dock', `${dock}px`);
        attribute(grip, 'aria-valuenow', dock);
    });
    narrow.addEventListener('change', adapt);
    function adapt() {
        if (narrow.matches && !sheet)
            settings.set({ dockOpen: false });
        sheet = narrow.matches;
    }
    element.dataset.tab = '0';
    adapt();

    return { element };
}
