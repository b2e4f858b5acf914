// SPDX-License-Identifier: BSD-3-Clause
// Numbers as people read them; pure.

/** Decimals of a slider over a range, as napari has it. @param {number} range */
export function decimals(range) {
    if (!(range > 0) || !Number.isFinite(range))
        return 3;
    return Math.min(Math.max(Math.trunc(3 - Math.log10(range)), 0), 64);
}

/** A limit as text. @param {number} value @param {boolean} integer @param {number} range */
export function limit(value, integer, range) {
    return integer ? String(Math.round(value)) : value.toFixed(Math.min(decimals(range), 12));
}

/**
 * A value of the data: integers whole, floats to three digits.
 * @param {unknown} value
 * @param {boolean} integer
 * @returns {string}
 */
export function datum(value, integer) {
    if (Array.isArray(value))
        return `[${value.map((v) => datum(v, integer)).join(' ')}]`;
    if (typeof value !== 'number')
        return value === null || value === undefined ? '' : String(value);
    if (integer || Number.isInteger(value))
        return String(value);
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-4 || size >= 1e6) ? value.toExponential(2) : String(+value.toPrecision(3));
}

/**
 * One number for all coordinates: none when every axis counts plain pixels.
 * @param {import('./types.js').Axis[]} axes
 */
export function coordinateDecimals(axes) {
    const plain = axes.every((a) => a.scale === 1 && a.translate === 0 && (!a.unit || a.unit === 'pixel'));
    if (plain)
        return 0;
    const most = Math.max(...axes.map((a) => Math.ceil(-Math.log10(Math.abs(a.scale) || 1)) + 2));
    return Math.min(Math.max(0, most), 12);
}

/** @type {Record<string, string>} */
const UNITS = {
    micrometer: 'µm', millimeter: 'mm', nanometer: 'nm', centimeter: 'cm', meter: 'm', angstrom: 'Å', picometer: 'pm',
    kilometer: 'km', second: 's', millisecond: 'ms', microsecond: 'µs', minute: 'min', hour: 'h', day: 'd', pixel: 'px',
};

/** @param {string|undefined} unit */
export function unitText(unit) {
    return unit ? UNITS[unit] ?? unit : '';
}

/** Up to four significant digits, no tail of zeros. @param {number} value */
export function short(value) {
    return String(+value.toPrecision(4));
}

/** The next of 1, 2, 5, 10, 15, 20, 25, 50, 75 × 10ⁿ at or below: lengths of a scale bar. @param {number} value */
export function barLength(value) {
    if (!(value > 0) || !Number.isFinite(value))
        return 0;
    const power = 10 ** Math.floor(Math.log10(value));
    const steps = [1, 1.5, 2, 2.5, 5, 7.5];
    return power * (steps.filter((s) => s * power <= value * (1 + 1e-9)).pop() ?? 1);
}

/** A moment of the past, as people say it. @param {number} seconds Unix time @param {number} [now] */
export function ago(seconds, now = Date.now() / 1000) {
    const gone = Math.max(0, now - seconds);
    const steps = /** @type {[number, string][]} */ ([[86400, 'day'], [3600, 'hour'], [60, 'minute']]);
    const [size, name] = steps.find(([length]) => gone >= length) ?? [0, ''];
    if (!size)
        return 'just now';
    const count = Math.floor(gone / size);
    return count > 60 ? new Date(seconds * 1000).toISOString().slice(0, 10) : `${count} ${name}${count > 1 ? 's' : ''} ago`;
}
