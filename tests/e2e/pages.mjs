// SPDX-License-Identifier: BSD-3-Clause
// Several pages on a real server: roles, a view of one's own, scenes, layers added, pictures from the server,
// thumbnails, and a server that goes and comes back.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { Viewer, browser, example, pause, serve } from './harness.mjs';

const folder = mkdtempSync(join(tmpdir(), 'oriel-pages-'));
const options = ['--set', 'access.tokens=["editor:open-sesame","viewer:shop-window"]', '--set', `data.root=${dirname(example)}`,
  '--set', `state.dir=${join(folder, 'state')}`];
const size = { width: 1000, height: 700 };

async function until(check, what, seconds = 20) {
  for (let i = 0; i < seconds * 10; i++) {
    if (await check()) return;
    await pause(100);
  }
  assert.fail(`waited ${seconds} s for ${what}`);
}

const index = (viewer, axis) => viewer.page.getByRole('textbox', { name: `${axis} index` }).inputValue();
const press = async (viewer, key) => {
  await viewer.page.locator('canvas[role=application]').focus();
  await viewer.page.keyboard.press(key);
};
const click = (viewer, name) => viewer.page.getByRole('button', { name, exact: true }).click();
const rows = (viewer) => viewer.page.locator('.layer-row').count();
const canvas = (viewer) => viewer.page.evaluate(() => document.querySelector('canvas[role=application]').toDataURL('image/png'));
async function scene(viewer, item) {
  await viewer.page.locator('.data-menu').click();
  await viewer.page.getByRole('menuitem', { name: item }).click();
}

let server = await serve(example, ...options);
const { port } = new URL(server.url);
const base = `http://127.0.0.1:${port}/`;
const chrome = await browser(process.argv[2]);
const editor = await Viewer.open(chrome, `${base}?token=open-sesame`, size);
const viewer = await Viewer.open(chrome, `${base}?token=shop-window`, size);
try {
  const stranger = await Viewer.open(chrome, base, size);
  await stranger.page.getByRole('heading', { name: 'A token opens this page' }).waitFor();
  await stranger.page.close();

  await editor.rest();
  await viewer.rest();
  const axis = await editor.page.locator('.dims-name').first().innerText();
  const start = Number(await index(editor, axis));
  await press(editor, 'ArrowRight');
  await until(async () => Number(await index(viewer, axis)) === start + 1, 'the viewer to follow');
  console.log('  a viewer follows the shared view');

  await press(viewer, 'ArrowRight');
  await viewer.page.getByRole('button', { name: 'Look around on your own' }).click();
  await until(() => viewer.page.getByRole('button', { name: 'My own view' }).getAttribute('aria-pressed').then((v) => v === 'true'), 'a view of its own');
  await viewer.rest();
  for (let i = 0; i < 5; i++) await press(viewer, 'ArrowLeft');
  await press(viewer, 'PageUp');
  await until(async () => Number(await index(viewer, axis)) === start - 4, 'its own slice');
  await viewer.rest();
  assert.equal(Number(await index(editor, axis)), start + 1);
  assert.ok(await editor.psnr(await canvas(viewer)) < 35, 'both pages show the same');
  console.log('  and looks at another slice in its own');

  await click(viewer, 'Screenshot choices');
  const [download] = await Promise.all([viewer.page.waitForEvent('download'), viewer.page.getByRole('menuitem', { name: /full quality, 1×/ }).click()]);
  const drawn = `data:image/png;base64,${readFileSync(await download.path()).toString('base64')}`;
  const level = await viewer.psnr(drawn);
  console.log(`  the server's picture of it: ${level.toFixed(1)} dB`);
  assert.ok(level >= 35);

  await editor.page.getByRole('slider', { name: 'gamma' }).press('ArrowRight');
  await until(async () => await viewer.page.getByRole('slider', { name: 'gamma' }).inputValue() === '1.02', 'the gamma at the viewer');
  assert.ok(await viewer.page.getByRole('slider', { name: 'gamma' }).isDisabled());
  await click(viewer, 'Shared view');
  await until(async () => Number(await index(viewer, axis)) === start + 1, 'the shared slice');
  await viewer.rest();
  await editor.rest();
  const same = await editor.psnr(await canvas(viewer));
  console.log(`  back in the shared view: ${same.toFixed(1)} dB between the pages`);
  assert.ok(same >= 35);
  for (const one of [editor, viewer])
    await until(() => one.page.locator('.layer-thumb img').first().isVisible(), 'a thumbnail');

  await click(editor, 'Who is here');
  await until(() => editor.page.locator('.person').count().then((n) => n === 2), 'two people');
  await editor.page.keyboard.press('Escape');
  await press(editor, '\\');
  await editor.page.getByText('Streams', { exact: true }).click();
  await editor.page.locator('.inside-line', { hasText: 'shared view' }).waitFor();
  await editor.page.getByText('Modules', { exact: true }).click();
  await editor.page.locator('.inside-line', { hasText: 'scene/napari' }).waitFor();
  await press(editor, '\\');

  const layers = await rows(editor);
  await scene(editor, /Save the scene/);
  await editor.page.getByRole('textbox', { name: 'Name of the scene' }).fill('two slices on');
  await editor.page.keyboard.press('Enter');
  await editor.page.getByText('Saved as two slices on').first().waitFor();
  await editor.page.keyboard.press('Control+o');
  await editor.page.getByRole('textbox', { name: 'Path on the server' }).fill(example);
  await click(editor, 'Add as layer');
  await until(async () => await rows(viewer) > layers, 'the layer at the viewer');
  await scene(editor, 'Close everything');
  await viewer.page.getByRole('heading', { name: 'Nothing to show yet' }).waitFor();
  await scene(editor, /Open a saved scene/);
  await editor.page.getByRole('button', { name: /two slices on/ }).click();
  await until(async () => await rows(viewer) === layers, 'the saved layers');
  await until(async () => Number(await index(viewer, axis)) === start + 1, 'the saved slice');
  assert.equal(await editor.page.getByRole('slider', { name: 'gamma' }).inputValue(), '1.02');
  console.log('  layers added, everything closed, the saved scene opened');

  await editor.rest();
  await click(viewer, 'My own view');
  await viewer.rest();
  await press(viewer, 'ArrowLeft');
  await press(viewer, 'PageDown');
  await until(async () => Number(await index(viewer, axis)) === start, 'its own slice');
  await viewer.rest();
  const before = { editor: await canvas(editor), viewer: await canvas(viewer) };
  await server.stop();
  await editor.page.locator('.banner', { hasText: 'Reconnecting' }).waitFor();
  server = await serve(...options, '--port', port, '--pixel-port', '-1', '--metrics-port', '-1');
  for (const one of [editor, viewer]) await one.page.locator('.banner').waitFor({ state: 'hidden', timeout: 20000 });
  await until(async () => Number(await index(viewer, axis)) === start, 'its own slice after the restart');
  for (const [name, one] of Object.entries({ editor, viewer })) {
    await one.rest();
    const level = await one.psnr(before[name]);
    console.log(`  after a restart, ${name}: ${level.toFixed(1)} dB`);
    assert.ok(level >= 35, name);
  }
  assert.equal(Number(await index(editor, axis)), start + 1);
  const serious = [...editor.errors, ...viewer.errors].filter((text) => !/WebSocket|ERR_CONNECTION/.test(text));
  assert.deepEqual(serious, []);
} catch (error) {
  console.log(server.log());
  if (process.env.ORIEL_SHOTS_DIR) {
    await editor.page.screenshot({ path: join(process.env.ORIEL_SHOTS_DIR, 'pages-editor.png') });
    await viewer.page.screenshot({ path: join(process.env.ORIEL_SHOTS_DIR, 'pages-viewer.png') });
  }
  throw error;
} finally {
  await chrome.close();
  await server.stop();
  rmSync(folder, { recursive: true });
}
console.log('several pages: fine');
