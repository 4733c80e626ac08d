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
  const asked = [];
  const world = {
    now: 1_000_000,
    /** @type {() => Response} */
    answer: () => Response.json({ access_token: 'access-1', id_token: token({ email: 'åsa@example.com' }), refresh_token: 'refresh-1', expires_in: 3600 }),
  };
  const auth = new Auth({ ...SETTINGS, ...settings }, {
    storage,
    go: (address) => void visited.push(address),
    now: () => world.now,
    fetch: async (url, init) => {
      asked.push({ url: String(url), form: Object.fromEntries(new URLSearchParams(String(init?.body))) });
      return world.answer();
    },
  });
  return { auth, storage, visited, asked, world };
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

test('a verifier is long enough, free of letters that need escaping, and never the same', () => {
  const made = new Set(Array.from({ length: 200 }, randomText));
  assert.equal(made.size, 200);
  for (const text of made) assert.match(text, /^[A-Za-z0-9_-]{43}$/);
});

test('the way to the sign-in page carries challenge and state, and not the verifier', async () => {
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

test('the code is exchanged with the verifier, and the person is back where they were', async () => {
  const { auth, asked, returned, storage } = await signedIn();
  assert.equal(returned, PAGE);
  assert.equal(asked[0]?.url, 'https://login.example.com/oauth2/token');
  const { code_verifier, ...form } = asked[0]?.form ?? {};
  assert.deepEqual(form, { grant_type: 'authorization_code', code: 'abc', redirect_uri: 'https://pages.example.com/gallery.html', client_id: 'client' });
  assert.match(code_verifier ?? '', /^.{43}$/);
  assert.equal(await auth.token(), 'access-1');
  assert.equal(auth.tokenNow(), 'access-1');
  assert.equal(auth.who, 'åsa@example.com');
  assert.equal(storage.getItem('sightline.client.pending'), null);
});

test('an ordinary address is no way back', async () => {
  const { auth } = tab();
  assert.equal(await auth.finish('https://pages.example.com/gallery.html?label=Dog'), null);
});

test('an answer with a state that is not this tab’s is refused, and its code never used', async () => {
  const world = tab();
  await world.auth.signIn(PAGE);
  await assert.rejects(world.auth.finish('https://pages.example.com/gallery.html?code=abc&state=forged'), /not begun in this tab/);
  assert.equal(world.asked.length, 0);
  assert.equal(world.auth.signedIn, false);
  // A state counts once.
  const again = await signedIn();
  await assert.rejects(again.auth.finish(`https://pages.example.com/gallery.html?code=abc&state=${again.state}`), /used already/);
});

test('a sign-in that was refused says so', async () => {
  const world = tab();
  await world.auth.signIn(PAGE);
  const state = new URL(world.visited[0] ?? '').searchParams.get('state');
  await assert.rejects(world.auth.finish(`https://pages.example.com/gallery.html?error=access_denied&error_description=No+entry&state=${state}`), /No entry.*Sign in again/);
  const used = tab();
  used.world.answer = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
  await assert.rejects(signedIn(used), /code is used or too old/);
});

test('an old token is renewed once for all who ask', async () => {
  const { auth, world, asked } = await signedIn();
  world.now += 3600_000 - 30_000;
  world.answer = () => Response.json({ access_token: 'access-2', expires_in: 3600 });
  assert.deepEqual(await Promise.all([auth.token(), auth.token(), auth.token()]), ['access-2', 'access-2', 'access-2']);
  assert.deepEqual(asked.slice(1).map(({ form }) => form), [{ grant_type: 'refresh_token', refresh_token: 'refresh-1', client_id: 'client' }]);
  // The refresh token is kept where no new one came.
  world.now += 3600_000;
  await auth.token();
  assert.equal(asked.at(-1)?.form.refresh_token, 'refresh-1');
});

test('a token that is taken along is renewed while it still has some time, where it can be', async () => {
  const { auth, world, asked, storage } = await signedIn();
  const half = 1800_000;
  assert.equal(await auth.token(half), 'access-1');
  assert.equal(auth.until, world.now + 3600_000);
  world.now += half + 1;
  assert.equal(await auth.token(), 'access-1');
  assert.equal(asked.length, 1);
  world.answer = () => Response.json({ access_token: 'access-2', expires_in: 300 });
  // A pool may give tokens for less time than that.
  assert.equal(await auth.token(half), 'access-2');
  assert.equal(auth.until, world.now + 300_000);
  assert.equal(await auth.token(), 'access-2');
  assert.equal(asked.length, 2);

  storage.setItem('sightline.client.tokens', JSON.stringify({ access: 'alone', id: '', refresh: '', until: world.now + 300_000 }));
  assert.equal(await auth.token(half), 'alone');
  assert.equal(asked.length, 2);
});

test('who cannot be renewed is signed out', async () => {
  const { auth, world } = await signedIn();
  world.now += 4000_000;
  world.answer = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
  assert.equal(await auth.token(), null);
  assert.equal(auth.signedIn, false);
});

test('a service that is down for a moment signs nobody out', async () => {
  const { auth, world } = await signedIn();
  world.now += 4000_000;
  world.answer = () => new Response('', { status: 503 });
  await assert.rejects(auth.token(), /did not answer/);
  assert.equal(auth.signedIn, true);
});

test('signing out forgets the tokens and ends the session', async () => {
  const { auth, visited, storage } = await signedIn(tab({ redirectUri: 'https://pages.example.com/upload.html' }));
  auth.signOut(PAGE);
  assert.equal(auth.signedIn, false);
  assert.equal(storage.items.size, 0);
  const url = new URL(visited.at(-1) ?? '');
  assert.equal(url.pathname, '/logout');
  assert.deepEqual(Object.fromEntries(url.searchParams), { client_id: 'client', logout_uri: 'https://pages.example.com/upload.html' });
});
