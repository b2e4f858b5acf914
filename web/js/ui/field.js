// SPDX-License-Identifier: BSD-3-Clause
// Labelled rows: a slider with its number, a list of choices, a number to type.

import { h, setText } from './dom.js';

let counter = 0;
export const uniqueId = () => `f${++counter}`;

/** @param {HTMLInputElement} input */
function paint(input) {
    const [low, high] = [Number(input.min), Number(input.max)];
    input.style.setProperty('--at', String(high > low ? (Number(input.value) - low) / (high - low) : 0));
}

/**
 * A bare slider.
 * @param {{label: string, min: number, max: number, step: number, onInput: (value: number, final: boolean) => void,
 *   text?: (value: number) => string}} options
 */
export function slider({ label, min, max, step, onInput, text = String }) {
    const input = h('input', { type: 'range', min: String(min), max: String(max), step: String(step), 'aria-label': label });
    let open = false;
    input.addEventListener('input', () => {
        open = true;
        paint(input);
        input.setAttribute('aria-valuetext', text(Number(input.value)));
        onInput(Number(input.value), false);
    });
    // A drag that comes back to where it began ends without a change event.
    const end = () => {
        if (open) {
            open = false;
            onInput(Number(input.value), true);
        }
    };
    for (const type of ['change', 'pointerup', 'pointercancel', 'blur'])
        input.addEventListener(type, end);
    return {
        element: input,
        /** @param {number} value */
        update(value) {
            if (document.activeElement !== input || Number(input.value) !== value)
                input.value = String(value);
            input.setAttribute('aria-valuetext', text(value));
            paint(input);
        },
        /** @param {number} low @param {number} high @param {number} by */
        setRange(low, high, by) {
            input.min = String(low);
            input.max = String(high);
            input.step = String(by);
            paint(input);
        },
    };
}

/**
 * Label, slider and number in a row.
 * @param {{label: string, min: number, max: number, step: number, digits: number,
 *   onInput: (value: number, final: boolean) => void}} options
 */
export function sliderRow({ label, min, max, step, digits, onInput }) {
    const number = h('output', { class: 'row-value' });
    const show = (/** @type {number} */ value) => setText(number, value.toFixed(digits));
    const bar = slider({ label, min, max, step, text: (v) => v.toFixed(digits), onInput: (value, final) => {
        show(value);
        onInput(value, final);
    } });
    const element = h('div', { class: 'row' }, h('span', { class: 'row-label', 'aria-hidden': 'true' }, label),
        bar.element, number);
    return {
        element,
        setRange: bar.setRange,
        /** @param {number} value @param {string} [disabled] the reason, if it cannot be changed now */
        update(value, disabled = '') {
            bar.update(value);
            show(value);
            bar.element.disabled = disabled !== '';
            element.title = disabled;
            element.classList.toggle('row-off', disabled !== '');
        },
    };
}

/**
 * Label and a list of choices.
 * @param {{label: string, options: string[], text?: (option: string) => string, onChange: (value: string) => void}} config
 */
export function choiceRow({ label, options, text = (v) => v.replaceAll('_', ' '), onChange }) {
    const id = uniqueId();
    const select = h('select', { id, onchange: () => onChange(select.value) },
        ...options.map((value) => h('option', { value }, text(value))));
    const element = h('div', { class: 'row row-choice' }, h('label', { class: 'row-label', for: id }, label), select);
    return {
        element,
        /** @param {string} value @param {string} [disabled] the reason, if it cannot be changed now */
        update(value, disabled = '') {
            for (const option of [...select.options]) {
                if (!options.includes(option.value) && option.value !== value)
                    option.remove();
            }
            if (value && ![...select.options].some((option) => option.value === value))
                select.append(h('option', { value }, text(value)));
            select.value = value;
            select.title = disabled || (options.includes(value) ? '' : text(value));
            select.disabled = disabled !== '';
            element.classList.toggle('row-off', disabled !== '');
        },
        /** @param {string} by id of an element that says more */
        describe: (by) => select.setAttribute('aria-describedby', by),
    };
}

/**
 * A number to type; Enter or leaving takes it, Escape restores it.
 * @param {{label: string, integer?: boolean, onCommit: (value: number) => void}} options
 */
export function numberBox({ label, integer, onCommit }) {
    const input = h('input', {
        type: 'text', inputMode: integer ? 'numeric' : 'decimal', class: 'number', 'aria-label': label,
        autocomplete: 'off', spellcheck: false,
    });
    let shown = '';
    const commit = () => {
        const value = Number(input.value.trim().replace(',', '.'));
        if (input.value !== shown && input.value.trim() !== '' && Number.isFinite(value))
            onCommit(integer ? Math.round(value) : value);
        input.value = shown;
    };
    input.addEventListener('focus', () => input.select());
    input.addEventListener('blur', commit);
    input.addEventListener('keydown', (event) => {
        if (event.key === 'Enter') {
            commit();
            input.select();
        } else if (event.key === 'Escape' && input.value !== shown) {
            input.value = shown;
            event.stopPropagation();
        }
    });
    return {
        element: input,
        /** @param {string} text */
        update(text) {
            const edited = document.activeElement === input && input.value !== shown;
            shown = text;
            if (!edited)
                input.value = text;
        },
    };
}

/** @param {string} label @param {(on: boolean) => void} onChange */
export function checkbox(label, onChange) {
    const input = h('input', { type: 'checkbox', onchange: () => onChange(input.checked) });
    return { element: h('label', { class: 'check' }, input, h('span', null, label)), input };
}
