#!/usr/bin/env node
// The `gantry` command of this workspace: starts the built CLI, under the Node that set-up installed where the one that
// runs this file is too old for it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const CLI = new URL('../../../dist/cli.mjs', import.meta.url);
const INSTALLED_NODE = fileURLToPath(new URL('../../../.tools/bin/node', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);
const isNewEnough = major > 22 || (major === 22 && minor >= 12);

if (!existsSync(CLI)) {
  console.error(
    'Gantry has not been built yet.\nRun `npm run build` in the Gantry repository, then try again.',
  );
  process.exitCode = 1;
} else if (isNewEnough) {
  nodeModule.enableCompileCache?.();
  await import(CLI.href);
} else if (existsSync(INSTALLED_NODE)) {
  await runUnderInstalledNode();
} else {
  console.error(
    `Gantry needs Node 22.12 or newer; this is ${process.version}.\n` +
      'Run `npm run build` in the Gantry repository: it installs one beside the one you have.',
  );
  process.exitCode = 1;
}

async function runUnderInstalledNode() {
  const child = spawn(INSTALLED_NODE, process.argv.slice(1), { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both processes; others signal only this one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}
