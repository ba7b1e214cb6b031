// A company's authorization server that nobody here wrote: oidc-provider, which takes requests from its own endpoint only
// (RFC 9126), knows no public clients, and checks secrets and signed assertions of those it knows.
//
//   identity.mjs --resource URL --clients FILE
//
// FILE holds the clients that an administrator has registered. Prints one JSON line, {"issuer", "control"}, when it
// listens. The control port answers
//   GET  /records          what happened, in order, without a single token
//   POST /forget-clients   every registered client is gone; those of the administrator stay
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

// The packages live outside the tree: PEERS_NODE names the package.json beside them.
const oidc = createRequire(process.env.PEERS_NODE)('oidc-provider');
const { values: option } = parseArgs({ options: { resource: { type: 'string' }, clients: { type: 'string' } } });

const records = [];
const record = (event, detail = {}) => records.push({ event, ...detail });

// The port must be known before the issuer can be named.
const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

// A store whose clients can be emptied from outside.
class Memory {
  rows = new Map();
  async upsert(id, payload) { this.rows.set(id, payload); }
  async find(id) { return this.rows.get(id); }
  async findByUid(uid) { return [...this.rows.values()].find((payload) => payload.uid === uid); }
  async findByUserCode() { return undefined; }
  async consume(id) { const payload = this.rows.get(id); if (payload) payload.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { this.rows.delete(id); }
  async revokeByGrantId(grant) {
    for (const [id, payload] of this.rows) if (payload.grantId === grant) this.rows.delete(id);
  }
}
const stores = new Map();
const adapter = (name) => stores.get(name) ?? stores.set(name, new Memory()).get(name);

const provider = new oidc.Provider(issuer, {
  adapter,
  clients: JSON.parse(readFileSync(option.clients)),
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'peer' }] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  pkce: { required: () => true },
  responseTypes: ['code'],
  rotateRefreshToken: true,
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  scopes: ['openid', 'offline_access', 'tools'],
  ttl: { AccessToken: 600, ClientCredentials: 600, RefreshToken: 3600, AuthorizationCode: 60, Interaction: 600, Session: 3600, Grant: 3600, IdToken: 600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    registration: { enabled: true },
    registrationManagement: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_, resource) {
        if (resource !== option.resource) throw new oidc.errors.InvalidTarget();
        return { scope: 'tools', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } } };
      },
      useGrantedResource: () => true,
    },
  },
});

const reason = (error) => ({ error: error.error ?? error.name, detail: error.error_detail ?? error.error_description ?? error.message });
const method = (ctx) => ctx.oidc.client?.clientAuthMethod;
provider.on('registration_create.success', (_, client) => record('registered', { client: client.clientId, method: client.clientAuthMethod }));
provider.on('registration_create.error', (_, error) => record('registration refused', reason(error)));
provider.on('registration_delete.success', (_, client) => record('registration deleted', { client: client.clientId }));
provider.on('pushed_authorization_request.success', (ctx) => record('pushed', { client: ctx.oidc.client.clientId, method: method(ctx) }));
provider.on('pushed_authorization_request.error', (_, error) => record('push refused', reason(error)));
provider.on('authorization.error', (_, error) => record('authorization refused', reason(error)));
provider.on('grant.success', (ctx) => record('granted', { type: ctx.oidc.params.grant_type, client: ctx.oidc.client.clientId, method: method(ctx) }));
provider.on('grant.error', (_, error) => record('token refused', reason(error)));
provider.on('grant.revoked', () => record('grant revoked'));
provider.on('revocation.error', (_, error) => record('revocation refused', reason(error)));
provider.on('server_error', (_, error) => record('server error', { detail: String(error.stack ?? error) }));
provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === '/auth') record('page', { query: Object.keys(ctx.query).sort() });
});
server.on('request', provider.callback());

const control = createServer((request, response) => {
  const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  switch (`${request.method} ${request.url}`) {
    case 'GET /records': return answer(200, records);
    case 'POST /forget-clients':
      stores.get('Client')?.rows.clear();
      return answer(200, {});
    default: return answer(404, {});
  }
});
await new Promise((listening) => control.listen(0, '127.0.0.1', listening));
console.log(JSON.stringify({ issuer, control: `http://127.0.0.1:${control.address().port}` }));
