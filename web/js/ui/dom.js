// SPDX-License-Identifier: BSD-3-Clause
// Elements without markup strings: h('button', {class: 'x', onclick}, 'text').

/**
 * Properties that start with "on" are listeners, `class` and names with a dash are attributes, the rest properties.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>|null} [props]
 * @param {...(Node|string|null|false|undefined)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props ?? {})) {
        if (name.startsWith('on'))
            element.addEventListener(name.slice(2), value);
        else if (name === 'class' || name === 'role' || name === 'for' || name.includes('-'))
            attribute(element, name, value);
        else
            Reflect.set(element, name, value);
    }
    for (const child of children) {
        if (child !== null && child !== undefined && child !== false)
            element.append(child);
    }
    return element;
}

/**
 * Sets an attribute; false, null and undefined take it away (but aria states keep their "false").
 * @param {Element} element @param {string} name @param {unknown} value
 */
export function attribute(element, name, value) {
    if (value === null || value === undefined || (value === false && !name.startsWith('aria-')))
        element.removeAttribute(name);
    else
        element.setAttribute(name, value === true && !name.startsWith('aria-') ? '' : String(value));
}

/** Sets text only when it differs: no layout, no announcement. @param {Element} element @param {string} text */
export function setText(element, text) {
    if (element.textContent !== text)
        element.textContent = text;
}

/** Strokes on a 16 × 16 grid. @type {Record<string, string>} */
const ICONS = {
    eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
    'eye-off': 'M2.5 2.5l11 11M6.3 3.8A6 6 0 0 1 8 3.5c4 0 6.5 4.5 6.5 4.5a12 12 0 0 1-2 2.5M4 5a11 11 0 0 0-2.5 3S4 12.5 8 12.5a6 6 0 0 0 2.6-.6M6.6 6.6a2 2 0 0 0 2.8 2.8',
    cube: 'M8 1.5l5.5 3v7L8 14.5l-5.5-3v-7L8 1.5ZM2.5 4.5 8 7.5l5.5-3M8 7.5v7',
    square: 'M3 3h10v10H3z',
    roll: 'M13 6.5A5.2 5.2 0 0 0 3.6 5M3 9.5A5.2 5.2 0 0 0 12.4 11M3.5 2v3h3M12.5 14v-3h-3',
    transpose: 'M2.5 2.5h5v5h-5zM10.5 5h3v8.5H5v-3M11.5 2.5l2 2.5-2 0',
    home: 'M2 8l6-5.5L14 8M4 6.8v6.7h8V6.8M6.7 13.5v-4h2.6v4',
    play: 'M4.5 2.8v10.4L13 8 4.5 2.8Z',
    pause: 'M4.5 3h2.2v10H4.5zM9.3 3h2.2v10H9.3z',
    down: 'M4 6.2l4 4 4-4',
    up: 'M4 9.8l4-4 4 4',
    more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
    search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3l3.4 3.4',
    link: 'M6.5 9.5l3-3M7 4.7l1.4-1.4a3 3 0 0 1 4.3 4.3L11.3 9M9 11.300l-1.4 1.400a3 3 0 0 1-4.3-4.300L4.7 7',
    camera: 'M2 5h2.800L6 3h4l1.2 2H14v8H2V5ZM8 11a2.3 2.3 0 1 0 0-4.600A2.3 2.3 0 0 0 8 11Z',
    folder: 'M1.8 12.500v-9h4.400l1.5 1.800h6.500v7.200H1.800Z',
    file: 'M4 1.800h5l3 3v9.400H4V1.800ZM9 1.800v3h3',
    help: 'M8 14.300A6.3 6.3 0 1 0 8 1.700a6.3 6.3 0 0 0 0 12.600ZM6.2 6.200A1.9 1.9 0 1 1 8.7 8c-.5.2-.7.5-.7 1.200M8 11.400h.01',
    close: 'M4 4l8 8M12 4l-8 8',
    plus: 'M8 3v10M3 8h10',
    person: 'M8 8a2.700 2.700 0 1 0 0-5.400A2.700 2.700 0 0 0 8 8ZM2.800 13.800c.4-2.700 2.500-4 5.200-4s4.800 1.300 5.200 4',
    people: 'M6 8a2.400 2.400 0 1 0 0-4.800A2.400 2.400 0 0 0 6 8ZM1.500 13.200c.3-2.300 2-3.400 4.500-3.400s4.200 1.100 4.500 3.400M10.600 7.900a2.100 2.100 0 1 0-.4-4.500M12 9.800c1.500.4 2.400 1.500 2.600 3.200',
    lock: 'M3.5 7.200h9v6.600h-9zM5.500 7V5a2.500 2.500 0 0 1 5 0v2',
    warning: 'M8 2 1.5 13.500h13L8 2ZM8 6.500v3.300M8 11.700h.01',
    info: 'M8 14.300A6.3 6.3 0 1 0 8 1.700a6.3 6.3 0 0 0 0 12.600ZM8 7.300v4M8 4.800h.01',
    histogram: 'M2 13.500h12M3.5 11.500v-3M6.5 11.500v-7M9.5 11.500v-5M12.5 11.500v-2',
    auto: 'M8 14.300A6.3 6.3 0 1 0 8 1.700M8 1.700v12.600M8 4h4.300M8 7h5.800M8 10h5.300M8 13h2.8',
    panel: 'M2 3h12v10H2zM6.5 3v10',
    layers: 'M8 2l6.3 3.300L8 8.6 1.7 5.3 8 2ZM1.7 8.3 8 11.600l6.3-3.300M1.7 11 8 14.300l6.3-3.3',
    sliders: 'M3.5 2v5M3.5 10.500V14M8 2v2M8 7.500V14M12.5 2v7M12.5 12.500V14M1.8 8.800h3.400M6.3 5.800h3.400M10.8 10.800h3.4',
    fullscreen: 'M2.5 6V2.500H6M10 2.500h3.500V6M13.5 10v3.500H10M6 13.500H2.500V10',
    check: 'M3 8.500l3.3 3.300L13 5',
};

/** @param {string} name @returns {SVGSVGElement} */
export function icon(name) {
    const space = 'http://www.w3.org/2000/svg';
    const svg = document.createElementNS(space, 'svg');
    svg.setAttribute('viewBox', '0 0 16 16');
    svg.setAttribute('class', `icon icon-${name}`);
    svg.setAttribute('aria-hidden', 'true');
    const path = document.createElementNS(space, 'path');
    path.setAttribute('d', ICONS[name] ?? '');
    svg.append(path);
    return svg;
}

/**
 * A button that is only an icon; its label is name and tooltip.
 * @param {string} name
 * @param {string} label
 * @param {Record<string, any>} props
 */
export function iconButton(name, label, props) {
    return h('button', { type: 'button', title: label, 'aria-label': label, ...props,
        class: `icon-button ${props.class ?? ''}` }, icon(name));
}

/** @param {HTMLElement} button @param {string} name */
export function setIcon(button, name) {
    const old = button.querySelector('.icon');
    if (old && !old.classList.contains(`icon-${name}`))
        old.replaceWith(icon(name));
}
