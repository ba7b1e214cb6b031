// An MCP server that nobody here wrote, with everything that a server can offer: the TypeScript SDK 1.x, with sessions and
// streams that can be taken up again, or 2.x, without. Offers what server.py offers; 1.x also `pay`, which is refused until a
// page was opened.
//
//   server.mjs --port N --public URL --issuer URL [--newer] [--record FILE]
//
// 1.x writes to its client the way the SDK's examples do: what it asks and logs goes to the stream of the session, not to that
// of the request.
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

// The packages live outside the tree: PEERS_NODE names the package.json beside them.
const load = createRequire(process.env.PEERS_NODE);
const { values: option } = parseArgs({
  options: {
    port: { type: 'string' },
    public: { type: 'string' },
    issuer: { type: 'string' },
    newer: { type: 'boolean', default: false },
    record: { type: 'string', default: '/dev/null' },
  },
});
const sdk = '@modelcontextprotocol/sdk/server';
const { McpServer, ResourceTemplate, completable, createMcpHandler, inputRequired } = option.newer
  ? load('@modelcontextprotocol/server')
  : { ...load(`${sdk}/mcp.js`), ...load(`${sdk}/completable.js`) };
const { StreamableHTTPServerTransport } = load('@modelcontextprotocol/sdk/server/streamableHttp.js');
const { InMemoryEventStore } = load('@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js');
const { SubscribeRequestSchema, UnsubscribeRequestSchema, UrlElicitationRequiredError, isInitializeRequest } = load('@modelcontextprotocol/sdk/types.js');
const { createRemoteJWKSet, jwtVerify } = load('jose');
const { z } = load('zod');

const note = (event, detail = {}) => appendFileSync(option.record, JSON.stringify({ at: Date.now() / 1000, event, ...detail }) + '\n');
const keys = createRemoteJWKSet(new URL(`${option.issuer}/jwks`));
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const FORM = {
  type: 'object',
  properties: { name: { type: 'string', title: 'Name', minLength: 1 }, age: { type: 'integer', minimum: 0, maximum: 150 } },
  required: ['name'],
};
const said = (text) => ({ content: [{ type: 'text', text }] });
const starting = (words) => (value) => words.filter((word) => word.startsWith(value ?? ''));
const sorted = (value) => JSON.stringify(value, Object.keys(value ?? {}).sort());

// What outlives a session.
const sessions = new Map();
const grown = [];
let newer;
const paid = new Set();
let counter = 0;

class Events extends InMemoryEventStore {
  async replayEventsAfter(after, options) {
    note('resumed', { after });
    return super.replayEventsAfter(after, options);
  }
}
const events = new Events();

function add(server, word) {
  server.registerTool(`grown_${word}`, { description: 'Is new.' }, async () => said(`I am ${word}`));
  server.registerPrompt(`grown_${word}`, {}, () => ({ messages: [{ role: 'user', content: { type: 'text', text: `Say ${word}` } }] }));
  server.registerResource(`grown ${word}`, `peer://grown/${word}`, {}, async (uri) => ({ contents: [{ uri: uri.href, text: word }] }));
}

// The client behind a call, for either SDK.
function client(server, context) {
  if (option.newer) {
    const { mcpReq, http } = context;
    return {
      subject: (http?.authInfo ?? context.authInfo).extra.subject,
      token: mcpReq._meta?.progressToken,
      notify: (notification) => mcpReq.notify(notification),
      signal: mcpReq.signal,
      part: () => http?.closeSSE?.(),
      log: (level, data) => mcpReq.log(level, data, 'peer'),
      // The answer comes with the next round; until then the question is the result.
      async ask(method, params) {
        const answer = mcpReq.inputResponses?.question;
        return answer ? { answer } : { later: inputRequired({ inputRequests: { question: { method, params } }, requestState: 'asked once' }) };
      },
    };
  }
  return {
    subject: context.authInfo.extra.subject,
    token: context._meta?.progressToken,
    notify: (notification) => context.sendNotification(notification),
    signal: context.signal,
    part: () => context.closeSSEStream?.(),
    log: (level, data) => server.sendLoggingMessage({ level, logger: 'peer', data }, context.sessionId),
    ask: async (method, params) => ({ answer: await (method === 'elicitation/create' ? server.server.elicitInput(params) : server.server.createMessage(params)) }),
  };
}

function build() {
  const capabilities = { logging: {}, resources: { subscribe: true, listChanged: true } };
  const server = new McpServer({ name: 'Peer', version: '1' }, { capabilities, instructions: 'A peer with everything.' });
  const subscribed = new Set();
  const questions = {
    ask: () => ['elicitation/create', { ...(option.newer ? { mode: 'form' } : {}), message: 'Who are you?', requestedSchema: FORM }],
    visit: ({ url, tag }) => ['elicitation/create', { mode: 'url', message: 'Please look', url, ...(option.newer ? {} : { elicitationId: tag }) }],
    sample: ({ question }) => ['sampling/createMessage', { messages: [{ role: 'user', content: { type: 'text', text: question } }], maxTokens: 50 }],
  };
  const tag = z.string().default('');
  const tool = (name, description, shape, run) => server.registerTool(name, { description, inputSchema: { ...shape, tag } }, async (given, context) => {
    const from = client(server, context);
    const result = questions[name] ? await from.ask(...questions[name](given)) : {};
    if (result.later) return result.later;
    note('called', { tool: name, tag: given.tag, subject: from.subject, era: option.newer ? 'modern' : 'legacy' });
    return run(given, from, result.answer);
  });
  server.registerTool(
    'add',
    { description: 'Adds two whole numbers.', inputSchema: { a: z.number().int(), b: z.number().int(), tag }, outputSchema: { total: z.number().int() } },
    async ({ a, b, tag }) => {
      note('called', { tool: 'add', tag });
      return { ...said(JSON.stringify({ total: a + b })), structuredContent: { total: a + b } };
    },
  );
  tool('echo', 'Says the same.', { text: z.string() }, ({ text }) => said(text));
  tool('whoami', 'Says whose login this is.', {}, (_, from) => said(from.subject));
  tool('broken', 'Always fails.', {}, () => ({ ...said('the peer refuses on purpose'), isError: true }));
  tool('big', 'Answers with a long text.', { size: z.number().int() }, ({ size }) => said('0123456789abcdef'.repeat(size / 16)));
  tool('guarded', 'Needs the scope `admin`.', {}, () => said('you may'));
  tool('nap', 'Says the same, later.', { seconds: z.number(), text: z.string() }, async ({ seconds, text }) => {
    await pause(seconds * 1000);
    return said(text);
  });
  const shape = { steps: z.number().int(), pause: z.number().default(0.02), cut: z.number().int().default(0) };
  tool('count', 'Counts and reports progress; after step `cut` the stream breaks off.', shape, async (given, from) => {
    for (let step = 1; step <= given.steps; step += 1) {
      const params = { progressToken: from.token, progress: step, total: given.steps, message: `step ${step}` };
      if (from.token !== undefined) await from.notify({ method: 'notifications/progress', params });
      if (step === given.cut) from.part();
      await pause(given.pause * 1000);
    }
    note('ended', { tool: 'count', tag: given.tag });
    return said(`counted to ${given.steps}`);
  });
  tool('stuck', 'Never answers.', {}, async ({ tag }, from) => {
    await pause(600_000, undefined, { signal: from.signal, ref: false }).catch(() => note('cancelled', { tool: 'stuck', tag }));
    return said('never');
  });
  tool('ask', 'Asks the person for a name and an age.', {}, (_, from, answer) => said(`${answer.action} ${sorted(answer.content ?? null)}`));
  tool('visit', 'Asks the person to open an address.', { url: z.string() }, (_, from, answer) => said(answer.action));
  if (!option.newer) tool('pay', 'Is refused until a page was opened.', { url: z.string() }, ({ url, tag }) => {
    if (paid.has(tag)) return said('paid');
    paid.add(tag);
    throw new UrlElicitationRequiredError([{ mode: 'url', message: 'Please pay', url, elicitationId: tag }]);
  });
  tool('sample', 'Asks the model.', { question: z.string() }, (_, from, answer) => said(`${answer.model} said ${answer.content.text}`));
  tool('talk', 'Logs at four levels.', {}, async ({ tag }, from) => {
    for (const level of ['debug', 'info', 'warning', 'error']) await from.log(level, { said: `${level} ${tag}` });
    return said('talked');
  });
  tool('grow', 'Offers a tool, a prompt and a resource more.', { word: z.string() }, ({ word }) => {
    grown.push(word);
    for (const { server: other } of sessions.values()) add(other, word);
    for (const kind of ['tools', 'prompts', 'resources']) newer?.notify[`${kind}Changed`]();
    return said('grown');
  });
  tool('touch', 'Changes the counter.', {}, async () => {
    counter += 1;
    newer?.notify.resourceUpdated('peer://counter');
    for (const { server: other, subscribed: uris } of sessions.values()) {
      for (const uri of uris) await other.server.sendResourceUpdated({ uri });
    }
    return said(String(counter));
  });

  const tones = starting(['dry', 'warm', 'wry']);
  // 1.x looks inside, 2.x outside of what makes it optional.
  const tone = option.newer ? completable(z.string(), tones).optional() : completable(z.string().optional(), tones);
  const greeting = { who: z.string(), tone };
  server.registerPrompt('greet', { description: 'Greets somebody, with a picture and a note.', argsSchema: greeting }, ({ who, tone }) => ({
    messages: [
      { role: 'user', content: { type: 'text', text: `Greet ${who} in a ${tone ?? 'plain'} tone` } },
      { role: 'assistant', content: { type: 'text', text: `Dear ${who}` } },
      { role: 'user', content: { type: 'image', data: PIXEL, mimeType: 'image/png' } },
      { role: 'user', content: { type: 'resource', resource: { uri: 'peer://note', mimeType: 'application/json', text: '{"kept": true}' } } },
    ],
  }));
  const resource = (name, address, mimeType, contents) => server.registerResource(name, address, { mimeType }, async (uri, given) => ({
    contents: [{ uri: uri.href, mimeType, ...contents(given) }],
  }));
  resource('kept', 'peer://note', 'application/json', () => ({ text: '{"kept": true}' }));
  resource('picture', 'peer://picture', 'image/png', () => ({ blob: PIXEL }));
  resource('count_of_touches', 'peer://counter', 'text/plain', () => ({ text: String(counter) }));
  const books = new ResourceTemplate('peer://books/{title}', { list: undefined, complete: { title: starting(['algebra', 'alice', 'anna']) } });
  resource('book', books, 'text/plain', ({ title }) => ({ text: `once upon a time, ${title}` }));
  for (const word of grown) add(server, word);
  if (option.newer) return server;
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => (note('subscribed', params), subscribed.add(params.uri), {}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => (note('unsubscribed', params), subscribed.delete(params.uri), {}));
  return { server, subscribed };
}

const metadata = option.public.replace('/mcp', '/.well-known/oauth-protected-resource/mcp');
function refuse(response, status, challenge) {
  response.writeHead(status, { 'content-type': 'application/json', 'www-authenticate': `Bearer ${challenge}, resource_metadata="${metadata}"` });
  response.end(JSON.stringify({ error: challenge }));
}

async function authorize(request, response, message) {
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (!token) return refuse(response, 401, 'scope="tools"');
  let claims;
  try {
    ({ payload: claims } = await jwtVerify(token, keys, { issuer: option.issuer, audience: option.public, typ: 'at+jwt', algorithms: ['ES256'] }));
  } catch (error) {
    note('token refused', { reason: error.message });
    return refuse(response, 401, 'error="invalid_token", scope="tools"');
  }
  const scopes = String(claims.scope ?? '').split(' ');
  const wanted = message?.method === 'tools/call' && message.params?.name === 'guarded' ? 'tools admin' : 'tools';
  if (!wanted.split(' ').every((scope) => scopes.includes(scope))) {
    note('scope refused');
    return refuse(response, 403, `error="insufficient_scope", scope="${wanted}"`);
  }
  return { token, clientId: claims.client_id, scopes, expiresAt: claims.exp, extra: { subject: claims.sub } };
}

async function answer(request, response) {
  if (request.url.startsWith('/.well-known/oauth-protected-resource')) {
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify({ resource: option.public, authorization_servers: [option.issuer], scopes_supported: ['tools'], bearer_methods_supported: ['header'] }));
  }
  let text = '';
  for await (const piece of request) text += piece;
  let message;
  try {
    message = text ? JSON.parse(text) : undefined;
  } catch {
    return response.writeHead(400).end();
  }
  request.auth = await authorize(request, response, message);
  if (!request.auth) return;
  if (newer) return serve(request, response, text);
  const id = request.headers['mcp-session-id'];
  if (id && sessions.has(id)) return sessions.get(id).transport.handleRequest(request, response, message);
  const fail = (status, code, words) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', error: { code, message: words }, id: null }));
  if (id) return fail(404, -32001, 'Session not found');
  if (!isInitializeRequest(message)) return fail(400, -32000, 'Bad Request: No valid session ID provided');
  const built = build();
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    eventStore: events,
    retryInterval: 100,
    onsessioninitialized: (session) => sessions.set(session, { transport, ...built }),
  });
  transport.onclose = () => sessions.delete(transport.sessionId);
  await built.server.connect(transport);
  return transport.handleRequest(request, response, message);
}

// 2.x answers requests of the fetch standard.
async function serve(request, response, text) {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const body = request.method === 'POST' ? { body: text } : {};
  const asked = new Request(`http://${request.headers.host}${request.url}`, { method: request.method, headers: request.headers, signal: gone.signal, ...body });
  const answer = await newer.fetch(asked, { authInfo: request.auth });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.flushHeaders();
  for await (const piece of answer.body ?? []) response.write(piece);
  response.end();
}
if (option.newer) newer = createMcpHandler(build, { onerror: (error) => console.error(error) });

createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!response.destroyed) console.error(error);
    response.destroy();
  });
}).listen(Number(option.port), '127.0.0.1');
