// SPDX-License-Identifier: BSD-3-Clause
// The shapes that travel through the page. Types only; nothing here runs.

/** @typedef {[number, number]} Pair */
/** @typedef {[number, number, number]} Vec3 World or camera (x, y, z). */
/** @typedef {[number, number, number, number]} Quat w, x, y, z. */
/** @typedef {{w: number, h: number}} Size Canvas pixels, as the server draws them (even). */

/**
 * A camera. `center` is in world units, `zoom` canvas pixels for a world unit; `quat` takes camera
 * axes (right, down, away) to world (x, y, z); `fov` in degrees, 0 is orthographic.
 * @typedef {{ndisplay: number, center: Vec3, zoom: number, quat: Quat, fov: number}} Pose
 */
/** @typedef {{name: string, type: string, unit: string, size: number, scale: number, translate: number}} Axis */
/** @typedef {{axis: string, fps: number, mode: string}} Play */
/**
 * notify.view. `step` holds level-0 indices in axis order.
 * @typedef {{revision: number, ndisplay: number, order: number[], axes: Axis[], step: number[],
 *   canvas: {size: Pair, background: number[]}, camera: {center: Vec3, zoom: number, quat: Quat, fov: number},
 *   extent: [Vec3, Vec3], origin: {session: string, rev: number}|null, play: Play|null, view?: string,
 *   versions?: Record<string, import('./reconcile.js').Version>}} View `view`: "main", or the page's own
 */
/**
 * @typedef {{dtype?: string, integer?: boolean, levels?: {shape: number[], chunk: number[]}[],
 *   scale?: number[], translate?: number[], axes?: string[], unit?: string, source?: string, format?: string,
 *   status?: string, error?: string, level?: number, level_count?: number, iso_range?: Pair,
 *   color?: string|null, warnings?: string[]}} LayerFacts
 */
/** @typedef {Record<string, any>} Controls */
/** @typedef {{id: string, name: string, controls: Controls, facts: LayerFacts, thumbnail: string}} Layer `thumbnail`: PNG, base64 */
/**
 * What the header of a pixel message says; `pose` is that of the pixels in this message.
 * @typedef {{seq: number, time: number, width: number, height: number, codec: number, key: boolean,
 *   bottomUp: boolean, complete: boolean, still: boolean, fresh: boolean, fullRange: boolean, matrix: number,
 *   level: number, levels: number, coverage: number, pending: number, number: number, revision: number,
 *   rev: number, pose: Pose|null, stages: number[], bytes: Uint8Array}} Picture
 */
/** @typedef {{min: number, max: number, low: number, high: number, bins: number[]}} ValueRange */
/** @typedef {{name: string, colors: number[][]}} Colormap */
/**
 * Where the link to the server stands.
 * @typedef {{phase: 'connecting'|'open'|'lost'|'refused', code: string, reason: string, retryAt: number}} Link
 */
/** @typedef {{severity: string, domain: string, code: string, message: string, layer_id?: string, ref?: string}} Trouble */
/**
 * How pictures reach the screen; `why` explains a rung below the best one.
 * @typedef {{rung: string, why: string, level: number, levels: number, coverage: number, complete: boolean,
 *   still: boolean, width: number, height: number, revision: number, seen: boolean}} PictureState
 */
/**
 * @typedef {{link: Link, session: string, commands: string[], role: string, viewId: string, view: View|null, layers: Layer[], scene: string,
 *   selected: string[], active: string, axis: string, picture: PictureState, troubles: Trouble[],
 *   status: Record<string, any>, sliceRevision: number, dimsLate: boolean, busy: string}} State
 *   `role`: viewer or editor; `viewId`: main is the shared view; `sliceRevision`: the revision from which pictures show the slice the server now has
 */
export {};
