// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createViewport } from '../../../web/js/view/viewport.js';

const HOME = { 2: 2, 3: 1.5 };
const view = (ndisplay, zoom, rev, session = 'me') => ({
    ndisplay, camera: { center: [10, 20, 0], zoom, quat: [1, 0, 0, 0], fov: 0 }, origin: { session, rev },
});

/** A page of 800 × 600 whose server was last in 2-D. */
function page() {
    const sent = [];
    const viewport = createViewport({ send: (pose) => sent.push(pose), sendSize: () => {}, changed: () => {} });
    viewport.begin('me');
    viewport.setSize({ w: 800, h: 600 });
    viewport.adopt(view(2, HOME[2], 0));
    viewport.settleLayout();
    return { viewport, sent };
}

test('a resize in 3D counts for the 2D pose too, once it comes back', () => {
    const { viewport, sent } = page();
    viewport.adopt(view(3, HOME[3], 0));
    viewport.setSize({ w: 800, h: 300 });
    assert.equal(viewport.pose().zoom, HOME[3] / 2);
    viewport.adopt(view(2, HOME[2], viewport.rev()));
    assert.deepEqual([viewport.pose().zoom, sent.at(-1).ndisplay, sent.at(-1).zoom], [HOME[2] / 2, 2, HOME[2] / 2]);
    viewport.setSize({ w: 800, h: 600 });
    assert.equal(viewport.pose().zoom, HOME[2]);
});

test('a 2D pose that is another now, or that somebody else brought, is taken as it is', () => {
    for (const [zoom, session] of [[3, 'me'], [HOME[2], 'other']]) {
        const { viewport, sent } = page();
        viewport.adopt(view(3, HOME[3], 0));
        viewport.setSize({ w: 800, h: 300 });
        const before = sent.length;
        viewport.adopt(view(2, zoom, viewport.rev(), session));
        assert.deepEqual([viewport.pose().zoom, sent.length], [zoom, before]);
    }
});

test('a placed pose of another mode stands until the server has answered it', () => {
    const { viewport } = page();
    viewport.place({ ...viewport.pose(), ndisplay: 3, zoom: 7 });
    viewport.adopt(view(2, HOME[2], 0));
    viewport.adopt(view(3, HOME[3], 0));
    assert.deepEqual([viewport.pose().ndisplay, viewport.pose().zoom], [3, 7]);
    viewport.adopt(view(3, 7, viewport.rev()));
    viewport.adopt(view(2, HOME[2], viewport.rev()));
    assert.equal(viewport.pose().ndisplay, 2);
});
