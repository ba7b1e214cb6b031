// An authorization server and an MCP server that take nothing but tokens bound to a key (RFC 9449), built from packages
// that nobody here wrote: oidc-provider issues, jose verifies every proof, the SDK speaks MCP.
//
//   bound.mjs [--access-seconds N]
//
// Prints one JSON line, {"issuer", "resource", "control"}, when it listens. The control port answers
//   GET  /records            what happened, in order, without a single token
//   POST /nonces?on=true     both servers want a nonce of theirs in every proof; the MCP server's ends after each use
//   POST /access-seconds?n=N lifetime of the access tokens issued from now on
//   POST /bearer?on=true     the provider ignores proofs and issues tokens that anybody can use
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

// The packages live outside the tree: PEERS_NODE names the package.json beside them.
const require = createRequire(process.env.PEERS_NODE);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const oidc = require('oidc-provider');
const jose = await load('jose');
const { Server } = await load('@modelcontextprotocol/sdk/server/index.js');
const { StreamableHTTPServerTransport } = await load('@modelcontextprotocol/sdk/server/streamableHttp.js');
const mcp = await load('@modelcontextprotocol/sdk/types.js');

const { values: option } = parseArgs({ options: { 'access-seconds': { type: 'string', default: '600' } } });
let accessSeconds = Number(option['access-seconds']);
let nonces = false;
let bearer = false;
const records = [];
const record = (event, detail = {}) => records.push({ at: Date.now() / 1000, event, ...detail });

const listening = async () => {
  const server = createServer();
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return [server, `http://127.0.0.1:${server.address().port}`];
};
const [providerServer, issuer] = await listening();
const [resourceServer, origin] = await listening();
const [controlServer, control] = await listening();
const resource = `${origin}/mcp`;

// ---- the authorization server

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const provider = new oidc.Provider(issuer, {
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'peer' }] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  clientDefaults: { token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256' },
  pkce: { required: () => true },
  responseTypes: ['code'],
  rotateRefreshToken: true,
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  scopes: ['openid', 'offline_access', 'tools'],
  // Claims belong into the identity token here, where the client can check them.
  conformIdTokenClaims: false,
  claims: { openid: ['sub', 'name', 'email'] },
  ttl: { AccessToken: () => accessSeconds, RefreshToken: 3600, AuthorizationCode: 60, DeviceCode: 600, Interaction: 600, Session: 3600, Grant: 3600, IdToken: 600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `The ${id}`, email: `${id}@example.com` }) }),
  features: {
    devInteractions: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => nonces },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_, asked) {
        if (asked !== resource) throw new oidc.errors.InvalidTarget();
        return { scope: 'tools', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: accessSeconds, jwt: { sign: { alg: 'ES256' } } };
      },
      useGrantedResource: () => true,
    },
  },
});
const reason = (error) => ({ error: error.error ?? error.name, detail: error.error_detail ?? error.error_description ?? error.message });
provider.on('authorization.success', (ctx) => record('authorized', { jkt: ctx.oidc.params.dpop_jkt, scope: ctx.oidc.params.scope }));
provider.on('grant.success', (ctx) => {
  const { AccessToken: access, RefreshToken: refresh } = ctx.oidc.entities;
  record('issued', { type: ctx.oidc.params.grant_type, jkt: access?.jkt, refresh: refresh?.jkt });
});
provider.on('grant.error', (ctx, error) => record('token refused', { type: ctx.oidc?.params?.grant_type, ...reason(error) }));
provider.on('grant.revoked', () => record('grant revoked'));
provider.on('server_error', (_, error) => record('server error', { detail: String(error.stack ?? error) }));
provider.use(async (ctx, next) => {
  if (bearer) {
    delete ctx.req.headers.dpop;
    const { dpop_jkt: _, ...query } = ctx.query;
    if (_) ctx.query = query;
  }
  await next();
});
providerServer.on('request', provider.callback());

// ---- the protected MCP server

const keys = jose.createRemoteJWKSet(new URL(`${issuer}/jwks`));
const seen = new Set();
let nonce = randomBytes(9).toString('base64url');

class Refused extends Error {
  constructor(error, detail) { super(detail); this.error = error; }
}
function must(holds, error, detail) {
  if (!holds) throw new Refused(error, detail);
}

// Who sent the request, by RFC 9449 §4.3 and §7.1, point by point.
async function admit(request) {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  must(token, undefined, 'no token');
  must(scheme.toLowerCase() === 'dpop', 'invalid_token', 'not sent as a bound token');
  const proofs = request.rawHeaders.filter((_, at) => at % 2 === 0).filter((name) => name.toLowerCase() === 'dpop').length;
  must(proofs === 1, 'invalid_dpop_proof', `${proofs} proofs`);
  let proof;
  try {
    proof = await jose.jwtVerify(request.headers.dpop, jose.EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ['ES256'] });
  } catch (error) {
    throw new Refused('invalid_dpop_proof', error.message);
  }
  const { htm, htu, iat, jti, ath, nonce: given } = proof.payload;
  const jwk = proof.protectedHeader.jwk;
  must(!('d' in jwk), 'invalid_dpop_proof', 'a private key');
  must(htm === request.method, 'invalid_dpop_proof', `htm ${htm}`);
  must(htu === `${origin}${request.url.split('?')[0]}`, 'invalid_dpop_proof', `htu ${htu}`);
  must(Number.isInteger(iat) && Math.abs(Date.now() / 1000 - iat) < 60, 'invalid_dpop_proof', `iat ${iat}`);
  must(typeof jti === 'string' && jti.length >= 16 && !seen.has(jti), 'invalid_dpop_proof', 'jti');
  must(ath === createHash('sha256').update(token).digest('base64url'), 'invalid_dpop_proof', 'ath');
  must(!nonces || given === nonce, 'use_dpop_nonce', `nonce ${given}`);
  seen.add(jti);
  nonce = randomBytes(9).toString('base64url');
  try {
    const { payload } = await jose.jwtVerify(token, keys, { issuer, audience: resource, typ: 'at+jwt' });
    must(payload.cnf?.jkt === await jose.calculateJwkThumbprint(jwk), 'invalid_token', 'bound to another key');
    return payload.sub;
  } catch (error) {
    throw error instanceof Refused ? error : new Refused('invalid_token', error.message);
  }
}

function peer(subject) {
  const server = new Server({ name: 'bound peer', version: '1' }, { capabilities: { tools: {} } });
  const inputSchema = { type: 'object', properties: {} };
  server.setRequestHandler(mcp.ListToolsRequestSchema, () => ({
    tools: [{ name: 'whoami', description: 'Says whose login this is.', inputSchema }, { name: 'slow', description: 'Counts to three.', inputSchema }],
  }));
  server.setRequestHandler(mcp.CallToolRequestSchema, async ({ params }, { sendNotification }) => {
    record('called', { tool: params.name, subject });
    for (let step = 1; params.name === 'slow' && step <= 3; step += 1) {
      if (params._meta?.progressToken !== undefined) {
        await sendNotification({ method: 'notifications/progress', params: { progressToken: params._meta.progressToken, progress: step, total: 3 } });
      }
      await new Promise((later) => setTimeout(later, 50));
    }
    return { content: [{ type: 'text', text: params.name === 'slow' ? 'counted to 3' : subject }] };
  });
  return server;
}

resourceServer.on('request', async (request, response) => {
  if (request.url === '/.well-known/oauth-protected-resource/mcp') {
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({
      resource, authorization_servers: [issuer], scopes_supported: ['openid', 'offline_access', 'tools'],
      dpop_bound_access_tokens_required: true, dpop_signing_alg_values_supported: ['ES256'],
    }));
  }
  let subject;
  try {
    subject = await admit(request);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.error) record('call refused', { error: error.error, detail: error.message });
    const why = error.error ? `error="${error.error}", ` : '';
    response.setHeader('www-authenticate', `DPoP ${why}algs="ES256", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`);
    if (error.error === 'use_dpop_nonce') response.setHeader('dpop-nonce', nonce);
    return response.writeHead(401).end();
  }
  if (nonces) response.setHeader('dpop-nonce', nonce);
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await peer(subject).connect(transport);
  await transport.handleRequest(request, response);
});

controlServer.on('request', (request, response) => {
  const url = new URL(request.url, control);
  const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const on = url.searchParams.get('on') === 'true';
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /records': return answer(200, records);
    case 'POST /nonces': nonces = on; return answer(200, {});
    case 'POST /bearer': bearer = on; return answer(200, {});
    case 'POST /access-seconds': accessSeconds = Number(url.searchParams.get('n')); return answer(200, {});
    default: return answer(404, {});
  }
});
console.log(JSON.stringify({ issuer, resource, control }));
