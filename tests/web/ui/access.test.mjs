// SPDX-License-Identifier: BSD-3-Clause
// 17 keyboard only, contrast, motion, zoom and narrow pages.
import { test } from 'node:test';
import { assert, rest, show, stage, until } from './harness.mjs';

const it = stage();

test('landmarks and names', async () => {
    const tree = await it.page.locator('body').ariaSnapshot();
    for (const line of ['main "Image"', 'application "Image view, 2D, t 0 of 4, z 20 of 39"', 'listbox "Layers"', 'slider "z"',
        'slider "Contrast limits, low"', 'slider "Contrast limits, high"', 'toolbar "View"'])
        assert.ok(tree.includes(line), `${line} is missing in\n${tree}`);
    const nameless = await it.page.evaluate(() => [...document.querySelectorAll('button, input, select, [role=slider]')]
        .filter((e) => e.checkVisibility() && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby') && !e.textContent.trim() && !e.labels?.length)
        .map((e) => e.outerHTML.slice(0, 120)));
    assert.deepEqual(nameless, []);
});

test('open, step z, change the contrast, hide a layer: by keyboard alone', async () => {
    await it.page.keyboard.press('Tab');
    assert.equal(await it.page.evaluate(() => document.activeElement.textContent), 'To the image');
    await it.page.keyboard.press('Control+o');
    await it.page.keyboard.type('/data/embryo.ome.zarr');
    await it.page.keyboard.press('Enter');
    await until(() => it.stub.calls('napari.load_zarr').length === 1, 'open');
    await rest(it.stub);
    const tabTo = async (what) => {
        for (let i = 0; i < 60; i++) {
            if (await it.page.evaluate((s) => document.activeElement.matches(s), what))
                return;
            await it.page.keyboard.press('Tab');
        }
        assert.fail(`Tab never came to ${what}`);
    };
    await tabTo('[aria-label="Contrast limits, low"]');
    await it.page.keyboard.press('PageUp');
    await until(() => it.stub.layers[2].controls.contrast_limits[0] > 100, 'contrast');
    await tabTo('.layer-list');
    await it.page.keyboard.press('ArrowDown');
    await it.page.keyboard.press('v');
    await until(() => it.stub.layers[1].controls.visible === false, 'hidden');
    await tabTo('#canvas');
    await tabTo('input[aria-label="z"]');
    await it.page.keyboard.press('ArrowRight');
    await until(() => it.stub.view.step[1] === 21, 'z');
});

/** Every pair of text and ground that is on the page, with its contrast. */
const CONTRASTS = () => {
    const parse = (text) => text.match(/[\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ratio = (a, b) => {
        const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05);
    };
    const ground = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const c = parse(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] === 1)
                return c;
        }
        return [0, 0, 0];
    };
    const bad = [];
    for (const e of document.querySelectorAll('body *')) {
        const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!own || !e.checkVisibility({ opacityProperty: true }) || e.closest('.overlays, .offscreen, .skip, .hidden-layer, :disabled, option'))
            continue;
        const style = getComputedStyle(e);
        const value = ratio(parse(style.color), ground(e));
        if (value < 4.5)
            bad.push(`${e.className} “${e.textContent.slice(0, 20)}” ${value.toFixed(2)}`);
    }
    const root = getComputedStyle(document.documentElement);
    const probe = document.createElement('i');
    document.body.append(probe);
    const token = (name) => {
        probe.style.color = root.getPropertyValue(name);
        return parse(getComputedStyle(probe).color);
    };
    for (const edge of ['--focus', '--edge']) {
        for (const on of ['--bg', '--fg']) {
            if (ratio(token(edge), token(on)) < 3)
                bad.push(`${edge} on ${on} ${ratio(token(edge), token(on)).toFixed(2)}`);
        }
    }
    for (const text of ['--text', '--icon', '--muted', '--error-text', '--warning-text', '--focus']) {
        for (const on of ['--bg', '--fg']) {
            if (ratio(token(text), token(on)) < 4.5)
                bad.push(`${text} on ${on} ${ratio(token(text), token(on)).toFixed(2)}`);
        }
    }
    probe.remove();
    return bad;
};

for (const theme of ['dark', 'light']) {
    test(`contrast of every text is at least 4.5, of edges and focus 3 (${theme})`, async () => {
        if (theme === 'light')
            await it.page.keyboard.press('Alt+Shift+t');
        await it.page.keyboard.press('\\');
        await it.page.locator('.row-contrast .chevron').click();
        assert.deepEqual(await it.page.evaluate(CONTRASTS), []);
        await it.page.keyboard.press('Escape');
        await it.page.keyboard.press('?');
        assert.deepEqual(await it.page.evaluate(CONTRASTS), []);
        await it.page.keyboard.press('Escape');
        await it.page.keyboard.press('Control+k');
        assert.deepEqual(await it.page.evaluate(CONTRASTS), []);
    });
}

for (const theme of ['dark', 'light']) {
    test(`the same where a viewer looks, a token is asked for, and in the dialogs of the scene (${theme})`, async () => {
        const { page } = it;
        const check = async (what) => assert.deepEqual(await page.evaluate(CONTRASTS), [], what);
        if (theme === 'light')
            await page.keyboard.press('Alt+Shift+t');
        it.stub.scenes.set('old', { mtime: 1000, layers: [] });
        for (const item of [/Open data/, /Save the scene/, /Open a saved/]) {
            await page.locator('.data-menu').click();
            await check('menu');
            await page.getByRole('menuitem', { name: item }).click();
            await rest(it.stub);
            await check(String(item));
            await page.keyboard.press('Escape');
        }
        await page.getByRole('button', { name: 'Who is here' }).click();
        await rest(it.stub);
        await check('people');
        await page.keyboard.press('Escape');
        it.stub.tokens = { look: 'viewer' };
        it.stub.drop();
        await page.getByLabel('Token', { exact: true }).fill('no');
        await page.keyboard.press('Enter');
        await page.getByText('The token was not accepted.').waitFor();
        await check('token');
        await page.getByLabel('Token', { exact: true }).fill('look');
        await page.keyboard.press('Enter');
        await page.locator('.badge').waitFor();
        await rest(it.stub);
        await page.locator('#canvas').focus();
        await page.keyboard.press('PageUp');
        await page.locator('.toast').waitFor();
        await check('viewer');
    });
}

test('nothing moves for those who asked for less motion', async () => {
    await it.page.emulateMedia({ reducedMotion: 'reduce' });
    it.stub.layers[0].oriel.status = 'loading';
    it.stub.notifyScene();
    it.stub.broadcast('notify.error', { severity: 'error', domain: 'data', code: 'x', message: 'something is wrong' });
    await it.page.getByText('something is wrong').first().waitFor();
    assert.equal(await it.page.evaluate(() => document.getAnimations().length), 0);
});

for (const [what, viewport] of [['800 × 600', { width: 800, height: 600 }], ['600 px', { width: 600, height: 600 }], ['200 % zoom', { width: 640, height: 400 }], ['320 px', { width: 320, height: 640 }], ['a phone on its side', { width: 740, height: 360 }]]) {
    test(`nothing is lost at ${what}`, async () => {
        await it.page.setViewportSize(viewport);
        await rest(it.stub);
        const nameless = await it.page.evaluate(() => [...document.querySelectorAll('button')].filter((e) => e.checkVisibility())
            .filter((e) => !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby') && !e.innerText.trim() && !e.title)
            .map((e) => e.outerHTML.slice(0, 120)));
        assert.deepEqual(nameless, []);
        const overflow = await it.page.evaluate(() => [document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]);
        assert.deepEqual(overflow, [0, 0]);
        const outside = () => it.page.evaluate(() => [...document.querySelectorAll('button, input, select, [role=slider], canvas')]
            .filter((e) => e.checkVisibility()).map((e) => [e, e.getBoundingClientRect()])
            .filter(([e, b]) => !e.closest('.layer-list, .controls, .dims') && (b.left < -1 || b.right > innerWidth + 1 || b.top < -1 || b.bottom > innerHeight + 1))
            .map(([e]) => e.getAttribute('aria-label') || e.textContent || e.id));
        assert.deepEqual(await outside(), []);
        const { height } = await it.page.locator('#canvas').boundingBox();
        assert.ok(height > viewport.height * 0.4, `canvas ${height}`);
        await it.page.locator('.dock-toggle').click();
        await it.page.locator('.layer-list').waitFor();
        assert.deepEqual(await outside(), []);
        await it.page.getByRole('tab', { name: 'Controls' }).click();
        await it.page.getByRole('slider', { name: 'gamma' }).waitFor();
        await it.page.locator('.row-contrast .chevron').click();
        assert.deepEqual(await outside(), []);
    });
}

test('a viewer sees the badge at every width, and nothing is lost', async () => {
    it.stub.tokens = { look: 'viewer' };
    await it.page.goto(`${it.stub.url}?token=look`);
    for (const width of [1280, 900, 800, 600, 481, 400, 320]) {
        await it.page.setViewportSize({ width, height: 640 });
        await it.page.locator('.badge').waitFor();
        await rest(it.stub);
        const outside = await it.page.evaluate(() => [...document.querySelectorAll('.topbar *')].filter((e) => e.checkVisibility())
            .map((e) => [e, e.getBoundingClientRect()]).filter(([, b]) => b.left < -1 || b.right > innerWidth + 1).map(([e]) => e.className || e.tagName));
        assert.deepEqual(outside, [], `at ${width}`);
    }
});

test('forced colours keep the picture and the edges', async () => {
    await it.page.emulateMedia({ forcedColors: 'active' });
    assert.equal(await it.page.locator('#canvas').evaluate((c) => getComputedStyle(c).forcedColorAdjust), 'none');
    assert.equal(await it.page.locator('.section').first().evaluate((c) => getComputedStyle(c).borderTopStyle), 'solid');
});

test('fingers get large targets', async () => {
    const context = await it.browser.newContext({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });
    const page = await context.newPage();
    await show(page, it.stub);
    const small = await page.evaluate(() => [...document.querySelectorAll('.topbar button, .dims button, .dims input[type=range]')]
        .filter((e) => e.checkVisibility()).map((e) => [e.getAttribute('aria-label') || e.textContent, e.getBoundingClientRect().height])
        .filter(([, h]) => h < 44));
    assert.deepEqual(small, []);
    const cut = await page.evaluate(() => [...document.querySelectorAll('.topbar button, .dims button, .dims input')].filter((e) => e.checkVisibility())
        .filter((e) => e.getBoundingClientRect().right > innerWidth || e.getBoundingClientRect().left < 0).map((e) => e.outerHTML.slice(0, 80)));
    assert.deepEqual(cut, []);
    await context.close();
});
