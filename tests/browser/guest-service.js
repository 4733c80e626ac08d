// @ts-check
/**
 * A simulated deployment with guests and sign-in, for what the local mode does not have: a user pool. Everything is at one
 * address, except that guests must sign for another host, as behind CloudFront.
 */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';

import { AwsV4Signer } from 'aws4fetch';

import { row, servePage } from './many.js';

const API_HOST = 'abcde12345.execute-api.eu-west-1.amazonaws.com';
const REGION = 'eu-west-1';
const POOL = 'eu-west-1:0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11';
const HOUR_S = 3600;

/** @typedef {ReturnType<typeof row>} Row */

/**
 * @param {{guests?: boolean, auth?: boolean}} [options] what `config.json` has
 */
export async function serve({ guests = true, auth = true } = {}) {
  const state = {
    /** @type {Map<string, Row[]>} by owner: an identity's id, or `person` */
    pictures: new Map(),
    /** @type {Map<string, {secret: string, identity: string}>} by session token */
    sessions: new Map(),
    /** @type {Map<string, string>} identities by code */
    codes: new Map(),
    /** How many pictures a request moves. */
    movedAtOnce: 2,
    /** How long a request takes that moves pictures. */
    moveMs: 0,
    /** @type {number[]} statuses in place of the next responses to `POST /handovers` */
    failures: [],
    /** @type {string[]} */
    log: [],
  };
  const add = (/** @type {string} */ owner, /** @type {number} */ count) => state.pictures.set(owner, Array.from({ length: count }, (_, n) => row(n)));

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', address);
    /** @type {Buffer[]} */
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { method = 'GET', headers } = request;
    const json = (/** @type {number} */ status, /** @type {unknown} */ content) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    const problem = (/** @type {number} */ status, /** @type {string} */ code, detail = '') => json(status, { code, detail });

    if (url.pathname === '/config.json') {
      return json(200, {
        ...(auth ? { auth: { domain: `${address}/pool`, clientId: 'page', scopes: ['openid', 'email'] } } : {}),
        ...(guests ? { guests: { identityPoolId: POOL, region: REGION, apiHost: API_HOST, identityEndpoint: `${address}/identity` } } : {}),
      });
    }
    if (url.pathname === '/identity/') return identity(String(headers['x-amz-target']), JSON.parse(body), json);
    if (url.pathname === '/pool/oauth2/authorize') {
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.search = String(new URLSearchParams({ code: 'the-code', state: url.searchParams.get('state') ?? '' }));
      return response.writeHead(302, { location: back.href }).end();
    }
    if (url.pathname === '/pool/oauth2/token') {
      const claims = Buffer.from(JSON.stringify({ email: 'ada@example.com' })).toString('base64url');
      return json(200, { access_token: 'the-token', id_token: `x.${claims}.x`, refresh_token: 'r', expires_in: HOUR_S });
    }
    if (url.pathname === '/pool/logout') return response.writeHead(302, { location: url.searchParams.get('logout_uri') ?? '/' }).end();

    const route = `${method} ${url.pathname}`;
    const guestPath = /^\/guest(\/.*)$/.exec(url.pathname)?.[1];
    if (!guestPath && !/^\/(images|labels|handovers|uploads|results)\b/.test(url.pathname)) return servePage(url.pathname, response);
    state.log.push(route);
    const owner = guestPath ? await guestOf(request, url, body) : headers.authorization === 'Bearer the-token' ? 'person' : null;
    if (!owner) return guestPath ? json(403, { message: 'Forbidden' }) : problem(401, 'unauthenticated', 'Sign in.');
    const own = state.pictures.get(owner) ?? [];

    if (route === 'POST /guest/handovers') {
      const code = `code-${state.codes.size}`;
      state.codes.set(code, owner);
      return json(201, { code, expiresAt: new Date(Date.now() + 600_000).toISOString() });
    }
    if (route === 'POST /handovers') {
      await new Promise((resolve) => setTimeout(resolve, state.moveMs));
      const status = state.failures.shift();
      if (status) return problem(status, 'unavailable', 'The service is being repaired. Try again in an hour.');
      const from = state.codes.get(JSON.parse(body).code);
      if (!from) return problem(404, 'handover-not-found');
      const rows = state.pictures.get(from) ?? [];
      const moved = rows.splice(0, state.movedAtOnce);
      state.pictures.set('person', [...own, ...moved]);
      return json(200, { pictures: moved.length, remaining: rows.length });
    }
    if (method === 'DELETE' && guestPath) {
      const key = guestPath.replace('/images/', '');
      state.pictures.set(owner, own.filter((picture) => picture.key !== key));
      return response.writeHead(204).end();
    }
    const path = guestPath ?? url.pathname;
    if (path === '/images') return json(200, { images: own.map(({ thumbnail, preview, ...rest }) => rest) });
    if (path === '/labels') return json(200, { labels: [{ name: 'Dog', images: own.length }], categories: [] });
    return problem(404, 'not-found');
  });

  /**
   * Cognito's identity pool.
   * @param {string} target
   * @param {Record<string, string>} input
   * @param {(status: number, content: unknown) => unknown} json
   */
  function identity(target, input, json) {
    if (target.endsWith('.GetId')) return json(200, { IdentityId: `eu-west-1:0000000${state.pictures.size}-0000-4000-8000-000000000000` });
    const token = `token-${state.sessions.size}`;
    state.sessions.set(token, { secret: `secret-${token}`, identity: String(input.IdentityId) });
    return json(200, {
      IdentityId: input.IdentityId,
      Credentials: { AccessKeyId: token, SecretKey: `secret-${token}`, SessionToken: token, Expiration: Math.floor(Date.now() / 1000) + HOUR_S },
    });
  }

  /**
   * The identity that signed a request.
   * @param {import('node:http').IncomingMessage} request
   * @param {URL} url
   * @param {string} body
   */
  async function guestOf({ method, headers }, url, body) {
    const token = String(headers['x-amz-security-token']);
    const session = state.sessions.get(token);
    if (!session) return null;
    const signer = new AwsV4Signer({
      method,
      url: `https://${API_HOST}${url.pathname}${url.search}`,
      body,
      accessKeyId: token,
      secretAccessKey: session.secret,
      sessionToken: token,
      service: 'execute-api',
      region: REGION,
      datetime: String(headers['x-amz-date']),
    });
    return (await signer.sign()).headers.get('authorization') === headers.authorization ? session.identity : null;
  }

  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const bound = server.address();
  assert.ok(bound && typeof bound === 'object');
  const address = `http://127.0.0.1:${bound.port}`;
  return {
    address,
    state,
    add,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
