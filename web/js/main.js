// SPDX-License-Identifier: BSD-3-Clause
// Puts the page together. Every part gets what it needs; nothing is global.

import { createActions } from './actions.js';
import { createFrameLoop } from './frame.js';
import { attachKeys } from './keys.js';
import { createLayers } from './layers.js';
import { createLinkSync } from './link-sync.js';
import { createLooking } from './looking.js';
import { createProbe } from './probe.js';
import { copyCanvas, copyText, saveCanvas } from './screenshot.js';
import { createSession } from './session.js';
import { createSettings } from './settings.js';
import { createStats } from './stats.js';
import { activeLayer, createStore, mayMove } from './store.js';
import { createToken } from './token.js';
import { sourceName } from './url.js';
import { createBanner } from './ui/banner.js';
import { loadColormaps } from './ui/colormap.js';
import { createControls } from './ui/controls.js';
import { createDims } from './ui/dims.js';
import { createDock } from './ui/dock.js';
import { attribute, h } from './ui/dom.js';
import { createEmpty } from './ui/empty.js';
import { createLayerList } from './ui/layer-list.js';
import { createOpener } from './ui/open.js';
import { createOverlays } from './ui/overlays.js';
import { createScenes } from './ui/scenes.js';
import { createServerShot } from './ui/server-shot.js';
import { openPalette, openSheet } from './ui/sheet.js';
import { createStatsPanel } from './ui/stats-panel.js';
import { createStatusBar } from './ui/status.js';
import { createToasts } from './ui/toast.js';
import { createTopBar } from './ui/topbar.js';
import { createViewButtons } from './ui/view-buttons.js';
import { watchCanvasSize } from './view/canvas.js';
import { attachGestures } from './view/gestures.js';
import { createPictures } from './view/pictures.js';
import { createPresenter } from './view/present.js';
import { createViewport } from './view/viewport.js';

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
const live = /** @type {HTMLElement} */ (document.getElementById('live'));
const canvas = h('canvas', {
    id: 'canvas', class: 'canvas', tabIndex: 0, role: 'application', 'aria-label': 'Image view', 'aria-describedby': 'canvas-hint',
});

const token = createToken();
const store = createStore();
const settings = createSettings();
const frames = createFrameLoop((run) => requestAnimationFrame(run));
const stats = createStats();
const toasts = createToasts(live);
/** @param {string} text @param {() => void} [undo] */
const tell = (text, undo) => void toasts.show(text, undo ? { action: 'Undo', run: undo } : {});

let dragging = false;

const session = createSession(store, frames, {
    token: token.get,
    onWelcome: (id, ticket) => {
        looking.welcome(id);
        viewport.begin(id);
        pictures.connect(id, ticket);
        viewport.announceSize();
    },
    onLost: () => pictures.close(),
    onView: takeView,
    onAck: stats.acknowledged,
    notify: (kind, text) => toasts.show(text, { kind }),
    onRefused: (what) => (what === 'edit' ? looking.onlyLook() : looking.offerOwn()),
});

const viewport = createViewport({
    send: session.sendPose,
    sendSize: ({ w, h: tall }) => session.setView('canvas', { size: [w, tall] }),
    changed: () => {
        presenter.invalidate();
        linkSync.schedule();
    },
    poseSeq: session.poseSeq,
    mayMove: () => mayMove(store.get()),
    onRefused: () => looking.offerOwn(),
});

const presenter = createPresenter(canvas, viewport, frames, {
    background: () => {
        const [r, g, b] = store.get().view?.canvas.background ?? [0, 0, 0];
        return `rgb(${Math.round(r * 255)} ${Math.round(g * 255)} ${Math.round(b * 255)})`;
    },
    smooth: () => {
        const { view, layers } = store.get();
        const top = layers.filter((layer) => layer.controls.visible !== false).pop();
        return view?.ndisplay === 3 || (top?.controls.interpolation2d ?? 'nearest') !== 'nearest';
    },
    onShown: (shown, waited) => {
        pictures.shown(shown, waited);
        lastShown = performance.now();
        const answered = viewport.settle(shown.picture.rev);
        if (answered !== null)
            stats.answered(answered);
    },
    onDraw: () => overlays.draw(),
});
let lastShown = -Infinity;

const pictures = createPictures({ store, stats, present: presenter.show, newStream: presenter.newStream });
const layers = createLayers(store, session, tell);
const overlays = createOverlays({ store, settings, viewport, canvas });
const opener = createOpener({ store, session, tell });
const status = createStatusBar({ store, stats });
const probe = createProbe({ store, session, viewport, frames, onReading: status.show });
const dims = createDims({ store, session });
const controls = createControls({ store, session, layers, settings, tell });
const layerList = createLayerList({ store, session, layers });
const linkSync = createLinkSync({ store, session, viewport, busy: () => dragging, tell, onRefused: (link) => looking.offerLink(link) });
const looking = createLooking({ store, session, viewport, pictures, linkSync, toasts, onFirst: offerSource });
const scenes = createScenes({ store, session, toasts });
const shots = createServerShot({ store, session, viewport, toasts });

const actions = createActions({
    store, session, layers, viewport, settings, tell,
    togglePlay: dims.togglePlay,
    rename: () => layerList.startRename(store.get().active),
    openData: (how) => opener.open(how === 'add' || topBar.open.hidden ? topBar.scene : topBar.open, how),
    saveScene: () => scenes.save(topBar.scene),
    openScene: () => scenes.open(topBar.scene),
    closeAll: scenes.closeAll,
    look: looking.choose,
    share: () => linkSync.address().then(copyText).then((done) => tell(done ? 'Link copied' : 'The address bar holds the link')),
    saveScreenshot: () => saveCanvas(canvas, sourceName(store.get())).then(() => tell('Canvas saved as PNG'), failed),
    copyScreenshot: () => copyCanvas(canvas).then(() => tell('Canvas copied'), failed),
    help: () => openSheet(topBar.help, actions),
    palette: () => openPalette(topBar.search.offsetParent ? topBar.search : topBar.more, actions),
    fullscreen,
    cycleRegion,
    readCentre: () => probe.hover({ x: viewport.size().w / 2, y: viewport.size().h / 2 }),
});
/** @param {string} id */
const act = (id) => {
    const action = actions.find((one) => one.id === id);
    if (action?.enabled?.() ?? true)
        action?.run();
};

const topBar = createTopBar({ store, settings, stats, session, scenes, shots, act, look: looking.choose, canOpen: opener.can, canAdd: opener.canAdd });
const viewButtons = createViewButtons({ store, session, viewport, act });
const banner = createBanner({
    store, canvas, reconnect: session.connect, speak: toasts.speak, tell,
    pictureAge: () => (Number.isFinite(lastShown) ? (performance.now() - lastShown) / 1000 : null),
});
const statsPanel = createStatsPanel({
    store, settings, stats, pictures, session,
    copy: (text, what) => copyText(text).then((done) => tell(done ? `${what} copied` : 'Copying is not allowed here')),
});
const empty = createEmpty({ store, opener, token, connect: session.connect });
const dock = createDock({
    settings, controls: controls.element, layers: layerList.element, buttons: viewButtons.element,
});

const stage = h('main', { class: 'stage', 'aria-label': 'Image' },
    h('div', { class: 'picture' }, canvas, overlays.element, empty.element,
        h('div', { class: 'over' }, banner.element, statsPanel.element), toasts.element),
    dims.element);
app.append(topBar.element, banner.progress, h('div', { class: 'middle' }, dock.element, stage), status.element);

/** @param {import('./types.js').View} view @param {boolean} first of this session */
function takeView(view, first) {
    viewport.adopt(view);
    attribute(canvas, 'aria-label', canvasLabel(view));
    if (first)
        looking.begin(view);
}

/** `?source=` names data: offered, never loaded unasked, for all who look here would lose what they see. */
function offerSource() {
    const path = new URLSearchParams(location.search).get('source');
    if (!path || path.replace(/[\\/]+$/, '').split(/[\\/]/).pop() === sourceName(store.get()))
        return;
    const refused = (/** @type {string} */ text) => toasts.show(`Open a dataset from the server: ${text}`, { kind: 'error' });
    if (opener.can())
        toasts.show(`This address asks for ${path}`, { action: 'Open', run: () => opener.load(path, 'open', refused, () => {}) });
    else
        refused(`oriel serve ${path}`);
}

/** @param {import('./types.js').View} view */
function canvasLabel(view) {
    const slices = view.order.slice(0, -view.ndisplay).map((i) => view.axes[i]).filter((axis) => axis && axis.size > 1)
        .map((axis) => `${axis.name} ${view.step[view.axes.indexOf(axis)]} of ${axis.size - 1}`);
    return [`Image view, ${view.ndisplay}D`, ...slices].join(', ');
}

/** @param {Error} error */
function failed(error) {
    toasts.show(error.message, { kind: 'error' });
}

function fullscreen() {
    if (document.fullscreenElement) {
        document.exitFullscreen();
        return;
    }
    const lock = () => /** @type {any} */ (navigator).keyboard?.lock?.(['Escape', 'KeyT', 'KeyN', 'KeyW']);
    document.documentElement.requestFullscreen().then(lock).catch(failed);
}

/** @param {number} delta */
function cycleRegion(delta) {
    const regions = [topBar.element, controls.element, layerList.element, canvas, dims.element]
        .filter((region) => region === canvas || region.offsetParent !== null);
    const at = regions.findIndex((region) => region.contains(document.activeElement));
    const next = regions[(at + delta + regions.length) % regions.length] ?? canvas;
    const target = next === canvas ? canvas : next.querySelector('button:not([disabled]), input:not([disabled]), [tabindex="0"]');
    if (target instanceof HTMLElement)
        target.focus();
}

attachGestures(canvas, {
    viewport, frames, settings,
    stepSlice: (delta) => delta && session.stepAxis(store.get().axis, delta),
    stepLayer: (delta) => layers.step(delta),
    onHover: probe.hover,
    onBox: overlays.showBox,
    onContext: () => {},
    onBusy: (busy) => {
        dragging = busy;
        session.holdCamera(busy);
        if (!busy)
            linkSync.schedule();
    },
});
attachKeys(actions, { canvas, list: layerList.element });
watchCanvasSize(canvas, viewport, presenter.redraw);
store.watch((s) => s.view?.canvas.background.join(), presenter.invalidate);
store.watch((s) => s.layers.length === 0 && s.scene !== '', (gone) => gone && presenter.clear());
store.watch((s) => [activeLayer(s)?.controls.interpolation2d], presenter.invalidate);

const dark = matchMedia('(prefers-color-scheme: light)');
function applyTheme() {
    const { theme } = settings.get();
    document.documentElement.dataset.theme = theme === 'system' ? (dark.matches ? 'light' : 'dark') : theme;
}
settings.watch(applyTheme);
dark.addEventListener('change', applyTheme);

for (const type of ['dragover', 'drop'])
    window.addEventListener(type, (event) => event.preventDefault());
window.addEventListener('drop', () => tell('The viewer reads data on the server: open a path there.'));

let reported = false;
/** @param {string} text */
function crashed(text) {
    if (reported)
        return;
    reported = true;
    toasts.show('Something in this page failed.', { kind: 'error', action: 'Copy details', run: () => copyText(text) });
}
window.addEventListener('error', (event) => crashed(`${event.message}\n${event.filename}:${event.lineno}\n${event.error?.stack ?? ''}`));
window.addEventListener('unhandledrejection', (event) => crashed(String(event.reason?.stack ?? event.reason)));

loadColormaps().catch(() => {}).finally(() => {
    controls.update();
    layerList.update();
});
pictures.explore().then(session.connect);
