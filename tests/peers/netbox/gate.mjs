// What a proxy asks whether a token is good: it checks the signature with the provider's own keys, for one audience.
//
//   gate.mjs --issuer URL --audience URL
//
// Prints one JSON line, {"url"}, when it listens. GET answers 204 with `X-User`, or 401. POST /refuse turns away every
// token that came so far, as if each had been revoked; the answer says how many those are.
import { createPublicKey, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const { values: option } = parseArgs({ options: { issuer: { type: 'string' }, audience: { type: 'string' } } });
const seen = new Set();
const refused = new Set();

async function keys() {
  const metadata = await (await fetch(`${option.issuer}/.well-known/openid-configuration`)).json();
  return (await (await fetch(metadata.jwks_uri)).json()).keys;
}

async function subject(token) {
  const [head, body, signature] = token.split('.');
  const read = (part) => JSON.parse(Buffer.from(part, 'base64url'));
  const { alg, kid } = read(head);
  const jwk = (await keys()).find((key) => key.kid === kid);
  if (alg !== 'ES256' || !jwk) return null;
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  if (!verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) return null;
  const claims = read(body);
  const good = claims.iss === option.issuer && claims.aud === option.audience && claims.exp > Date.now() / 1000;
  return good ? claims.sub : null;
}

const server = createServer(async (request, answer) => {
  if (request.method === 'POST' && request.url === '/refuse') {
    seen.forEach((token) => refused.add(token));
    return answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ refused: refused.size }));
  }
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const user = token && !refused.has(token) ? await subject(token).catch(() => null) : null;
  if (token) seen.add(token);
  if (user) answer.writeHead(204, { 'x-user': user }).end();
  else answer.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
