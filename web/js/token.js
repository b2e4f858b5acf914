// SPDX-License-Identifier: BSD-3-Clause
// The token that gives this page its role: taken out of the address once, kept for this tab and this path.

/** @param {string} search of an address @returns {{token: string, rest: string}} the token, and the address without it */
export function splitToken(search) {
    const query = new URLSearchParams(search);
    const token = query.get('token') ?? '';
    query.delete('token');
    const rest = query.toString();
    return { token, rest: rest && `?${rest}` };
}

export function createToken() {
    const key = `oriel.token ${location.pathname}`;
    let token = '';

    function remember() {
        try {
            if (token)
                sessionStorage.setItem(key, token);
            else
                sessionStorage.removeItem(key);
        } catch {
            // A browser that keeps nothing: the token counts until the page is left.
        }
    }

    const { token: given, rest } = splitToken(location.search);
    try {
        token = sessionStorage.getItem(key) ?? '';
    } catch {
        // As above.
    }
    if (given) {
        token = given;
        remember();
    }
    if (new URLSearchParams(location.search).has('token'))
        history.replaceState(history.state, '', location.pathname + rest + location.hash);

    return {
        get: () => token,
        /** @param {string} next empty: forget it */
        set(next) {
            token = next;
            remember();
        },
    };
}

/** @typedef {ReturnType<typeof createToken>} Token */
