// Checks the JSON on standard input against a JSON schema; prints one line per complaint.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [schema] = process.argv.slice(2);
const Ajv = createRequire(process.env.PEERS_NODE)('ajv').default;
const validate = new Ajv({ allErrors: true }).compile(JSON.parse(readFileSync(schema)));
if (!validate(JSON.parse(readFileSync(0)))) {
  for (const { instancePath, message } of validate.errors) console.log(`${instancePath} ${message}`);
}
