// The TypeScript SDKs as clients of a stdio server: does what the plan says and prints one JSON object with what it saw.
//
//   client.mjs sdk | auto | legacy | pin      (`sdk` is the 1.x package, the others are modes of the 2.x client)
//
// The plan is JSON in PLAN: `command`, under `good`, `bad`, `progress` and `stuck` a tool with its arguments, under
// `prompt` a prompt with its own, under `resources` addresses, and under `asks` a tool with its arguments and what the
// person says to its questions.
import { createRequire } from 'node:module';

const load = createRequire(process.env.PEERS_NODE);
const plan = JSON.parse(process.env.PLAN);
const mode = process.argv[2];
const [command, ...args] = plan.command;
const server = { command, args, env: { ...process.env }, stderr: 'inherit' };
const info = { name: 'ring', version: '1' };
// Who has no person to ask does not say that it has one.
const declared = plan.asks ? { capabilities: { elicitation: { form: {} } } } : {};
const questions = [];
const person = async ({ params }) => {
  questions.push(params);
  return { action: plan.asks.answers[questions.length - 1] };
};

let client;
let transport;
let call;
if (mode === 'sdk') {
  const { Client } = load('@modelcontextprotocol/sdk/client/index.js');
  const { StdioClientTransport } = load('@modelcontextprotocol/sdk/client/stdio.js');
  client = new Client(info, declared);
  if (plan.asks) client.setRequestHandler(load('@modelcontextprotocol/sdk/types.js').ElicitRequestSchema, person);
  transport = new StdioClientTransport(server);
  call = ([name, given], options) => client.callTool({ name, arguments: given }, undefined, options);
} else {
  const { Client } = load('@modelcontextprotocol/client');
  const { StdioClientTransport } = load('@modelcontextprotocol/client/stdio');
  client = new Client(info, { ...declared, versionNegotiation: { mode: mode === 'pin' ? { pin: '2026-07-28' } : mode } });
  if (plan.asks) client.setRequestHandler('elicitation/create', person);
  transport = new StdioClientTransport(server);
  call = ([name, given], options) => client.callTool({ name, arguments: given }, options);
}

async function outcome(answer) {
  try {
    return await answer;
  } catch (error) {
    return { error: error.code ?? error.name, message: String(error.message) };
  }
}

const seen = {};
await client.connect(transport);
seen.revision = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? null;
seen.tools = (await client.listTools()).tools;
seen.good = await outcome(call(plan.good));
seen.bad = await outcome(call(plan.bad));
seen.unknown = await outcome(call(['no_such_tool_anywhere', {}]));
if (plan.progress) {
  seen.steps = [];
  seen.progress = await outcome(call(plan.progress, { onprogress: ({ progress, total }) => seen.steps.push([progress, total]) }));
}
if (plan.stuck) {
  const stop = new AbortController();
  setTimeout(() => stop.abort('the person changed their mind'), 1000);
  seen.stuck = (await outcome(call(plan.stuck, { signal: stop.signal }))).content ? 'answered' : 'abandoned';
  seen.after = await outcome(call(plan.good));
}
if (plan.prompt) {
  const [name, given] = plan.prompt;
  seen.prompts = (await client.listPrompts()).prompts;
  seen.prompt = await outcome(client.getPrompt({ name, arguments: given }));
  seen.lacking = await outcome(client.getPrompt({ name, arguments: {} }));
  seen.resources = (await client.listResources()).resources;
  seen.families = (await client.listResourceTemplates()).resourceTemplates;
  seen.read = [];
  for (const uri of plan.resources) seen.read.push(await outcome(client.readResource({ uri })));
}
if (plan.asks) {
  const calls = [];
  for (const _ of plan.asks.answers) calls.push(await outcome(call(plan.asks.tool)));
  seen.asked = { questions, calls };
}
const many = await Promise.all(Array.from({ length: 20 }, () => outcome(call(plan.good))));
seen.many = many.filter((answer) => !answer.error && !answer.isError).length;
await client.close();
console.log(JSON.stringify(seen));
