// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { createApi } from '../../../frontend/js/shared/api.js';
import { errorMessage } from '../../../frontend/js/shared/error-messages.js';
import { ApiError } from '../../../frontend/js/shared/errors.js';
import { Guest } from '../../../frontend/js/shared/guest.js';
import { createClient } from '../../../frontend/js/shared/http-client.js';

const POOL = 'eu-west-1:0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11';
const SETTINGS = { identityPoolId: POOL, region: 'eu-west-1', apiHost: 'abcde12345.execute-api.eu-west-1.amazonaws.com', identityEndpoint: 'https://cognito-identity.eu-west-1.amazonaws.com' };
const SITE = 'https://site.example.com';
const NAME = `sightline.guest.${POOL}`;
const HOUR = 3600_000;
const START = Date.UTC(2026, 0, 2, 3, 4, 5);
const signal = () => new AbortController().signal;

class Memory {
  /** @type {Map<string, string>} */
  items = new Map();
  getItem = (/** @type {string} */ name) => this.items.get(name) ?? null;
  setItem = (/** @type {string} */ name, /** @type {string} */ value) => void this.items.set(name, value);
  removeItem = (/** @type {string} */ name) => void this.items.delete(name);
}

/** The session's storage of another tab. */
const newTab = () => {
  const storage = new Memory();
  return () => storage;
};

/** A browser with an identity pool and an API that rejects as API Gateway does. The two clocks may differ. */
function world() {
  const local = new Memory();
  const session = new Memory();
  const state = {
    /** The browser's clock. */
    now: START,
    /** How much the service's is ahead. */
    ahead: 0,
    identities: 0,
    issued: 0,
    /** @type {Map<string, number>} when each session token expires */
    tokens: new Map(),
    /** Whether the identity pool lets pages read its clock. */
    exposesDate: false,
    /** @type {string[]} operations that reached the identity pool */
    asked: [],
    /** @type {((operation: string) => Response | null)} */
    fail: () => null,
    /** @type {{method: string, url: string, headers: Headers}[]} */
    requests: [],
  };
  const serverNow = () => state.now + state.ahead;

  /** @type {typeof fetch} */
  const identityPool = async (url, init = {}) => {
    assert.equal(String(url), `${SETTINGS.identityEndpoint}/`);
    assert.equal(new Headers(init.headers).get('content-type'), 'application/x-amz-json-1.1');
    const operation = (new Headers(init.headers).get('x-amz-target') ?? '').replace('AWSCognitoIdentityService.', '');
    state.asked.push(operation);
    const failure = state.fail(operation);
    if (failure) return failure;
    const input = JSON.parse(String(init.body));
    /** @type {Record<string, string>} */
    const headers = state.exposesDate ? { date: new Date(serverNow()).toUTCString() } : {};
    if (operation === 'GetId') {
      assert.deepEqual(input, { IdentityPoolId: POOL });
      state.identities += 1;
      return Response.json({ IdentityId: `eu-west-1:0000000${state.identities}-0000-4000-8000-000000000000` }, { headers });
    }
    assert.equal(operation, 'GetCredentialsForIdentity');
    assert.match(input.IdentityId, /^eu-west-1:/);
    state.issued += 1;
    const SessionToken = `token-${state.issued}`;
    const until = Math.floor((serverNow() + HOUR) / 1000);
    state.tokens.set(SessionToken, until * 1000);
    return Response.json({ IdentityId: input.IdentityId, Credentials: { AccessKeyId: `AKID${state.issued}`, SecretKey: 'secret', SessionToken, Expiration: until } }, { headers });
  };

  /** @type {typeof fetch} */
  const api = async (url, init = {}) => {
    const headers = new Headers(init.headers);
    state.requests.push({ method: init.method ?? 'GET', url: String(url), headers });
    const [, year, month, day, hour, minute, second] = (/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(headers.get('x-amz-date') ?? '') ?? []).map(Number);
    const at = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
    const isValid = Math.abs(at - serverNow()) < 300_000 && (state.tokens.get(headers.get('x-amz-security-token') ?? '') ?? 0) > serverNow();
    const date = new Date(serverNow()).toUTCString();
    return isValid ? Response.json({ status: 'succeeded' }, { headers: { date } }) : Response.json({ message: 'Forbidden' }, { status: 403, headers: { date } });
  };

  const browser = { local: () => local, session: () => session, fetch: identityPool, now: () => state.now, lock: (/** @type {string} */ _, /** @type {() => Promise<string>} */ job) => job() };
  const open = (/** @type {Partial<import('../../../frontend/js/shared/guest.js').Browser>} */ other = {}) => new Guest(SETTINGS, { ...browser, ...other });
  /** @param {Guest} guest */
  const read = async (guest, path = '/results/uploads/a.png') => createApi(`${SITE}/guest`, { fetch: api, caller: guest }).readResult(`${SITE}/guest${path}`, signal());
  return { state, local, session, open, read, api };
}

test('requests are signed as botocore signs them, for the API’s host, and sent to the site', async () => {
  const { open } = world();
  const keys = { AccessKeyId: 'AKIDEXAMPLE', SecretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', SessionToken: 'token/with+odd=characters==', Expiration: START / 1000 + 3600 };
  const guest = open({
    fetch: async (_, init) => Response.json(String(new Headers(init?.headers).get('x-amz-target')).endsWith('GetId') ? { IdentityId: 'eu-west-1:1' } : { Credentials: keys }),
  });
  /** @type {{method: string, path: string, body: string, authorization: string}[]} */
  const signed = JSON.parse(readFileSync(new URL('sigv4.json', import.meta.url), 'utf8'));
  assert.ok(signed.length > 5);
  for (const { method, path, body, authorization } of signed) {
    const init = { method, headers: { accept: 'application/json', 'content-type': 'application/json' }, ...(body === '' ? {} : { body }) };
    const headers = new Headers((await guest.sign(`${SITE}${path}`, init)).headers);
    assert.equal(headers.get('authorization'), authorization, path);
    assert.deepEqual([headers.get('x-amz-date'), headers.get('x-amz-security-token'), headers.get('accept')], ['20260102T030405Z', keys.SessionToken, 'application/json']);
  }
});

test('a browser keeps one identity and its credentials over pages and tabs', async () => {
  const { state, local, open, read } = world();
  const guest = open();
  assert.equal(guest.identityId, null);
  await Promise.all([read(guest), read(guest), read(guest)]);
  assert.deepEqual(state.asked, ['GetId', 'GetCredentialsForIdentity']);
  assert.equal(guest.identityId, JSON.parse(local.getItem(NAME) ?? '').identityId);
  // Another page of the tab.
  await read(open());
  assert.equal(state.asked.length, 2);
  // Another tab.
  await read(open({ session: newTab() }));
  assert.deepEqual(state.asked.slice(2), ['GetCredentialsForIdentity']);
});

test('two tabs that are opened at once get the same identity', async () => {
  const { state, open, read } = world();
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();
  const lock = (/** @type {string} */ _, /** @type {() => Promise<string>} */ job) => {
    const next = last.then(job);
    last = next;
    return next;
  };
  await Promise.all([read(open({ lock, session: newTab() })), read(open({ lock, session: newTab() }))]);
  assert.equal(state.identities, 1);
});

test('credentials are renewed before they expire, once for all requests', async () => {
  const { state, open, read } = world();
  const guest = open();
  await read(guest);
  state.now += HOUR - 6 * 60_000;
  await read(guest);
  assert.equal(state.issued, 1);
  state.now += 2 * 60_000;
  await Promise.all([read(guest), read(guest)]);
  assert.equal(state.issued, 2);
  assert.ok(state.requests.every(({ headers }) => headers.get('authorization')?.startsWith('AWS4-HMAC-SHA256 ')));
});

test('credentials that the API rejects are renewed once', async () => {
  const { state, open, read } = world();
  const guest = open();
  await read(guest);
  state.now += 10 * 60_000;
  state.tokens.clear();
  await Promise.all([read(guest), read(guest)]);
  assert.equal(state.issued, 2);
  assert.equal(state.requests.length, 5);
  // New credentials do not help: the request fails, and the identity pool is not asked again and again.
  state.tokens.clear();
  await assert.rejects(read(guest), { kind: 'rejected', status: 403 });
  await assert.rejects(read(guest), { kind: 'rejected', status: 403 });
  assert.equal(state.issued, 2);
});

test('a rejection by the API itself is no reason to sign again', async () => {
  const { state, open } = world();
  const guest = open();
  let asked = 0;
  const client = createClient(`${SITE}/guest`, {
    caller: guest,
    fetch: async () => {
      asked += 1;
      return Response.json({ code: 'forbidden' }, { status: 403 });
    },
  });
  await client.request(`${SITE}/guest/labels`, {}, signal());
  assert.deepEqual([asked, state.issued], [1, 1]);
});

for (const [clock, ahead] of /** @type {const} */ ([['two hours slow', 2 * HOUR], ['two hours fast', -2 * HOUR], ['a day fast', -24 * HOUR]])) {
  test(`a clock that is ${clock} is corrected by the service’s`, async () => {
    for (const exposesDate of [false, true]) {
      const { state, open, read } = world();
      Object.assign(state, { ahead, exposesDate });
      const guest = open();
      await Promise.all([read(guest), read(guest)]);
      assert.equal(state.requests.length, exposesDate ? 2 : 4);
      await read(guest);
      // The next page of the tab knows it too.
      await read(open());
      assert.equal(state.requests.length, exposesDate ? 4 : 6);
      assert.equal(state.issued, 1);
      state.now += HOUR - 60_000;
      await read(guest);
      assert.equal(state.issued, 2);
    }
  });
}

test('what cannot be read in the storage counts as missing', async () => {
  for (const garbage of ['', '{', 'null', '[]', '5', '"text"', '{"identityId":5}', '{"identityId":"<script>"}', `{"identityId":"eu-west-1:${'0'.repeat(60)}"}`]) {
    const { state, local, session, open, read } = world();
    local.setItem(NAME, garbage);
    session.setItem(NAME, garbage);
    session.setItem(`${NAME}.clock`, garbage);
    const guest = open();
    assert.equal(guest.identityId, null, garbage);
    assert.equal(guest.declined, false);
    guest.decline();
    await read(guest);
    assert.equal(state.identities, 1, garbage);
  }
  const { state, session, open, read } = world();
  const guest = open();
  await read(guest);
  for (const garbage of ['{', '{"accessKeyId":1}', JSON.stringify({ ...JSON.parse(session.getItem(NAME) ?? ''), until: 'soon' }), JSON.stringify({ ...JSON.parse(session.getItem(NAME) ?? ''), identityId: 'other' })]) {
    session.setItem(NAME, garbage);
    const before = state.issued;
    await read(guest);
    assert.equal(state.issued, before + 1, garbage);
  }
});

test('a browser that blocks or fills its storage works as long as the page is open, and says so', async () => {
  const blocked = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  const full = new Memory();
  full.setItem = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  for (const storage of [blocked, () => full]) {
    const { state, open, read } = world();
    let unsaved = 0;
    const guest = open({ local: storage, session: storage });
    guest.onUnsaved = () => (unsaved += 1);
    await read(guest);
    await read(guest);
    assert.deepEqual([state.identities, unsaved], [1, 1]);
  }
});

test('an identity that the pool does not know any more is replaced, and the person is told', async () => {
  const { state, local, open, read } = world();
  local.setItem(NAME, JSON.stringify({ identityId: 'eu-west-1:0', declined: true }));
  state.fail = () => (state.asked.length === 1 ? Response.json({ __type: 'com.amazonaws.cognito.identity.model#ResourceNotFoundException' }, { status: 400 }) : null);
  const guest = open();
  let replaced = 0;
  guest.onReplaced = () => (replaced += 1);
  await read(guest);
  assert.equal(replaced, 1);
  assert.equal(guest.declined, false);
  assert.deepEqual(state.asked, ['GetCredentialsForIdentity', 'GetId', 'GetCredentialsForIdentity']);
});

test('an identity that cannot be replaced yet is kept', async () => {
  const { state, local, open, read } = world();
  local.setItem(NAME, JSON.stringify({ identityId: 'eu-west-1:0' }));
  state.fail = () => Response.json({ __type: 'com.amazonaws.cognito.identity.model#ResourceNotFoundException' }, { status: 400 });
  const guest = open();
  await assert.rejects(read(guest));
  assert.equal(guest.identityId, 'eu-west-1:0');
});

test('an error of the identity pool keeps the identity and says what to do', async () => {
  const { state, open, read } = world();
  const guest = open();
  await read(guest);
  const { identityId } = guest;
  state.now += HOUR;
  for (const [answer, kind, text] of /** @type {[() => Response, string, RegExp][]} */ ([
    [() => Response.json({ __type: 'NotAuthorizedException:http://x/', message: 'no' }, { status: 400 }), 'rejected', /NotAuthorizedException.*ask the operator/],
    [() => Response.json({ __type: 'TooManyRequestsException' }, { status: 400 }), 'rejected', /Wait a moment/],
    [() => new Response('oops', { status: 502 }), 'rejected', /HTTP 502/],
    [() => new Response('<html>'), 'unreadable', /cognito-identity/],
    [() => Response.json({ Credentials: { AccessKeyId: 'a' } }), 'unreadable', /cognito-identity/],
    [() => { throw new TypeError('failed'); }, 'unreachable', /no response from https:\/\/cognito-identity/],
  ])) {
    state.fail = answer;
    await assert.rejects(read(guest), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.kind, kind);
      assert.match(errorMessage(error).text, text);
      return true;
    });
    assert.equal(guest.identityId, identityId);
  }
});

test('an answer in one tab counts in all', async () => {
  const { state, open, read } = world();
  const [one, other] = [open(), open()];
  await read(one);
  await read(other);
  one.decline();
  assert.equal(other.declined, true);
  one.reconsider();
  assert.deepEqual([state.identities, other.identityId, other.declined], [1, one.identityId, false]);
});

test('who declined is asked again after another upload', async () => {
  const { open, read } = world();
  const guest = open();
  await read(guest);
  const { identityId } = guest;
  guest.decline();
  await read(guest);
  assert.equal(open().declined, true);
  await guest.sign(`${SITE}/guest/uploads`, { method: 'POST', body: '{}' });
  assert.deepEqual([open().declined, open().identityId], [false, identityId]);
});

test('a request on leaving the page is sent at once with the signature that was prepared', async () => {
  const { state, open, api } = world();
  const guest = open();
  const client = createClient(`${SITE}/guest`, { caller: guest, fetch: api });
  const url = `${SITE}/guest/images/uploads/a.png`;
  const prepared = async (/** @type {string} */ of) => {
    const init = { method: 'DELETE' };
    client.prepareLeaving(of, init);
    for (let tries = 0; guest.signNow(of, init) === init && tries < 1000; tries += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await prepared(url);
  client.sendOnLeaving(url, { method: 'DELETE' });
  assert.equal(state.requests.length, 1);
  assert.match(state.requests[0]?.headers.get('authorization') ?? '', /^AWS4-HMAC-SHA256 Credential=AKID1\//);
  // An old signature is dropped when the next one is prepared.
  state.now += 5 * 60_000;
  await prepared(`${url}2`);
  client.sendOnLeaving(url, { method: 'DELETE' });
  assert.equal(state.requests[1]?.headers.get('authorization'), null);
});
