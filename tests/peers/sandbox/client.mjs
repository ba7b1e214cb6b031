// The sandbox seen by OAuth clients nobody here wrote: oauth4webapi, which checks every answer by the RFCs, and in
// flows.mjs openid-client and jose.
//
// Starts `keyward sandbox --json` and prints one line per case. A test in which only our client meets only our
// server proves little: both could share one misreading.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Agent, createServer, get } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import flows from './flows.mjs';

const oauth = createRequire(process.env.PEERS_NODE)('oauth4webapi');
const person = fileURLToPath(new URL('../person.py', import.meta.url));
const insecure = { [oauth.allowInsecureRequests]: true };

// A device polls every five seconds unless it is told otherwise; a test need not wait that long.
const sandbox = spawn(process.env.KEYWARD_BIN, ['sandbox', '--port', '0', '--json', '--device-interval', '1'], { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => sandbox.kill());
const first = await new Promise((ready) => {
  createInterface({ input: sandbox.stdout }).once('line', ready);
  sandbox.once('exit', (code) => ready(JSON.stringify({ ended: code ?? 'a signal' })));
});
const { url: root, backends = [], providers = [], ended } = JSON.parse(first);
if (!root) {
  console.log(`not ok the sandbox starts and says where it is: it ended with ${ended}`);
  process.exit(1);
}
const resource = backends.find(({ backend }) => backend === 'remote').resource;

// The client's own listener, which keeps the address it was called at.
let arrived;
const listener = createServer((request, response) => {
  if (request.url.startsWith('/callback')) arrived = new URL(request.url, redirect);
  response.end('done');
});
await new Promise((listening) => listener.listen(0, '127.0.0.1', listening));
const redirect = `http://127.0.0.1:${listener.address().port}/callback`;
process.on('exit', () => listener.close());

// Sends a person to the page and returns where the listener was called, or what the person was shown instead.
function visit(page, press = 'allow') {
  arrived = undefined;
  // Asynchronous: the listener above is in this process.
  return new Promise((resolve) => {
    const child = spawn('python3', [person, page.href], { env: { ...process.env, PERSON_PRESS: press, PERSON_LOG: '' } });
    let out = '';
    child.stdout.on('data', (piece) => (out += piece));
    child.on('close', () => resolve({ callback: arrived, page: JSON.parse(out || '{}') }));
  });
}

let server;
let client;
async function ask(changes = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const page = new URL(server.authorization_endpoint);
  const parameters = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirect,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    resource,
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) page.searchParams.set(name, value);
  return { page, verifier, state };
}
async function codeGrant(callback, state, verifier, { expectedRedirect = redirect, more = { resource } } = {}) {
  const parameters = oauth.validateAuthResponse(server, client, callback, state);
  const answer = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), parameters, expectedRedirect, verifier, {
    ...insecure,
    additionalParameters: more,
  });
  return oauth.processAuthorizationCodeResponse(server, client, answer);
}
async function login() {
  const { page, verifier, state } = await ask();
  const { callback, page: shown } = await visit(page);
  assert.ok(callback, `no callback: ${JSON.stringify(shown)}`);
  return codeGrant(callback, state, verifier);
}
async function refresh(token, options = {}) {
  const answer = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, { ...insecure, ...options });
  return oauth.processRefreshTokenResponse(server, client, answer);
}
const refused = (error) => (thrown) => {
  assert.equal(thrown.error ?? thrown.code, error, String(thrown.cause ? JSON.stringify(thrown.cause) : thrown));
  return true;
};
async function use(token) {
  const answer = await fetch(`${resource}`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: '{}' });
  await answer.text();
  return answer.status;
}
async function check(token) {
  const request = new Request(resource, { headers: { authorization: `Bearer ${token}` } });
  return oauth.validateJwtAccessToken(server, request, resource, insecure);
}

const cases = {
  async 'forty new connections at once on a fresh sandbox are all answered'() {
    for (let round = 0; round < 6; round += 1) {
      const fresh = spawn(process.env.KEYWARD_BIN, ['sandbox', '--port', '0', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        const line = await new Promise((ready) => createInterface({ input: fresh.stdout }).once('line', ready));
        const { url } = JSON.parse(line);
        // Connections that stay open, as those of HTTP clients do: none may wait for another one to be closed.
        const agent = new Agent({ keepAlive: true });
        const ask = () => new Promise((answered, failed) => {
          get(url, { agent, timeout: 5000 }, (answer) => answer.resume().on('end', () => answered(answer.statusCode)))
            .on('timeout', () => failed(new Error(`no answer within 5 s in round ${round}`)))
            .on('error', failed);
        });
        const statuses = await Promise.all(Array.from({ length: 40 }, ask));
        assert.deepEqual([...new Set(statuses)], [200]);
        agent.destroy();
      } finally {
        fresh.kill();
      }
    }
  },
  async 'a resource names its authorization server, in the challenge and by its well-known address'() {
    const challenge = await fetch(resource, { method: 'POST' });
    assert.equal(challenge.status, 401);
    const pointed = challenge.headers.get('www-authenticate').match(/resource_metadata="([^"]+)"/)[1];
    const answer = await oauth.resourceDiscoveryRequest(new URL(resource), insecure);
    assert.equal(pointed, answer.url);
    const metadata = await oauth.processResourceDiscoveryResponse(new URL(resource), answer);
    assert.equal(metadata.authorization_servers.length, 1);
    const issuer = new URL(metadata.authorization_servers[0]);
    for (const algorithm of ['oauth2', 'oidc']) {
      const found = await oauth.discoveryRequest(issuer, { ...insecure, algorithm });
      server = await oauth.processDiscoveryResponse(issuer, found);
    }
    assert.deepEqual(server.code_challenge_methods_supported, ['S256']);
    assert.deepEqual(server.response_types_supported, ['code']);
    assert.equal(server.authorization_response_iss_parameter_supported, true);
  },
  async 'a public native client registers itself'() {
    const metadata = {
      client_name: 'stranger',
      redirect_uris: [redirect],
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
    const answer = await oauth.dynamicClientRegistrationRequest(server, metadata, insecure);
    assert.equal(answer.status, 201);
    client = await oauth.processDynamicClientRegistrationResponse(answer);
    assert.equal(client.client_secret, undefined);
    assert.equal(client.token_endpoint_auth_method, 'none');
  },
  async 'a login gives a token that the RFC 9068 check accepts for its resource only'() {
    const tokens = await login();
    const claims = await check(tokens.access_token);
    assert.equal(claims.client_id, client.client_id);
    assert.equal(claims.iss, server.issuer);
    assert.deepEqual([claims.aud].flat(), [resource]);
    assert.notEqual(await use(tokens.access_token), 401);
    assert.equal(await use(`${tokens.access_token}x`), 401);
    assert.ok(tokens.refresh_token);
  },
  async 'a person who denies is reported with the issuer and the state'() {
    const { page, state } = await ask();
    const { callback } = await visit(page, 'deny');
    assert.equal(callback.searchParams.get('state'), state);
    assert.equal(callback.searchParams.get('iss'), server.issuer);
    assert.throws(() => oauth.validateAuthResponse(server, client, callback, state), refused('access_denied'));
  },
  async 'any port of the same loopback address is accepted, another name or path is not'() {
    const other = createServer((_, response) => response.end('other'));
    await new Promise((listening) => other.listen(0, '127.0.0.1', listening));
    const { port } = other.address();
    const moved = await visit((await ask({ redirect_uri: `http://127.0.0.1:${port}/callback` })).page);
    assert.match(moved.page.path.at(-1), new RegExp(`^200 http://127.0.0.1:${port}/callback`));
    for (const foreign of [redirect.replace('127.0.0.1', 'localhost'), `${redirect}/x`, redirect.replace('http:', 'https:'), 'http://127.0.0.1.evil.example/callback']) {
      const { callback, page } = await visit((await ask({ redirect_uri: foreign })).page);
      assert.equal(callback, undefined, foreign);
      assert.equal(page.status, 400, foreign);
      assert.equal(page.path.length, 1, `redirected for ${foreign}: ${page.path}`);
    }
    other.close();
  },
  async 'a request without PKCE, with plain PKCE, or for another resource is refused'() {
    for (const [changes, error] of [
      [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ code_challenge_method: undefined }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ resource: 'https://elsewhere.example/mcp' }, 'invalid_target'],
    ]) {
      const { page, state } = await ask(changes);
      const { callback } = await visit(page);
      assert.ok(callback, JSON.stringify(changes));
      assert.throws(() => oauth.validateAuthResponse(server, client, callback, state), refused(error), JSON.stringify(changes));
    }
  },
  async 'a code needs its own verifier and redirect address'() {
    for (const spoil of [{ verifier: oauth.generateRandomCodeVerifier() }, { expectedRedirect: `${redirect}2` }]) {
      const { page, verifier, state } = await ask();
      const { callback } = await visit(page);
      await assert.rejects(codeGrant(callback, state, spoil.verifier ?? verifier, spoil), refused('invalid_grant'));
    }
  },
  async 'a code used twice ends what came from its first use'() {
    const { page, verifier, state } = await ask();
    const { callback } = await visit(page);
    const tokens = await codeGrant(callback, state, verifier);
    await assert.rejects(codeGrant(callback, state, verifier), refused('invalid_grant'));
    await assert.rejects(refresh(tokens.refresh_token), refused('invalid_grant'));
    assert.equal(await use(tokens.access_token), 401);
  },
  async 'one code asked for ten times at once is good once'() {
    const { page, verifier, state } = await ask();
    const { callback } = await visit(page);
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => codeGrant(callback, state, verifier)));
    assert.ok(answers.filter(({ status }) => status === 'fulfilled').length <= 1);
  },
  async 'a refresh token is rotated, and its second use ends the family'() {
    const { refresh_token: spent } = await login();
    const second = await refresh(spent, { additionalParameters: { resource } });
    assert.notEqual(second.refresh_token, spent);
    await check(second.access_token);
    await assert.rejects(refresh(spent), refused('invalid_grant'));
    await assert.rejects(refresh(second.refresh_token), refused('invalid_grant'));
    assert.equal(await use(second.access_token), 401);
  },
  async 'a refresh cannot widen the scope'() {
    const { refresh_token: token } = await login();
    await assert.rejects(refresh(token, { additionalParameters: { scope: 'everything' } }), refused('invalid_scope'));
  },
  async 'a revoked refresh token is gone with its access token, and revoking nonsense is no error'() {
    const tokens = await login();
    for (const token of [tokens.refresh_token, tokens.refresh_token, 'nonsense']) {
      await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, oauth.None(), token, insecure));
    }
    await assert.rejects(refresh(tokens.refresh_token), refused('invalid_grant'));
    assert.equal(await use(tokens.access_token), 401);
  },
  async 'token answers are not to be stored, and a GET is not a token request'() {
    const answer = await fetch(server.token_endpoint, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'grant_type=authorization_code' });
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.ok([400, 401].includes(answer.status));
    assert.equal((await fetch(server.token_endpoint)).status, 405);
  },
  async 'the sandbox listens on loopback only'() {
    const { port } = new URL(root);
    const hex = Number(port).toString(16).toUpperCase().padStart(4, '0');
    const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')));
    const rows = tables.join('\n').split('\n').map((row) => row.trim().split(/\s+/));
    // The kernel writes addresses in hexadecimal; 0A is the state of a listener.
    const listeners = rows.filter((row) => row[1]?.endsWith(`:${hex}`) && row[3] === '0A').map((row) => row[1]);
    assert.deepEqual(listeners, [`0100007F:${hex}`]);
  },
  async 'a client that ends its registration is forgotten'() {
    const gone = await fetch(client.registration_client_uri, { method: 'DELETE', headers: { authorization: `Bearer ${client.registration_access_token}` } });
    assert.equal(gone.status, 204);
    const { page } = await ask();
    const shown = await visit(page);
    assert.equal(shown.callback, undefined);
    assert.ok(shown.page.status >= 400 && shown.page.path.length === 1, JSON.stringify(shown.page));
  },
};

let failed = 0;
for (const [sentence, run] of Object.entries({ ...cases, ...flows({ root, redirect, resource, visit, providers }) })) {
  try {
    await run();
    console.log(`ok ${sentence}`);
  } catch (error) {
    failed += 1;
    console.error(error);
    console.log(`not ok ${sentence}: ${String(error.message).split('\n')[0]}`);
  }
}
process.exit(failed ? 1 : 0);
