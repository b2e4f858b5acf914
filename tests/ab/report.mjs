// SPDX-License-Identifier: BSD-3-Clause
// node report.mjs BUILD report.html FOLDER: the report in a headless Chromium, as on a desk, on a
// phone and in the dark. Screenshots go into FOLDER.
import assert from 'node:assert';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { browser } from '../e2e/harness.mjs';

const [build, report, folder] = process.argv.slice(2);
const url = pathToFileURL(report).href;
const chrome = await browser(build);
try {
  for (const [name, width, height, colorScheme] of [
    ['desk', 1280, 900, 'light'], ['phone', 390, 844, 'light'], ['dark', 1280, 900, 'dark'],
  ]) {
    const context = await chrome.newContext({ viewport: { width, height }, colorScheme, offline: true });
    const page = await context.newPage();
    const errors = [];
    const asked = [];
    page.on('console', (message) => errors.push(message.text()));
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(url);
    const seen = await page.evaluate(() => ({
      title: document.title,
      pictures: [...document.images].map((image) => image.complete && image.naturalWidth),
      plots: document.querySelectorAll('figure > svg').length,
      curves: [...document.querySelectorAll('path.line')].filter((path) => path.getTotalLength() > 20).length,
      wide: document.documentElement.scrollWidth - window.innerWidth,
      outside: [...document.querySelectorAll('[src],[href]')]
        .map((element) => element.getAttribute('src') || element.getAttribute('href'))
        .filter((address) => !address.startsWith('data:')),
      ink: getComputedStyle(document.body).color,
      paper: getComputedStyle(document.body).backgroundColor,
    }));
    assert.deepEqual(errors, [], `${name}: console`);
    assert.deepEqual(asked.filter((a) => a !== url && !a.startsWith('data:')), [], `${name}: requests`);
    assert.deepEqual(seen.outside, [], `${name}: addresses`);
    assert.ok(seen.title, 'a title');
    assert.ok(seen.pictures.length >= 6 && seen.pictures.every((w) => w > 0), `${name}: pictures`);
    assert.ok(seen.plots >= 8 && seen.curves >= 16, `${name}: ${seen.plots} plots, ${seen.curves} curves`);
    assert.ok(seen.wide <= 0, `${name}: ${seen.wide} pixels wider than the window`);
    const light = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, c) => sum + Number(c), 0);
    assert.ok(Math.abs(light(seen.ink) - light(seen.paper)) > 400, `${name}: contrast`);
    assert.equal(light(seen.paper) < 384, colorScheme === 'dark', `${name}: paper ${seen.paper}`);
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    await context.close();
  }
} finally {
  await chrome.close();
}
