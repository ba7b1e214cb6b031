// MCP hosts that nobody here wrote: the TypeScript SDKs as clients, told line by line what to do, as host.py is.
//
//   host.mjs sdk | auto | legacy     (`sdk` is the 1.x package, the others are modes of the 2.x client)
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const load = createRequire(process.env.PEERS_NODE);
const peer = JSON.parse(process.env.PEER);
const mode = process.argv[2];
const info = { name: 'ring', version: '1' };
const capabilities = { elicitation: { form: {}, url: {} }, sampling: {} };
const heard = [];
const asked = [];
const running = new Map();
let answers = [];

const open = (url) => new Promise((done) => {
  const [program, ...words] = process.env.BROWSER.split(' ');
  spawn(program, [...words, url], { stdio: 'ignore' }).on('exit', done);
});
async function person({ params }) {
  asked.push(params);
  const { action, content, opens } = answers.shift() ?? { action: 'decline' };
  if (opens) await open(params.url);
  return { action, ...(content ? { content } : {}) };
}
function model({ params }) {
  asked.push({ mode: 'sampling', ...params });
  return { role: 'assistant', content: { type: 'text', text: 'forty-two' }, model: 'ring-model', stopReason: 'endTurn' };
}
const news = ({ method, params }) => heard.push({ method, ...(params?.uri ? { uri: params.uri } : {}) });
const log = ({ params }) => heard.push({ log: params });

const package_ = mode === 'sdk' ? '@modelcontextprotocol/sdk/client' : '@modelcontextprotocol/client';
const part = (name) => load(mode === 'sdk' ? `${package_}/${name}.js` : name === 'stdio' ? `${package_}/stdio` : package_);
const { Client } = part('index');
const client = new Client(info, { capabilities, ...(mode === 'sdk' ? {} : { versionNegotiation: { mode } }) });
if (mode === 'sdk') {
  const types = load('@modelcontextprotocol/sdk/types.js');
  client.setRequestHandler(types.ElicitRequestSchema, person);
  client.setRequestHandler(types.CreateMessageRequestSchema, model);
  client.setNotificationHandler(types.LoggingMessageNotificationSchema, log);
  for (const kind of ['ToolListChanged', 'PromptListChanged', 'ResourceListChanged', 'ResourceUpdated']) {
    client.setNotificationHandler(types[`${kind}NotificationSchema`], news);
  }
} else {
  client.setRequestHandler('elicitation/create', person);
  client.setRequestHandler('sampling/createMessage', model);
  client.setNotificationHandler('notifications/message', log);
  for (const kind of ['tools/list_changed', 'prompts/list_changed', 'resources/list_changed', 'resources/updated']) {
    client.setNotificationHandler(`notifications/${kind}`, news);
  }
}
let transport;
if (peer.command) {
  const { StdioClientTransport } = part('stdio');
  const [command, ...args] = peer.command;
  transport = new StdioClientTransport({ command, args, env: { ...process.env }, stderr: 'inherit' });
} else {
  const { StreamableHTTPClientTransport } = part('streamableHttp');
  const headers = peer.token ? { authorization: `Bearer ${peer.token}` } : {};
  transport = new StreamableHTTPClientTransport(new URL(peer.url), { requestInit: { headers } });
}
await client.connect(transport);
const revision = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? '2025-11-25';
const modern = revision >= '2026-07-28';

const orders = {
  tools: async () => (await client.listTools()).tools,
  prompts: async () => (await client.listPrompts()).prompts,
  resources: async () => (await client.listResources()).resources,
  templates: async () => (await client.listResourceTemplates()).resourceTemplates,
  level: ({ level }) => client.setLoggingLevel(level),
  prompt: ({ name, arguments: given }) => client.getPrompt({ name, arguments: given }),
  read: async ({ uri }) => (await client.readResource({ uri })).contents,
  complete: async ({ ref, argument }) => (await client.complete({ ref, argument })).completion,
  heard: () => heard,
  asked: () => asked,
  answers: (order) => void (answers = order.answers),
  stop: ({ which }) => running.get(which).abort('the person changed their mind'),
  async call({ id, name, arguments: given, level, progress }) {
    const steps = [];
    const stop = new AbortController();
    running.set(id, stop);
    const options = { signal: stop.signal, timeout: 900_000, ...(progress ? { onprogress: (at) => steps.push([at.progress, at.total, at.message]) } : {}) };
    const params = { name, arguments: given, ...(level && modern ? { _meta: { 'io.modelcontextprotocol/logLevel': level } } : {}) };
    try {
      return { ...(await (mode === 'sdk' ? client.callTool(params, undefined, options) : client.callTool(params, options))), steps };
    } finally {
      running.delete(id);
    }
  },
  async listen({ uris }) {
    if (!modern) {
      for (const uri of uris) await client.subscribeResource({ uri });
      return {};
    }
    const all = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
    return (await client.listen({ ...all, ...(uris.length ? { resourceSubscriptions: uris } : {}) })).honoredFilter;
  },
};

const say = (value) => process.stdout.write(JSON.stringify(value) + '\n');
say({ ready: revision, capabilities: client.getServerCapabilities() });
const lines = createInterface({ input: process.stdin });
lines.on('line', async (line) => {
  const order = JSON.parse(line);
  let result;
  try {
    result = (await orders[order.do](order)) ?? null;
  } catch (error) {
    result = { error: error.code ?? error.name ?? 'error', message: String(error.message ?? error), ...(error.data ? { data: error.data } : {}) };
  }
  say({ id: order.id, result });
});
lines.on('close', async () => {
  await client.close();
  process.exit(0);
});
