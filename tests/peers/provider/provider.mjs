// A strict authorization server that nobody here wrote: oidc-provider, with every check on and a record of what it saw.
//
//   provider.mjs --resource URL… [--scope "NAME…"] [--port N] [--access-seconds N]
//
// Prints one JSON line, {"issuer", "control"}, when it listens. The control port answers
//   GET  /records?from=N       what happened, in order, without a single token (tokens appear as short digests)
//   POST /access-seconds?n=N   lifetime of the access tokens issued from now on
//   POST /refresh-tokens?rule=always|offline   whether a refresh token needs `offline_access` and `prompt=consent` (OIDC Core §11)
//   POST /fault?next=drop      the next refresh is committed, its answer is lost
//   POST /fault?next=503       the next refresh is answered 503 before it is looked at; with &count=N the next N are
//   POST /hold?at=before       refreshes wait before they are looked at, and those whose client has gone are dropped then
//   POST /hold?at=after        refreshes are carried out, and their answers wait
//   POST /release              nothing waits any more
//   GET  /held                 how many refreshes wait
//   POST /forget               every grant is gone, as if an administrator had ended all sessions
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

// The packages live outside the tree: PEERS_NODE names the package.json beside them.
const oidc = createRequire(process.env.PEERS_NODE)('oidc-provider');

const { values: option } = parseArgs({
  options: {
    resource: { type: 'string', multiple: true },
    scope: { type: 'string', default: 'tools' },
    port: { type: 'string', default: '0' },
    'access-seconds': { type: 'string', default: '600' },
  },
});
if (!option.resource) {
  console.error('provider.mjs: --resource URL is missing');
  process.exit(64);
}

let accessSeconds = Number(option['access-seconds']);
let fault = null;
let faults = 1;
let hold = null;
let waiting = [];
let rule = 'always';
const records = [];
const digest = (token) => (token ? createHash('sha256').update(token).digest('hex').slice(0, 12) : undefined);
const record = (event, detail = {}) => records.push({ at: (performance.timeOrigin + performance.now()) / 1000, event, ...detail });
const held = () => new Promise((go) => waiting.push(go));

// The port must be known before the issuer can be named.
const server = createServer();
await new Promise((listening) => server.listen(Number(option.port), '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keys = [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'peer' }];

// The provider's own store cannot be emptied from outside; this one can.
class Memory {
  rows = new Map();
  live(row) { return row && (!row.until || row.until > Date.now()) ? row.payload : undefined; }
  first(matches) { return [...this.rows.values()].map((row) => this.live(row)).find((payload) => payload && matches(payload)); }
  async upsert(id, payload, seconds) { this.rows.set(id, { payload, until: seconds ? Date.now() + seconds * 1000 : 0 }); }
  async find(id) { return this.live(this.rows.get(id)); }
  async findByUid(uid) { return this.first((payload) => payload.uid === uid); }
  async findByUserCode(code) { return this.first((payload) => payload.userCode === code); }
  async consume(id) { const row = this.rows.get(id); if (row) row.payload.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { this.rows.delete(id); }
  async revokeByGrantId(grantId) {
    for (const [id, { payload }] of this.rows) if (payload.grantId === grantId) this.rows.delete(id);
  }
}
const stores = new Map();
function adapter(name) {
  if (!stores.has(name)) stores.set(name, new Memory());
  return stores.get(name);
}

const provider = new oidc.Provider(issuer, {
  adapter,
  jwks: { keys },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  // No excuse for leaving out the redirect address, even with a single one registered.
  allowOmittingSingleRegisteredRedirectUri: false,
  clientDefaults: { token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256' },
  pkce: { required: () => true },
  responseTypes: ['code'],
  rotateRefreshToken: true,
  issueRefreshToken: (_, client, source) =>
    client.grantTypeAllowed('refresh_token') && (rule === 'always' || source.scopes.has('offline_access')),
  scopes: ['openid', 'offline_access', ...option.scope.split(' ')],
  ttl: { AccessToken: () => accessSeconds, RefreshToken: 3600, AuthorizationCode: 60, Interaction: 600, Session: 3600, Grant: 3600, IdToken: 600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: true },
    registration: { enabled: true },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
    revocation: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_, resource) {
        if (!option.resource.includes(resource)) throw new oidc.errors.InvalidTarget();
        return {
          scope: option.scope,
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: accessSeconds,
          jwt: { sign: { alg: 'ES256' } },
        };
      },
      // A token request without `resource` gets a token for the resource of the grant, not an opaque one for userinfo.
      useGrantedResource: () => true,
    },
  },
});

const reason = (error) => ({ error: error.error ?? error.name, detail: error.error_detail ?? error.error_description ?? error.message });
provider.on('registration_create.success', (_, client) => record('registered', { client: client.clientId, redirects: client.redirectUris, kind: client.applicationType }));
provider.on('registration_create.error', (_, error) => record('registration refused', reason(error)));
provider.on('registration_delete.success', (_, client) => record('registration deleted', { client: client.clientId }));
provider.on('authorization.success', (ctx) => {
  const { client_id: client, redirect_uri: redirect, scope, resource, code_challenge_method: method, state, prompt } = ctx.oidc.params;
  record('authorized', { client, redirect, scope, resource, method, prompt, state: digest(state) });
});
provider.on('authorization.error', (_, error) => record('authorization refused', reason(error)));
provider.on('grant.success', (ctx) => {
  const { RotatedRefreshToken: spent, RefreshToken: issued } = ctx.oidc.entities;
  const { grant_type: type, scope, resource } = ctx.oidc.params;
  record(type === 'refresh_token' ? 'refreshed' : 'exchanged', {
    type, scope, resource, spent: digest(spent?.jti), issued: digest(issued?.jti), grant: digest(issued?.grantId),
  });
});
provider.on('grant.error', (ctx, error) => record('token refused', { type: ctx.oidc?.params?.grant_type, ...reason(error) }));
provider.on('grant.revoked', (_, grant) => record('grant revoked', { grant: digest(grant) }));
provider.on('revocation.error', (_, error) => record('revocation refused', reason(error)));
provider.on('server_error', (_, error) => record('server error', { detail: String(error.stack ?? error) }));

provider.use(async (ctx, next) => {
  const refresh = ctx.path === '/token' && ctx.method === 'POST';
  if (refresh && fault === '503') {
    if (--faults < 1) fault = null;
    record('fault', { kind: '503' });
    ctx.status = 503;
    ctx.set('retry-after', '1');
    return;
  }
  if (refresh) {
    ctx.res.on('close', () => {
      const issued = digest(ctx.oidc?.entities?.RefreshToken?.jti);
      if (issued) record(ctx.res.writableFinished ? 'answered' : 'unheard', { issued });
    });
    if (hold === 'before') {
      await held();
      if (ctx.req.socket.destroyed) {
        record('abandoned');
        ctx.respond = false;
        return;
      }
    }
  }
  await next();
  if (refresh && hold === 'after' && ctx.oidc?.params?.grant_type === 'refresh_token') await held();
  record('request', { method: ctx.method, path: ctx.path, status: ctx.status, query: ctx.querystring ? Object.keys(ctx.query) : undefined });
  if (refresh && fault === 'drop' && ctx.oidc?.params?.grant_type === 'refresh_token' && ctx.status === 200) {
    fault = null;
    record('fault', { kind: 'drop' });
    ctx.respond = false;
    ctx.req.socket.destroy();
  }
});
server.on('request', provider.callback());

const control = createServer((request, response) => {
  const url = new URL(request.url, 'http://control');
  const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /records': return answer(200, records.slice(Number(url.searchParams.get('from') ?? 0)));
    case 'POST /access-seconds': accessSeconds = Number(url.searchParams.get('n')); return answer(200, {});
    case 'POST /refresh-tokens': rule = url.searchParams.get('rule'); return answer(200, {});
    case 'POST /fault':
      fault = url.searchParams.get('next');
      faults = Number(url.searchParams.get('count') ?? 1);
      return answer(200, {});
    case 'POST /hold': hold = url.searchParams.get('at'); return answer(200, {});
    case 'POST /release':
      hold = null;
      for (const go of waiting.splice(0)) go();
      return answer(200, {});
    case 'GET /held': return answer(200, waiting.length);
    case 'POST /forget':
      for (const kind of ['Grant', 'RefreshToken', 'AccessToken', 'Session']) stores.get(kind)?.rows.clear();
      record('forgotten');
      return answer(200, {});
    default: return answer(404, {});
  }
});
await new Promise((listening) => control.listen(0, '127.0.0.1', listening));
console.log(JSON.stringify({ issuer, control: `http://127.0.0.1:${control.address().port}` }));
