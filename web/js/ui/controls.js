// SPDX-License-Identifier: BSD-3-Clause
// Display of the active layer.

import { LOOK_ONLY, activeLayer, mayEdit } from '../store.js';
import { createColormapRow } from './colormap.js';
import { contrastOf, createContrast } from './contrast.js';
import { h, setText } from './dom.js';
import { choiceRow, sliderRow, uniqueId } from './field.js';

export const BLENDINGS = ['translucent', 'translucent_no_depth', 'additive', 'minimum', 'opaque', 'multiplicative'];
const OPAQUE = ['minimum', 'opaque', 'multiplicative'];
export const RENDERINGS = ['translucent', 'additive', 'iso', 'mip', 'minip', 'attenuated_mip', 'average'];
/** What the server draws; others that a scene may name it draws as linear. */
const FILTERS = ['nearest', 'linear'];

/** @param {string} name */
const filterText = (name) => (FILTERS.includes(name) ? name : `${name} (shown as linear)`);

/** @param {any} colormap as layer controls carry it */
const seeThrough = (colormap) => Array.isArray(colormap?.colors) && colormap.colors.some((/** @type {number[]} */ c) => c[3] < 1);

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   session: import('../session.js').Session,
 *   layers: import('../layers.js').Layers,
 *   settings: import('../settings.js').Settings,
 *   tell: (text: string) => void,
 * }} parts
 */
export function createControls({ store, session, layers, settings, tell }) {
    const layer = () => activeLayer(store.get());
    const set = (/** @type {string} */ key) => (/** @type {unknown} */ value, /** @type {boolean|undefined} */ final = undefined) => {
        const current = layer();
        if (current)
            session.setControl(current.id, key, value, final);
    };
    const volume = () => store.get().view?.ndisplay === 3;

    const contrast = createContrast({ layer, session, layers, settings, tell });
    const gamma = sliderRow({ label: 'gamma', min: 0.2, max: 2, step: 0.02, digits: 2, onInput: set('gamma') });
    const opacity = sliderRow({ label: 'opacity', min: 0, max: 1, step: 0.01, digits: 2, onInput: set('opacity') });
    const colormap = createColormapRow(set('colormap'));
    const blending = choiceRow({ label: 'blending', options: BLENDINGS, onChange: set('blending') });
    const flat = choiceRow({ label: 'interpolation', options: FILTERS, text: filterText, onChange: set('interpolation2d') });
    const solid = choiceRow({ label: 'interpolation', options: FILTERS, text: filterText, onChange: set('interpolation3d') });
    const rendering = choiceRow({ label: 'rendering', options: RENDERINGS, onChange: set('rendering') });
    const surface = h('p', { class: 'hint', id: uniqueId() },
        'Shows the first surface only: choose a colormap with transparency, or attenuated mip.');
    rendering.describe(surface.id);
    const attenuation = sliderRow({
        label: 'attenuation', min: 0, max: 0.5, step: 0.001, digits: 3, onInput: set('attenuation'),
    });
    const threshold = sliderRow({ label: 'iso threshold', min: 0, max: 1, step: 0.01, digits: 2, onInput: set('iso_threshold') });
    const title = h('h2', { class: 'section-title' }, 'Layer controls');
    const name = h('span', { class: 'section-note' });
    const body = h('div', { class: 'rows' }, contrast.element, gamma.element, opacity.element, colormap.element,
        blending.element, rendering.element, surface, attenuation.element, threshold.element, flat.element, solid.element);
    const none = h('p', { class: 'hint' }, 'Select a layer to change how it looks.');
    const element = h('section', { class: 'section controls', 'aria-label': 'Layer controls' },
        h('header', { class: 'section-head' }, title, name), none, body);

    function update() {
        const current = layer();
        body.hidden = !current;
        none.hidden = !!current;
        setText(name, current?.name ?? '');
        if (!current)
            return;
        const c = current.controls;
        const { over, integer } = contrastOf(current);
        const off = mayEdit(store.get()) ? '' : LOOK_ONLY;
        contrast.update(off);
        gamma.update(c.gamma ?? 1, off);
        opacity.update(c.opacity ?? 1, off || (OPAQUE.includes(c.blending) ? `Opacity has no effect with ${c.blending} blending` : ''));
        colormap.update(c.colormap ?? 'gray', current.facts.axes?.includes('rgb') ?? false, off);
        blending.update(c.blending ?? 'translucent', off);
        flat.update(c.interpolation2d ?? c.interpolation ?? 'nearest', off);
        solid.update(c.interpolation3d ?? c.interpolation ?? 'linear', off);
        rendering.update(c.rendering ?? 'mip', off);
        attenuation.update(c.attenuation ?? 0.05, off);
        const iso = current.facts.iso_range ?? over;
        threshold.setRange(iso[0], iso[1], integer ? 1 : (iso[1] - iso[0]) / 1000 || 0.001);
        threshold.update(c.iso_threshold ?? (iso[0] + iso[1]) / 2, off);
        const solidNow = volume();
        flat.element.hidden = solidNow;
        solid.element.hidden = !solidNow;
        rendering.element.hidden = !solidNow;
        surface.hidden = !solidNow || c.rendering !== 'translucent' || seeThrough(c.colormap);
        attenuation.element.hidden = !solidNow || c.rendering !== 'attenuated_mip';
        threshold.element.hidden = !solidNow || c.rendering !== 'iso';
    }

    store.watch((s) => [activeLayer(s), s.view?.ndisplay, s.role], update);
    store.watch((s) => s.view?.step.join(), () => contrast.forget());
    return { element, update };
}
