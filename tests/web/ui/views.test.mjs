// SPDX-License-Identifier: BSD-3-Clause
// The shared view and one's own; several who write; going away and coming back.
import { test } from 'node:test';
import { assert, canvasBox, lastPose, near, pixel, rest, show, sleep, stage, until } from './harness.mjs';

const it = stage({ allow: /ERR_|Failed to load/ });
const button = (name) => it.page.getByRole('button', { name, exact: true });
const fork = () => [...it.stub.forks.values()][0];
const toast = (text) => it.page.locator('.toast', { hasText: text });
const banner = () => it.page.locator('.banner');
/** Brightest of a few places of the canvas. */
const lit = async () => {
    const size = await it.page.evaluate(() => [document.getElementById('canvas').width, document.getElementById('canvas').height]);
    let most = 0;
    for (let i = 1; i < 8; i++) {
        for (let j = 1; j < 8; j++)
            most = Math.max(most, ...(await pixel(it.page, (size[0] * i) / 8, (size[1] * j) / 8)));
    }
    return most;
};

async function own() {
    await button('My own view').click();
    await until(() => fork(), 'a fork');
    await until(() => button('My own view').getAttribute('aria-pressed').then((v) => v === 'true'), 'the toggle');
    await rest(it.stub);
}

test('a view of its own: another stream, the old picture until then; the shared one stays; and back', async () => {
    const before = structuredClone(it.stub.view);
    assert.equal(await button('Shared view').getAttribute('aria-pressed'), 'true');
    const [socket] = it.stub.pixels();
    it.stub.mute = true;
    await button('My own view').focus();
    await it.page.keyboard.press('Enter');
    await until(() => it.stub.pixels().length === 1 && it.stub.pixels()[0] !== socket, 'another pixel socket');
    await sleep(100);
    assert.ok((await lit()) > 60, 'the old picture went');
    it.stub.mute = false;
    it.stub.repaint();
    await rest(it.stub);
    await it.page.locator('#canvas').focus();
    await it.page.keyboard.press('PageUp');
    await it.page.keyboard.press('ArrowRight');
    await it.page.keyboard.press('Control+y');
    await until(() => fork().ndisplay === 3, '3D');
    await rest(it.stub);
    assert.deepEqual([it.stub.view.ndisplay, it.stub.view.step, it.stub.view.camera.zoom], [2, before.step, before.camera.zoom]);
    // Meanwhile the others go on.
    it.stub.view.step = [2, 20, 150, 200];
    it.stub.view.camera = { ...it.stub.view.camera, zoom: 4 };
    it.stub.changed();
    await rest(it.stub);
    assert.equal(await it.page.getByRole('textbox', { name: 't index' }).inputValue(), '1');
    await button('Shared view').click();
    await until(() => it.stub.forks.size === 0, 'the fork gone');
    await until(() => it.page.getByRole('textbox', { name: 't index' }).inputValue().then((v) => v === '2'), 'the shared slice');
    await rest(it.stub);
    await it.page.locator('#canvas').focus();
    await it.page.keyboard.press('PageUp');
    await rest(it.stub);
    near(it.stub.view.camera.zoom, 4 * 1.007 ** 30, 1e-9);
});

test('stills of another stream are drawn, whatever its numbers', async () => {
    it.stub.style = 'checker';
    it.stub.stills = true;
    await it.page.keyboard.press('PageUp');
    await rest(it.stub);
    await own();
    it.stub.frame = 0; // its pictures are counted anew, and know nothing of moves in the other view
    it.stub.lastRev = {};
    it.stub.repaint();
    await until(async () => (await pixel(it.page, 1, 0)).join() === '255,255,255', 'the still');
});

test('no more views to give: the server’s sentence, and the shared view stays', async () => {
    it.stub.mostForks = 0;
    await button('My own view').click();
    await toast('all 0 own views of this server are in use').waitFor();
    assert.equal(await button('Shared view').getAttribute('aria-pressed'), 'true');
    await it.page.locator('#canvas').focus();
    await it.page.keyboard.press('ArrowRight');
    await until(() => it.stub.view.step[0] === 1, 'the shared view');
});

for (const [what, restart] of [['the connection', false], ['the server', true]]) {
    test(`${what} was lost while looking on one's own: the own view is there again, the shared one untouched`, async () => {
        await own();
        await it.page.locator('#canvas').focus();
        await it.page.keyboard.press('ArrowRight');
        await it.page.keyboard.press('PageUp');
        await rest(it.stub);
        const want = structuredClone(fork());
        it.stub.refuse = true;
        it.stub.goodbye();
        await banner().waitFor();
        if (restart)
            it.stub.restart();
        it.stub.view.camera = { ...it.stub.view.camera, zoom: 0.75 };
        const shared = structuredClone(it.stub.view);
        it.stub.refuse = false;
        await button('Reconnect now').click();
        await until(() => fork()?.step[0] === 1, 'the slice');
        await rest(it.stub);
        near(fork().camera.zoom / want.camera.zoom, 1, 1e-9);
        fork().camera.center.forEach((v, i) => near(v, want.camera.center[i], 1e-6));
        assert.deepEqual([it.stub.view.step, it.stub.view.camera.zoom], [shared.step, 0.75]);
        assert.equal(await button('My own view').getAttribute('aria-pressed'), 'true');
    });
}

test('a server that says goodbye: why, the picture dimmed, back by itself with the tokens of what was heard', async () => {
    it.stub.control('layer-1', 'gamma', 1.5);
    await rest(it.stub);
    it.stub.goodbye();
    await banner().getByText('The server is shutting down').waitFor();
    assert.equal(await it.page.locator('#canvas').evaluate((c) => getComputedStyle(c).opacity), '0.6');
    assert.ok((await lit()) > 60);
    await banner().waitFor({ state: 'hidden' });
    const [first, second] = it.stub.log.filter((f) => f.type === 'session.hello').map((f) => f.payload.resume_tokens);
    assert.deepEqual(first, { 'notify.scene': null, 'notify.layers': null, 'notify.stream': null });
    assert.match(second['notify.layers'], /^notify\.layers \d+$/);
    assert.match(second['notify.scene'], /^notify\.scene \d+$/);
    // What a replay brings is taken: the scene as it is, then what was missed.
    it.stub.control('layer-2', 'gamma', 0.5);
    await until(() => it.page.getByRole('slider', { name: 'gamma' }).inputValue().then((v) => v === '0.5'), 'the control');
});

test('a token that the server does not take is left out the next time', async () => {
    await rest(it.stub);
    it.stub.badTokens = true;
    it.stub.drop();
    await until(() => it.stub.log.filter((f) => f.type === 'session.hello').length === 3, 'the third hello', 6000);
    const tokens = it.stub.log.filter((f) => f.type === 'session.hello').map((f) => f.payload.resume_tokens['notify.scene']);
    assert.deepEqual([tokens[0], typeof tokens[1], tokens[2]], [null, 'string', null]);
    await banner().waitFor({ state: 'hidden' });
});

test('who is here: names, roles and views, asked when opened', async () => {
    await rest(it.stub);
    const other = await it.context.newPage();
    await other.goto(it.stub.url);
    await own();
    assert.equal(it.stub.calls('oriel.describe').length, 0);
    await button('Who is here').click();
    const people = it.page.getByRole('dialog', { name: 'Who is here' }).getByRole('listitem');
    await until(() => people.count().then((n) => n === 2), 'two');
    assert.match((await people.allInnerTexts())[0].replace(/\s+/g, ' '), /This page .* edits, own view/);
    assert.match((await people.allInnerTexts())[1].replace(/\s+/g, ' '), /oriel-web .* edits, shared view/);
    await other.close();
});

test('a slider under way is not pulled back by its own echo; somebody else’s newer write shows', async () => {
    it.stub.ackDelay = 120;
    const gamma = it.page.getByRole('slider', { name: 'gamma' });
    const box = await gamma.boundingBox();
    const seen = [];
    await it.page.mouse.move(box.x + box.width * 0.45, box.y + box.height / 2);
    await it.page.mouse.down();
    for (let i = 0; i < 20; i++) {
        await it.page.mouse.move(box.x + box.width * (0.45 + i * 0.02), box.y + box.height / 2);
        await sleep(20);
        seen.push(Number(await gamma.inputValue()));
    }
    assert.ok(seen.every((v, i) => i === 0 || v >= seen[i - 1]), seen.join(' '));
    await rest(it.stub, 300);
    it.stub.control('layer-2', 'gamma', 0.6); // held still: theirs is newer
    await until(() => gamma.inputValue().then((v) => v === '0.6'), 'theirs');
    await it.page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2);
    await it.page.mouse.up();
    await rest(it.stub, 300);
    assert.equal(await gamma.inputValue(), String(it.stub.layers[2].controls.gamma));
    assert.ok(Number(await gamma.inputValue()) > 1.5);
    const said = it.stub.updates('layer.gamma');
    assert.deepEqual([said[0].phase, said.at(-1).phase], ['start', 'end']);
    assert.ok(said.slice(1, -1).every((u) => u.phase === 'update'));
    assert.equal(new Set(said.map((u) => u.interaction_id)).size, 1);
});

test('contrast handles and slice sliders tell their phases too; a single key press is one edit', async () => {
    const range = await it.page.locator('.row-contrast .range').boundingBox();
    await it.page.mouse.move(range.x + range.width * 0.1, range.y + range.height / 2);
    await it.page.mouse.down();
    await it.page.mouse.move(range.x + range.width * 0.2, range.y + range.height / 2, { steps: 5 });
    await it.page.mouse.up();
    await rest(it.stub);
    const limits = it.stub.updates('layer.contrast_limits').map((u) => u.phase);
    assert.deepEqual([limits[0], limits.at(-1), limits.filter((p) => p === 'start').length], ['start', 'end', 1]);
    await it.page.getByRole('slider', { name: 'Contrast limits, low' }).press('ArrowRight');
    await rest(it.stub);
    assert.ok(!('phase' in it.stub.updates('layer.contrast_limits').at(-1)));
    const z = await it.page.getByRole('slider', { name: 'z', exact: true }).boundingBox();
    await it.page.mouse.move(z.x + z.width * 0.5, z.y + z.height / 2);
    await it.page.mouse.down();
    await it.page.mouse.move(z.x + z.width * 0.7, z.y + z.height / 2, { steps: 5 });
    await it.page.mouse.up();
    await rest(it.stub);
    const steps = it.stub.updates('dims.index').map((u) => u.phase);
    assert.deepEqual([steps[0], steps.at(-1)], ['start', 'end']);
});

test('somebody else steps through slices: a camera on its way here is not thrown back', async () => {
    const { cx, cy } = await canvasBox(it.page);
    await it.page.mouse.move(cx, cy);
    await it.page.mouse.down();
    for (let i = 1; i <= 12; i++) {
        await it.page.mouse.move(cx + i * 5, cy);
        it.stub.view.step = [i % 5, 20, 150, 200];
        it.stub.write('main/step', 'somebody');
        it.stub.changed();
        it.stub.view.origin = { session: 'somebody', rev: i };
    }
    await it.page.mouse.up();
    await rest(it.stub);
    const first = it.stub.updates('view.pose')[0].value;
    near(lastPose(it.stub).center[0], first.center[0] - 55 / first.zoom, 60 / first.zoom);
    const shift = it.stub.updates('view.pose').map((u) => u.value.center[0]);
    assert.ok(shift.every((x, i) => i === 0 || x <= shift[i - 1] + 1e-9), 'the camera went back');
});

test('on a narrow page the settings hold the choice', async () => {
    await it.page.setViewportSize({ width: 420, height: 720 });
    await button('Settings').click();
    await it.page.getByRole('menuitemcheckbox', { name: 'My own view' }).click();
    await until(() => fork(), 'a fork');
    await show(it.page, it.stub);
});
