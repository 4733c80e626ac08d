// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Auth, challengeOf, randomText } from '../../../frontend/js/shared/auth.js';

const SETTINGS = { domain: 'https://login.example.com', clientId: 'client', redirectUri: null, scopes: ['openid', 'email'] };
const PAGE = 'https://pages.example.com/gallery.html?label=Dog#uploads/a.png';

class Memory {
  /** @type {Map<string, string>} */
  items = new Map();
  getItem = (/** @type {string} */ name) => this.items.get(name) ?? null;
  setItem = (/** @type {string} */ name, /** @type {string} */ value) => void this.items.set(name, value);
  removeItem = (/** @type {string} */ name) => void this.items.delete(name);
}

/** @param {Record<string, unknown>} claims */
const token = (claims) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;

/**
 * A browser tab with a sign-in service.
 * @param {Partial<import('../../../frontend/js/shared/config.js').AuthSettings>} [settings]
 */
function tab(settings = {}) {
  const storage = /** @type {any} */ (new Memory());
  /** @type {string[]} */
  const visited = [];
  /** @type {{url: string, form: Record<string, string>}[]} */
  const requests = [];
  const world = {
    now: 1_000_000,
    /** @type {() => Response} */
    respond: () => Response.json({ access_token: 'access-1', id_token: token({ email: 'åsa@example.com' }), refresh_token: 'refresh-1', expires_in: 3600 }),
  };
  const auth = new Auth({ ...SETTINGS, ...settings }, {
    storage,
    goTo: (url) => void visited.push(url),
    now: () => world.now,
    fetch: async (url, init) => {
      requests.push({ url: String(url), form: Object.fromEntries(new URLSearchParams(String(init?.body))) });
      return world.respond();
    },
  });
  return { auth, storage, visited, requests, world };
}

/** @param {ReturnType<typeof tab>} in_ */
async function signedIn(in_ = tab()) {
  await in_.auth.signIn(PAGE);
  const state = new URL(in_.visited[0] ?? '').searchParams.get('state');
  const returned = await in_.auth.finish(`https://pages.example.com/gallery.html?code=abc&state=${state}`);
  return { ...in_, state, returned };
}

test('the challenge of RFC 7636, appendix B', async () => {
  assert.equal(await challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});

test('a verifier is long, URL-safe and random', () => {
  const made = new Set(Array.from({ length: 200 }, randomText));
  assert.equal(made.size, 200);
  for (const text of made) assert.match(text, /^[A-Za-z0-9_-]{43}$/);
});

test('the address of the sign-in page has the challenge and the state, but not the verifier', async () => {
  const { auth, visited, storage } = tab();
  await auth.signIn(PAGE);
  const url = new URL(visited[0] ?? '');
  assert.equal(url.origin + url.pathname, 'https://login.example.com/oauth2/authorize');
  const { state, code_challenge, ...rest } = Object.fromEntries(url.searchParams);
  assert.deepEqual(rest, {
    response_type: 'code',
    client_id: 'client',
    redirect_uri: 'https://pages.example.com/gallery.html',
    scope: 'openid email',
    code_challenge_method: 'S256',
  });
  const { verifier } = JSON.parse(storage.getItem('sightline.client.pending') ?? '');
  assert.equal(code_challenge, await challengeOf(verifier));
  assert.ok(state && !url.href.includes(verifier));
  assert.equal(auth.signedIn, false);
});

test('the code is exchanged with the verifier, and the person returns to the page', async () => {
  const { auth, requests, returned, storage } = await signedIn();
  assert.equal(returned, PAGE);
  assert.equal(requests[0]?.url, 'https://login.example.com/oauth2/token');
  const { code_verifier, ...form } = requests[0]?.form ?? {};
  assert.deepEqual(form, { grant_type: 'authorization_code', code: 'abc', redirect_uri: 'https://pages.example.com/gallery.html', client_id: 'client' });
  assert.match(code_verifier ?? '', /^.{43}$/);
  assert.equal(await auth.token(), 'access-1');
  assert.equal(auth.currentToken(), 'access-1');
  assert.equal(auth.userName, 'åsa@example.com');
  assert.equal(storage.getItem('sightline.client.pending'), null);
});

test('an ordinary address completes no sign-in', async () => {
  const { auth } = tab();
  assert.equal(await auth.finish('https://pages.example.com/gallery.html?label=Dog'), null);
});

test('another tab’s state is rejected, and the code is not used', async () => {
  const world = tab();
  await world.auth.signIn(PAGE);
  await assert.rejects(world.auth.finish('https://pages.example.com/gallery.html?code=abc&state=forged'), /did not start in this tab/);
  assert.equal(world.requests.length, 0);
  assert.equal(world.auth.signedIn, false);
  // A state works once.
  const again = await signedIn();
  await assert.rejects(again.auth.finish(`https://pages.example.com/gallery.html?code=abc&state=${again.state}`), /already used/);
});

test('a rejected sign-in says why', async () => {
  const world = tab();
  await world.auth.signIn(PAGE);
  const state = new URL(world.visited[0] ?? '').searchParams.get('state');
  await assert.rejects(world.auth.finish(`https://pages.example.com/gallery.html?error=access_denied&error_description=No+entry&state=${state}`), /No entry.*Sign in again/);
  const used = tab();
  used.world.respond = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
  await assert.rejects(signedIn(used), /code expired or was already used/);
});

test('concurrent requests renew an expired token once', async () => {
  const { auth, world, requests } = await signedIn();
  world.now += 3600_000 - 30_000;
  world.respond = () => Response.json({ access_token: 'access-2', expires_in: 3600 });
  assert.deepEqual(await Promise.all([auth.token(), auth.token(), auth.token()]), ['access-2', 'access-2', 'access-2']);
  assert.deepEqual(requests.slice(1).map(({ form }) => form), [{ grant_type: 'refresh_token', refresh_token: 'refresh-1', client_id: 'client' }]);
  // Without a new refresh token, the old one is kept.
  world.now += 3600_000;
  await auth.token();
  assert.equal(requests.at(-1)?.form.refresh_token, 'refresh-1');
});

test('a refresh token that is replaced at each renewal is used once, also after a lost answer', async () => {
  const { auth, world, requests } = await signedIn();
  const used = () => requests.slice(1).map(({ form }) => form.refresh_token);
  for (const number of [2, 3]) {
    world.now += 3600_000;
    world.respond = () => Response.json({ access_token: `access-${number}`, refresh_token: `refresh-${number}`, expires_in: 3600 });
    assert.equal(await auth.token(), `access-${number}`);
  }
  assert.deepEqual(used(), ['refresh-1', 'refresh-2']);
  world.now += 3600_000;
  world.respond = () => new Response('', { status: 502 });
  await assert.rejects(auth.token(), /did not respond correctly/);
  world.respond = () => Response.json({ access_token: 'access-4', refresh_token: 'refresh-4', expires_in: 3600 });
  assert.equal(await auth.token(), 'access-4');
  assert.deepEqual(used().slice(2), ['refresh-3', 'refresh-3']);
});

test('a token is renewed early when it must stay valid for longer', async () => {
  const { auth, world, requests, storage } = await signedIn();
  const half = 1800_000;
  assert.equal(await auth.token(half), 'access-1');
  assert.equal(auth.expiresAt, world.now + 3600_000);
  world.now += half + 1;
  assert.equal(await auth.token(), 'access-1');
  assert.equal(requests.length, 1);
  world.respond = () => Response.json({ access_token: 'access-2', expires_in: 300 });
  // A pool may issue tokens with a shorter lifetime.
  assert.equal(await auth.token(half), 'access-2');
  assert.equal(auth.expiresAt, world.now + 300_000);
  assert.equal(await auth.token(), 'access-2');
  assert.equal(requests.length, 2);

  storage.setItem('sightline.client.tokens', JSON.stringify({ access: 'alone', id: '', refresh: '', until: world.now + 300_000 }));
  assert.equal(await auth.token(half), 'alone');
  assert.equal(requests.length, 2);
});

test('a rejected renewal signs the person out', async () => {
  const { auth, world } = await signedIn();
  world.now += 4000_000;
  world.respond = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
  assert.equal(await auth.token(), null);
  assert.equal(auth.signedIn, false);
});

test('a temporary failure of the service signs nobody out', async () => {
  const { auth, world } = await signedIn();
  world.now += 4000_000;
  world.respond = () => new Response('', { status: 503 });
  await assert.rejects(auth.token(), /did not respond/);
  assert.equal(auth.signedIn, true);
});

test('signing out deletes the tokens and ends the session', async () => {
  const { auth, visited, storage } = await signedIn(tab({ redirectUri: 'https://pages.example.com/upload.html' }));
  auth.signOut(PAGE);
  assert.equal(auth.signedIn, false);
  assert.equal(storage.items.size, 0);
  const url = new URL(visited.at(-1) ?? '');
  assert.equal(url.pathname, '/logout');
  assert.deepEqual(Object.fromEntries(url.searchParams), { client_id: 'client', logout_uri: 'https://pages.example.com/upload.html' });
});
