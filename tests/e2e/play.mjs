// SPDX-License-Identifier: BSD-3-Clause
// A recording in a real browser: the page shows the picture and the state that it showed when the recording was made,
// at its end and anywhere in it, and says that nothing can be changed.
//
//   play.mjs BUILD
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Viewer, browser, example, pause, serve, start } from './harness.mjs';

const BUILD = process.argv[2];
if (!existsSync(join(process.env.ORIEL_MODULE_PATH, 'transport-record.so'))) {
  console.log('skipped: transport/record is not built (no libavformat)');
  process.exit(77);
}

/** What the page says about the scene: the slice, the layer's controls. */
const told = (viewer) => viewer.page.evaluate(() => [...document.querySelectorAll('input, [role=slider]')]
  .map((input) => [input.getAttribute('aria-label'), input.getAttribute('aria-valuenow') ?? input.value])
  .filter(([label]) => label));
const shot = async (viewer) => `data:image/png;base64,${(await viewer.call('napari.screenshot')).png}`;

const folder = mkdtempSync(join(tmpdir(), 'oriel-play-'));
const chrome = await browser(BUILD);
const seen = [];
try {
  const server = await serve(example, '--set', 'modules.transport=transport/websocket,transport/record',
    '--set', `transport/record.folder=${folder}`);
  let viewer = await Viewer.open(chrome, server.url);
  try {
    await viewer.rest();
    for (const index of [60, 110]) {
      const box = viewer.page.getByRole('textbox', { name: 'z index' });
      await box.fill(String(index));
      await box.press('Enter');
      await pause(500);
      await viewer.rest();
      seen.push({ picture: await shot(viewer), told: await told(viewer) });
      if (index === 60)
        await pause(5000); // longer than anything before
    }
    await pause(1200);
  } finally {
    await viewer.page.close();
    await server.stop();
  }
  assert.ok(seen[0].picture !== seen[1].picture);

  // The page's size ends a recording of another size: the last has what was looked at.
  const [video] = readdirSync(folder).filter((name) => name.endsWith('.mp4')).map((name) => join(folder, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const play = await start('play', video, '--paused', '--at', '100000');
  viewer = await Viewer.open(chrome, play.url);
  try {
    await viewer.rest();
    const end = await viewer.psnr(seen[1].picture);
    assert.ok(end > 30, `the end: ${end.toFixed(1)} dB`);
    assert.deepEqual(await told(viewer), seen[1].told);
    const { of, seconds } = await viewer.call('recording.status');
    assert.equal(seconds, of);
    // Back into the longest time without a picture: what was looked at first, at rest.
    const times = readFileSync(video.replace(/mp4$/, 'ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line))
      .filter((line) => line.picture).map((line) => line.t);
    const gaps = times.slice(1).map((time, k) => [time - times[k], (time + times[k]) / 2 - times[0]]);
    const back = await viewer.call('recording.seek', { seconds: gaps.sort((a, b) => b[0] - a[0])[0][1] });
    assert.equal(back.playing, false);
    await viewer.rest();
    const middle = await viewer.psnr(seen[0].picture);
    assert.ok(middle > 30, `in the middle: ${middle.toFixed(1)} dB`);
    assert.deepEqual(await told(viewer), seen[0].told);
    await viewer.call('recording.seek', { seconds: 0 });
    await viewer.call('recording.play');
    await pause(of * 1000 + 500);
    await viewer.rest();
    const again = await viewer.psnr(seen[1].picture);
    assert.ok(again > 30, `played to the end: ${again.toFixed(1)} dB`);
    assert.equal((await viewer.call('recording.status')).playing, false);
    await assert.rejects(viewer.call('napari.close'), /recording/);
    assert.deepEqual(viewer.errors, []);
    console.log(`the end ${end.toFixed(1)} dB, in the middle ${middle.toFixed(1)} dB, played ${again.toFixed(1)} dB of ${of.toFixed(1)} s`);
  } finally {
    await viewer.page.close();
    await play.stop();
  }
} finally {
  await chrome.close();
  rmSync(folder, { recursive: true });
}
