// `npm start`, `npm test`, `npm run bench`, `npm run build` and `nx run faults:test` come here. Plain JavaScript without packages: it runs on
// Node 20 in a fresh clone, brings what is missing, then goes on under a Node that is new enough.
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureChromium } from './chromium.mjs';
import { ensureContainerPrograms } from './container-programs.mjs';
import { ensureMinio } from './minio.mjs';
import { ensureNatsServer } from './nats-server.mjs';
import { ensureNode } from './node.mjs';
import { ensurePackages } from './packages.mjs';
import { ROOT, toolsEnvironment } from './paths.mjs';
import { reportError, say, SetupError } from './report.mjs';
import { runAttached } from './run-program.mjs';

/**
 * What set-up found or installed, for the command that runs next.
 *
 * @typedef {object} SetupContext
 * @property {string} root The repository's root directory.
 * @property {string} nodePath A Node that is new enough; also the one running now.
 * @property {string} natsServerPath The nats-server to use.
 * @property {Record<string, string | undefined>} env Environment for child processes: `.tools/bin` first on PATH.
 */

const COMMANDS = {
  build: async () => {
    say('Gantry is built in dist/.');
    return 0;
  },
  start: async (args, context) => (await (await import('./start.mjs')).start(args, context)) ?? 0,
  test: async (args) => (await import('./test.mjs')).test(args),
  faults: async () => runVitestFile('e2e/faults/mixed-load.e2e.test.ts'),
  bench: async (args, context) => attached(context.nodePath, ['tools/bench/src/main.ts', ...args]),
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  reportError(error);
  process.exitCode = 1;
}

/** @returns {Promise<number>} The exit code. */
async function main([name, ...args]) {
  const command = COMMANDS[name];
  if (command === undefined) {
    throw new SetupError(`there is no command "${name ?? ''}"`, {
      hint: `Use one of: ${Object.keys(COMMANDS).join(', ')}.`,
    });
  }
  const nodePath = await ensureNode();
  if (!(await isRunningNode(nodePath))) {
    return attached(nodePath, [fileURLToPath(import.meta.url), name, ...args]);
  }
  const context = await prepare(name, nodePath);
  return command(args, context);
}

/** @returns {Promise<SetupContext>} */
async function prepare(name, nodePath) {
  const env = toolsEnvironment();
  Object.assign(process.env, env);
  await ensurePackages();
  const natsServerPath = await ensureNatsServer();
  await ensureContainerPrograms();
  if (name === 'test') {
    await ensureMinio();
    await ensureChromium();
  }
  const { build } = await import('./build.mjs');
  await build();
  return { root: ROOT, nodePath, natsServerPath, env };
}

async function runVitestFile(path) {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  return attached(process.execPath, [vitest, 'run', path]);
}

async function attached(program, args) {
  return (await runAttached(program, args)).code;
}

async function isRunningNode(nodePath) {
  return (await realpath(nodePath)) === (await realpath(process.execPath));
}
