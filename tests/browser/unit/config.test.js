// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { loadConfig, readConfig } from '../../../frontend/js/shared/config.js';

const ORIGIN = 'http://127.0.0.1:8080';

test('without an address, the API is at the page’s own origin', () => {
  assert.equal(readConfig({}, ORIGIN).api, ORIGIN);
  assert.equal(readConfig({ api: '' }, ORIGIN).api, ORIGIN);
  assert.equal(readConfig({ api: '/' }, ORIGIN).api, ORIGIN);
});

test('an address keeps its path and loses trailing slashes', () => {
  assert.equal(readConfig({ api: 'https://api.example.com/' }, ORIGIN).api, 'https://api.example.com');
  assert.equal(readConfig({ api: ' https://api.example.com/prod// ' }, ORIGIN).api, 'https://api.example.com/prod');
  assert.equal(readConfig({ api: '/api' }, ORIGIN).api, `${ORIGIN}/api`);
});

test('limits, analyses and offers are optional', () => {
  assert.deepEqual(readConfig({ maxUploadBytes: 5, analyses: ['labels'] }, ORIGIN), { api: ORIGIN, maxUploadBytes: 5, analyses: ['labels'], offers: [], gallery: true, auth: null, guests: null, events: false });
  assert.deepEqual(readConfig({}, ORIGIN), { api: ORIGIN, maxUploadBytes: null, analyses: null, offers: [], gallery: true, auth: null, guests: null, events: false });
  assert.equal(readConfig({ events: true }, ORIGIN).events, true);
});

test('sign-in is off unless it is configured', () => {
  const { auth } = readConfig({ auth: { domain: 'pool.auth.eu-west-1.amazoncognito.com', clientId: 'abc' } }, ORIGIN);
  assert.deepEqual(auth, { domain: 'https://pool.auth.eu-west-1.amazoncognito.com', clientId: 'abc', redirectUri: null, scopes: ['openid', 'email'] });
  const page = `${ORIGIN}/gallery.html`;
  const full = readConfig({ auth: { domain: 'https://login.example.com/', clientId: 'abc', redirectUri: page, scopes: ['openid'] } }, ORIGIN);
  assert.deepEqual(full.auth, { domain: 'https://login.example.com', clientId: 'abc', redirectUri: page, scopes: ['openid'] });
  assert.equal(readConfig({ auth: { domain: 'd.example', clientId: 'abc', redirectUri: '/gallery.html' } }, ORIGIN).auth?.redirectUri, page);
});

test('guests are off unless they are configured', () => {
  const guests = { identityPoolId: 'eu-west-1:0f0e', region: 'eu-west-1', apiHost: 'abc.execute-api.eu-west-1.amazonaws.com', identityEndpoint: 'https://cognito-identity.eu-west-1.amazonaws.com/' };
  assert.deepEqual(readConfig({ guests }, ORIGIN).guests, { ...guests, identityEndpoint: 'https://cognito-identity.eu-west-1.amazonaws.com' });
  for (const apiHost of ['127.0.0.1:8080', '[::1]:8080', 'localhost']) assert.equal(readConfig({ guests: { ...guests, apiHost } }, ORIGIN).guests?.apiHost, apiHost);
  assert.equal(readConfig({ guests: { ...guests, apiHost: undefined } }, ORIGIN).guests?.apiHost, new URL(ORIGIN).host);
  for (const [wrong, message] of /** @type {[object, RegExp][]} */ ([
    [{ identityPoolId: '' }, /“guests\.identityPoolId”/],
    [{ region: 5 }, /“guests\.region”/],
    [{ apiHost: 'https://abc.amazonaws.com' }, /“guests\.apiHost”.*without https/],
    [{ apiHost: '' }, /“guests\.apiHost”/],
    [{ identityEndpoint: 'ftp://x' }, /“guests\.identityEndpoint”/],
  ])) {
    assert.throws(() => readConfig({ guests: { ...guests, ...wrong } }, ORIGIN), message);
  }
  assert.throws(() => readConfig({ guests: 'on' }, ORIGIN), /“guests” in config\.json must be an object/);
});

test('an error names the invalid value', () => {
  for (const [value, message] of /** @type {[unknown, RegExp][]} */ ([
    [[], /must be an object/],
    [null, /must be an object/],
    [{ api: 5 }, /“api”/],
    [{ api: 'ftp://example.com' }, /ftp:/],
    [{ api: 'http://[' }, /not an address/],
    [{ maxUploadBytes: '15' }, /“maxUploadBytes”/],
    [{ maxUploadBytes: 0 }, /“maxUploadBytes”/],
    [{ analyses: 'labels' }, /“analyses”/],
    [{ auth: 'yes' }, /“auth”/],
    [{ auth: { clientId: 'abc' } }, /“auth\.domain”/],
    [{ auth: { domain: 'd.example' } }, /“auth\.clientId”/],
    [{ auth: { domain: 'd.example', clientId: 'abc', scopes: [] } }, /“auth\.scopes”/],
    [{ auth: { domain: 'd.example', clientId: 'abc', redirectUri: 'https://elsewhere.example/' } }, /must be a page on http/],
  ])) {
    assert.throws(() => readConfig(value, ORIGIN), message);
  }
});

test('a missing file means the defaults; an invalid file is an error', async () => {
  const answer = (/** @type {Response} */ response) => async () => response;
  assert.equal((await loadConfig('x', ORIGIN, answer(new Response('', { status: 404 })))).api, ORIGIN);
  assert.equal((await loadConfig('x', ORIGIN, answer(Response.json({ api: 'https://a.example' })))).api, 'https://a.example');
  await assert.rejects(loadConfig('x', ORIGIN, answer(new Response('{'))), /not valid JSON/);
  await assert.rejects(loadConfig('x', ORIGIN, answer(new Response('', { status: 500 }))), /HTTP 500/);
  await assert.rejects(
    loadConfig('x', ORIGIN, async () => {
      throw new TypeError('failed');
    }),
    /Check the connection/,
  );
});
