// The flows beyond a plain login, seen by openid-client (which drives oauth4webapi as an application would) and by jose.
//
// Exports the cases; client.mjs runs them against the sandbox it started.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';

const require = createRequire(process.env.PEERS_NODE);
const openid = require('openid-client');
const jose = require('jose');

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const refused = (error) => (thrown) => {
  const said = [thrown.error, thrown.code, thrown.cause?.error, thrown.cause?.code].filter(Boolean);
  assert.ok(said.includes(error), `${error} was expected: ${thrown} ${JSON.stringify(said)}`);
  return true;
};

export default function flows({ root, redirect, resource, visit, providers }) {
  const issuer = new URL(`${root}/as`);
  const options = { execute: [openid.allowInsecureRequests] };
  const bye = `${redirect}/bye`;

  async function order(body, at = root) {
    const answer = await fetch(`${at}/control`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  }
  // Runs with these faults and takes them away again, whatever happens.
  async function while_(faults, run) {
    await order({ faults });
    try {
      return await run();
    } finally {
      await order({ faults: {} });
    }
  }
  function register(metadata, method) {
    return openid.dynamicClientRegistration(issuer, { redirect_uris: [redirect], token_endpoint_auth_method: 'none', ...metadata }, method ?? openid.None(), options);
  }
  const native = () => register({ grant_types: ['authorization_code', 'refresh_token', DEVICE], response_types: ['code'], post_logout_redirect_uris: [bye] });

  async function ask(config, more = {}, build = openid.buildAuthorizationUrl) {
    const checks = { pkceCodeVerifier: openid.randomPKCECodeVerifier(), expectedState: openid.randomState(), expectedNonce: undefined };
    const parameters = { redirect_uri: redirect, scope: 'sandbox:read', resource, code_challenge_method: 'S256', state: checks.expectedState, ...more };
    if (parameters.resource === undefined) delete parameters.resource;
    parameters.code_challenge = await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier);
    if (parameters.scope.includes('openid')) parameters.nonce = checks.expectedNonce = openid.randomNonce();
    return { url: await build(config, parameters), checks };
  }
  async function login(config, more = {}, extra = {}) {
    const { url, checks } = await ask(config, more, extra.build);
    const { callback, page } = await visit(url);
    assert.ok(callback, `no callback: ${JSON.stringify(page)}`);
    return openid.authorizationCodeGrant(config, callback, checks, undefined, extra.DPoP && { DPoP: extra.DPoP });
  }
  async function use(token, headers = {}) {
    const answer = await fetch(resource, { method: 'POST', headers: { authorization: `Bearer ${token}`, ...headers } });
    return { status: answer.status, challenge: answer.headers.get('www-authenticate') ?? '' };
  }

  return {
    async 'a device shows a code, a person types it, and polling ends with tokens'() {
      const config = await native();
      const begun = await openid.initiateDeviceAuthorization(config, { scope: 'openid sandbox:read', resource });
      assert.match(begun.user_code, /^[B-Z]{4}-[B-Z]{4}$/);
      const waiting = openid.pollDeviceAuthorizationGrant(config, begun);
      const { page } = await visit(new URL(begun.verification_uri_complete));
      assert.equal(page.status, 200);
      assert.match(page.text, /connected/);
      const tokens = await waiting;
      assert.equal(tokens.claims().aud, config.clientMetadata().client_id);
      assert.equal((await use(tokens.access_token)).status === 401, false);
      assert.ok((await openid.refreshTokenGrant(config, tokens.refresh_token)).access_token);
      await assert.rejects(openid.pollDeviceAuthorizationGrant(config, begun), refused('invalid_grant'));
    },
    async 'a person who denies a device is reported to it'() {
      const config = await native();
      const begun = await openid.initiateDeviceAuthorization(config, { scope: 'sandbox:read' });
      const waiting = assert.rejects(openid.pollDeviceAuthorizationGrant(config, begun), refused('access_denied'));
      await visit(new URL(begun.verification_uri_complete), 'deny');
      await waiting;
    },
    async 'a pushed request is used once, and a server can insist on it'() {
      const config = await native();
      const { url, checks } = await ask(config, {}, openid.buildAuthorizationUrlWithPAR);
      assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri']);
      const { callback } = await visit(url);
      assert.ok((await openid.authorizationCodeGrant(config, callback, checks)).access_token);
      const again = await visit(url);
      assert.equal(again.callback, undefined);
      assert.equal(again.page.status, 400);
      await while_({ require_par: true }, async () => {
        const fresh = await openid.discovery(issuer, config.clientMetadata().client_id, undefined, openid.None(), options);
        assert.equal(fresh.serverMetadata().require_pushed_authorization_requests, true);
        await assert.rejects(login(config), refused('invalid_request'));
        assert.ok((await login(config, {}, { build: openid.buildAuthorizationUrlWithPAR })).access_token);
      });
    },
    async 'a token is bound to a key, with and without a nonce'() {
      for (const faults of [{}, { dpop_nonce: true }, { dpop_nonce: true, require_dpop: true }]) {
        await while_(faults, async () => {
          for (const algorithm of ['ES256', 'Ed25519', 'PS256', 'RS256']) {
            const config = await native();
            const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair(algorithm));
            const tokens = await login(config, {}, { DPoP, build: openid.buildAuthorizationUrlWithPAR });
            assert.equal(tokens.token_type, 'dpop');
            const answer = await openid.fetchProtectedResource(config, tokens.access_token, new URL(resource), 'POST', undefined, undefined, { DPoP });
            assert.notEqual(answer.status, 401, algorithm);
            assert.equal((await use(tokens.access_token)).status, 401, 'a bound token is no bearer token');
            const other = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
            await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: other }), refused('invalid_grant'));
            const renewed = await openid.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
            assert.equal(renewed.token_type, 'dpop');
          }
        });
      }
    },
    async 'a resource that wants proofs says so in its challenge and its metadata'() {
      await while_({ require_dpop: true }, async () => {
        const tokens = await login(await native());
        const { status, challenge } = await use(tokens.access_token);
        assert.equal(status, 401);
        assert.match(challenge, /^DPoP .*algs="ES256/);
        const document = await (await fetch(challenge.match(/resource_metadata="([^"]+)"/)[1])).json();
        assert.equal(document.dpop_bound_access_tokens_required, true);
      });
    },
    async 'a client with a key asks for itself, and its assertion is good once'() {
      for (const [algorithm, crv] of [['ES256'], ['RS256'], ['PS256'], ['EdDSA', 'Ed25519']]) {
        const { publicKey, privateKey } = await jose.generateKeyPair(algorithm, { crv, extractable: true });
        const jwk = { ...(await jose.exportJWK(publicKey)), kid: algorithm, use: 'sig' };
        const { client_id: id } = (await register({ grant_types: ['client_credentials'], redirect_uris: undefined, response_types: [], token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } })).clientMetadata();
        const claims = new jose.SignJWT({ jti: crypto.randomUUID() }).setIssuer(id).setSubject(id).setAudience(`${root}/as`).setIssuedAt().setExpirationTime('1m');
        const assertion = await claims.setProtectedHeader({ alg: algorithm, kid: algorithm }).sign(privateKey);
        const body = new URLSearchParams({ grant_type: 'client_credentials', resource, client_assertion: assertion, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' });
        const send = () => fetch(`${root}/as/token`, { method: 'POST', body });
        const first = await send();
        assert.equal(first.status, 200, algorithm);
        const tokens = await first.json();
        assert.equal(tokens.refresh_token, undefined);
        assert.notEqual((await use(tokens.access_token)).status, 401);
        const second = await send();
        assert.deepEqual([second.status, (await second.json()).error], [401, 'invalid_client']);
        // The same with a client that makes its assertions by itself.
        const key = algorithm === 'EdDSA' ? privateKey : await crypto.subtle.importKey('pkcs8', await crypto.subtle.exportKey('pkcs8', privateKey), privateKey.algorithm, false, ['sign']);
        const config = await openid.discovery(issuer, id, { client_id: id }, openid.PrivateKeyJwt({ key, kid: algorithm }), options);
        assert.ok((await openid.clientCredentialsGrant(config, { resource })).access_token);
      }
    },
    async 'a client with a secret asks for itself in the way it registered'() {
      for (const [method, proof] of [['client_secret_basic', openid.ClientSecretBasic], ['client_secret_post', openid.ClientSecretPost]]) {
        const { client_id: id, client_secret: secret } = (await register({ grant_types: ['client_credentials'], redirect_uris: undefined, response_types: [], token_endpoint_auth_method: method })).clientMetadata();
        const config = await openid.discovery(issuer, id, secret, proof(secret), options);
        const tokens = await openid.clientCredentialsGrant(config, { resource });
        const about = await openid.tokenIntrospection(config, tokens.access_token);
        assert.deepEqual([about.active, about.sub], [true, id]);
        const wrong = await openid.discovery(issuer, id, 'wrong', proof('wrong'), options);
        await assert.rejects(openid.clientCredentialsGrant(wrong), refused('OAUTH_WWW_AUTHENTICATE_CHALLENGE'));
      }
    },
    async 'a client that is a document is looked up, and one that lies about itself is not'() {
      let document;
      const host = createServer((_, response) => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(document));
      });
      await new Promise((listening) => host.listen(0, '127.0.0.1', listening));
      const id = `http://127.0.0.1:${host.address().port}/client.json`;
      document = { client_id: id, client_name: 'a document', redirect_uris: [redirect], token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], response_types: ['code'], application_type: 'native' };
      const config = await openid.discovery(issuer, id, { client_id: id }, openid.None(), options);
      assert.equal(config.serverMetadata().client_id_metadata_document_supported, true);
      const tokens = await login(config);
      assert.equal(jose.decodeJwt(tokens.access_token).client_id, id);
      document.client_id = `${id}x`;
      const { callback, page } = await visit((await ask(config)).url);
      assert.equal(callback, undefined);
      assert.equal(page.status, 400);
      host.close();
    },
    async 'an ID token is what OpenID Connect says, before and after the key changed'() {
      const config = await native();
      openid.enableNonRepudiationChecks(config);
      for (const roll_key of [false, true]) {
        await order({ roll_key });
        // A client keeps the key set for a while; a fresh one has not seen the old one.
        const fresh = await openid.discovery(issuer, config.clientMetadata().client_id, config.clientMetadata(), openid.None(), { execute: [...options.execute, openid.enableNonRepudiationChecks] });
        const tokens = await login(fresh, { scope: 'openid profile email' });
        const { payload, protectedHeader } = await jose.jwtVerify(tokens.id_token, jose.createRemoteJWKSet(new URL(fresh.serverMetadata().jwks_uri)), { issuer: issuer.href, audience: config.clientMetadata().client_id, algorithms: ['ES256'] });
        assert.ok(protectedHeader.kid && payload.auth_time && payload.at_hash);
        const about = await openid.fetchUserInfo(fresh, tokens.access_token, payload.sub);
        assert.equal(about.email, payload.email);
      }
      const { keys } = await (await fetch(config.serverMetadata().jwks_uri)).json();
      assert.equal(keys.length, 2);
    },
    async 'every forged ID token is refused by a client that checks'() {
      const config = await native();
      const verified = { ...config.clientMetadata() };
      const forgeries = ['unsigned', 'symmetric', 'signature', 'unknown_key', 'audience', 'party', 'issuer', 'nonce', 'without_nonce', 'expired'];
      for (const id_token of forgeries) {
        const strict = await openid.discovery(issuer, verified.client_id, verified, openid.None(), { execute: [...options.execute, openid.enableNonRepudiationChecks] });
        await while_({ id_token }, () => assert.rejects(login(strict, { scope: 'openid' }), (thrown) => {
          assert.match(String(thrown.code), /^OAUTH_/, `${id_token}: ${thrown}`);
          return true;
        }, id_token));
      }
      // This client does not look at these two claims, so that they are looked at here.
      const { payload } = await while_({ id_token: 'hash' }, async () => {
        const tokens = await login(config, { scope: 'openid' });
        return { payload: { ...jose.decodeJwt(tokens.id_token), access: tokens.access_token } };
      });
      const half = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(payload.access))).subarray(0, 16).toString('base64url');
      assert.notEqual(payload.at_hash, half);
      const other = await while_({ id_token: 'subject' }, () => login(config, { scope: 'openid' }));
      assert.equal(jose.decodeJwt(other.id_token).sub, 'mallory');
      assert.ok((await login(config, { scope: 'openid' })).claims());
    },
    async 'logging out at the provider leads back to a registered address with the state'() {
      const config = await native();
      const { id_token } = await login(config, { scope: 'openid' });
      const leave = (to) => visit(openid.buildEndSessionUrl(config, { id_token_hint: id_token, post_logout_redirect_uri: to, state: 'kept' }));
      const { callback } = await leave(bye);
      assert.equal(callback.href, `${bye}?state=kept`);
      const { callback: stayed, page } = await leave(redirect);
      assert.equal(stayed, undefined);
      assert.equal(page.status, 400);
    },
    async 'a resource asks for a stronger login, and gets it'() {
      await while_({ acr: 'urn:strong' }, async () => {
        const config = await native();
        const { status, challenge } = await use((await login(config)).access_token);
        assert.equal(status, 401);
        assert.match(challenge, /error="insufficient_user_authentication".*acr_values="urn:strong"/);
        const strong = await login(config, { acr_values: challenge.match(/acr_values="([^"]+)"/)[1] });
        assert.notEqual((await use(strong.access_token)).status, 401);
      });
    },
    async 'imitated providers are found where their metadata is, and Entra ID only with its tenant'() {
      for (const [path, found] of [
        ['okta/oauth2/default', true],
        ['auth0/', true],
        ['keycloak/realms/sandbox', true],
        ['google', true],
        ['entra/11111111-2222-3333-4444-555555555555/v2.0', true],
        ['entra/common/v2.0', false],
      ]) {
        const discovering = openid.discovery(new URL(`${root}/p/${path}`), 'x', undefined, openid.None(), options);
        if (found) assert.equal((await discovering).serverMetadata().issuer, `${root}/p/${path}`);
        else await assert.rejects(discovering, refused('OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'));
      }
      for (const path of ['tavily/', 'scalekit/resources/res_sandbox']) {
        const config = await openid.discovery(new URL(`${root}/p/${path}`), 'x', undefined, openid.None(), { ...options, algorithm: 'oauth2' });
        assert.equal(config.serverMetadata().issuer, `${root}/p/${path}`);
      }
    },
    async 'a listed client of a provider logs in there, with the secret that must be sent'() {
      assert.deepEqual(providers.map(({ provider }) => provider).sort(), ['auth0', 'entra', 'github', 'google', 'keycloak', 'okta', 'scalekit', 'tavily']);
      const { issuer: google, clients: [{ client_id: id, client_secret: secret }] } = providers.find(({ provider }) => provider === 'google');
      const config = await openid.discovery(new URL(google), id, secret, openid.ClientSecretPost(secret), { execute: [...options.execute, openid.enableNonRepudiationChecks] });
      const tokens = await login(config, { scope: 'openid email', resource: undefined, access_type: 'offline' });
      assert.equal(tokens.scope, 'https://www.googleapis.com/auth/userinfo.email openid');
      assert.ok(tokens.refresh_token && tokens.claims().azp === id);
      assert.equal((await openid.refreshTokenGrant(config, tokens.refresh_token)).refresh_token, undefined);
      const careless = await openid.discovery(new URL(google), id, {}, openid.None(), options);
      await assert.rejects(login(careless, { scope: 'openid', resource: undefined }), refused('invalid_request'));
    },
    async 'the record of all this has no secret in it'() {
      const text = await (await fetch(`${root}/control`)).text();
      assert.ok(text.includes('"client_assertion":""') && text.includes('"device_code":""') && text.includes('"(dpop)":""'));
      assert.ok(!text.includes('eyJ'), 'a token or a proof');
      assert.ok(!/urn:ietf:params:oauth:request_uri:/.test(text), 'the name of a pushed request');
    },
  };
}
