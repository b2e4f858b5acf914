// SPDX-License-Identifier: BSD-3-Clause
// Tokens, and what a page may do with the role that they give.
import { test } from 'node:test';
import { assert, canvasBox, lastPose, rest, show, sleep, stage, until } from './harness.mjs';

const LOOK = "You can look; changing the scene needs an editor's link.";
const it = stage({ open: false, prepare: (stub) => {
    stub.tokens = { 'look+1': 'viewer', edit: 'editor' };
} });
const hellos = () => it.stub.log.filter((f) => f.type === 'session.hello');
const toast = (text) => it.page.locator('.toast', { hasText: text });
const edits = () => it.stub.log.filter((f) => f.type === 'state.update' && f.payload.key !== 'canvas');

test('the token of the address: told to the server, gone from the address, kept for a reload, in no link', async () => {
    await show(it.page, it.stub, '?token=edit&source=embryo.ome.zarr');
    assert.deepEqual(hellos()[0].payload.auth, { type: 'token', token: 'edit' });
    assert.equal(it.stub.lastPixelUrl.searchParams.get('token'), null, 'the ticket of the session is enough');
    assert.equal(it.stub.lastPixelUrl.searchParams.get('ticket'), 'ticket of session-1');
    assert.equal(await it.page.evaluate(() => location.search), '?source=embryo.ome.zarr');
    await until(async () => (await it.page.evaluate(() => location.hash)).startsWith('#v1='), 'the view in the address');
    assert.ok(!(await it.page.evaluate(() => location.href)).includes('edit'));
    it.stub.pixelLog.length = 0;
    await it.page.reload();
    await until(() => hellos().length === 2, 'the second hello');
    assert.equal(hellos()[1].payload.auth.token, 'edit');
    // Another tab knows nothing of it.
    const other = await it.context.newPage();
    await other.goto(it.stub.url);
    await other.getByRole('heading', { name: 'A token opens this page' }).waitFor();
    await other.close();
});

test('no token: a field for it and no further tries; a wrong one is named; the right one opens', async () => {
    await it.page.goto(it.stub.url);
    const field = it.page.getByLabel('Token', { exact: true });
    await field.waitFor();
    assert.equal(await field.getAttribute('type'), 'password');
    await sleep(2000);
    assert.equal(hellos().length, 1);
    assert.ok(!(await it.page.locator('.connecting').isVisible()) && !(await it.page.locator('.banner').isVisible()));
    assert.equal(await it.page.getByText('not accepted').count(), 0);
    await field.fill('wrong');
    await field.press('Enter');
    await it.page.getByText('The token was not accepted.').waitFor();
    assert.equal(hellos()[1].payload.auth.token, 'wrong');
    await it.page.getByLabel('Token', { exact: true }).fill('edit');
    await it.page.getByRole('button', { name: 'Connect' }).click();
    await until(() => it.stub.pixelLog.some((m) => m.type === 'shown'), 'a picture');
    await field.waitFor({ state: 'detached' });
    assert.equal(await it.page.evaluate(() => Object.keys(sessionStorage).length), 1);
});

test('a viewer: what changes the scene is off and says why; keys send nothing; a badge', async () => {
    await show(it.page, it.stub, '?token=look%2B1');
    await it.page.locator('.badge', { hasText: 'Viewing' }).waitFor();
    for (const target of [it.page.getByRole('slider', { name: 'gamma' }), it.page.getByRole('slider', { name: 'opacity' }), it.page.getByLabel('blending'),
        it.page.getByLabel('interpolation').first(), it.page.locator('.row-choice .select-button'), it.page.getByRole('button', { name: 'Auto', exact: true }),
        it.page.getByRole('button', { name: 'actin visible' }), it.page.getByRole('button', { name: 'Open', exact: true })]) {
        assert.ok(await target.isDisabled(), String(target));
        const title = await target.evaluate((e) => e.closest('[title]:not([title=""])')?.title);
        assert.equal(title, LOOK, String(target));
    }
    const thumb = it.page.getByRole('slider', { name: 'Contrast limits, low' });
    assert.equal(await thumb.getAttribute('aria-disabled'), 'true');
    await thumb.press('ArrowRight');
    const box = await it.page.locator('.row-contrast .range').boundingBox();
    await it.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await it.page.locator('.layer-row').first().click({ button: 'right' });
    for (const name of [/Rename/, /Show only/, /Auto contrast/, /Move down/, /Remove/])
        assert.ok(await it.page.getByRole('menuitem', { name }).isDisabled(), String(name));
    assert.equal(await it.page.getByRole('menuitem', { name: /Remove/ }).getAttribute('title'), LOOK);
    await it.page.keyboard.press('Escape');
    await it.page.locator('.layer-list').focus();
    for (const key of ['v', 'c', 'Delete', 'F2', 'Control+o'])
        await it.page.keyboard.press(key);
    await it.page.locator('.layer-row').first().dblclick();
    await toast(LOOK).waitFor();
    assert.equal(await toast(LOOK).count(), 1);
    assert.equal(await it.page.getByRole('textbox', { name: 'Layer name' }).count(), 0);
    await it.page.locator('.data-menu').click();
    for (const name of [/Open data/, /Add as a layer/, /Save the scene/, /Open a saved/, /Close everything/])
        assert.ok(await it.page.getByRole('menuitem', { name }).isDisabled(), String(name));
    await it.page.keyboard.press('Escape');
    await rest(it.stub);
    assert.deepEqual(edits(), []);
    const refused = ['napari.layer.remove', 'napari.layer.auto_contrast', 'napari.load_zarr'];
    assert.deepEqual(it.stub.log.filter((f) => f.type === 'call.command' && refused.includes(f.payload.command)), []);
});

test('a viewer who moves is offered a view of its own; the shared one is not touched', async () => {
    await show(it.page, it.stub, '?token=look%2B1');
    const camera = structuredClone(it.stub.view.camera);
    const { cx, cy } = await canvasBox(it.page);
    await it.page.mouse.move(cx, cy);
    await it.page.mouse.down();
    await it.page.mouse.move(cx + 60, cy + 20, { steps: 8 });
    await it.page.mouse.up();
    await it.page.mouse.wheel(0, -200);
    const slider = it.page.getByRole('slider', { name: 'z', exact: true });
    await slider.press('ArrowRight');
    assert.equal(await slider.inputValue(), '20');
    await it.page.locator('#canvas').focus();
    for (const key of ['ArrowRight', 'PageUp', 'Home', 'Control+y', 'Control+e', '.'])
        await it.page.keyboard.press(key);
    await it.page.setViewportSize({ width: 900, height: 600 });
    await rest(it.stub);
    assert.deepEqual(edits(), []);
    assert.ok(it.stub.updates('view.canvas').length > 1);
    const note = toast('You can look at the shared view, not move it.');
    assert.equal(await note.count(), 1);
    await note.getByRole('button', { name: 'Look around on your own' }).click();
    await until(() => it.stub.forks.size === 1, 'a fork');
    await rest(it.stub);
    await it.page.locator('#canvas').focus();
    await it.page.keyboard.press('PageUp');
    await it.page.keyboard.press('ArrowRight');
    await until(() => [...it.stub.forks.values()][0].step[1] === 21 && lastPose(it.stub), 'moves');
    await rest(it.stub);
    assert.deepEqual(it.stub.view.camera, camera);
    assert.equal(it.stub.view.step[1], 20);
    assert.ok(await it.page.getByRole('slider', { name: 'gamma' }).isDisabled());
});

test('a viewer with a view in the address is asked before it gets it as its own', async () => {
    await show(it.page, it.stub, '?token=edit');
    await it.page.keyboard.press('ArrowRight');
    await rest(it.stub, 500);
    const hash = await it.page.evaluate(() => location.hash);
    it.stub.view.step = [0, 20, 150, 200];
    await it.page.close();
    it.page = await it.context.newPage();
    await show(it.page, it.stub, `?token=look%2B1${hash}`);
    await toast('another view than the shared one').getByRole('button', { name: 'Look around on your own' }).click();
    await until(() => [...it.stub.forks.values()][0]?.step[0] === 1, 'the slice of the address');
    assert.equal(it.stub.view.step[0], 0);
});

test('without forks there is no toggle; a viewer reads why it cannot move', async () => {
    it.stub.commands = it.stub.commands.filter((name) => !name.startsWith('napari.view.'));
    await show(it.page, it.stub, '?token=look%2B1');
    assert.ok(!(await it.page.getByRole('button', { name: 'My own view' }).isVisible()));
    await it.page.locator('#canvas').focus();
    await it.page.keyboard.press('PageUp');
    await toast(LOOK).waitFor();
    assert.equal(await it.page.getByRole('button', { name: 'Look around on your own' }).count(), 0);
});
