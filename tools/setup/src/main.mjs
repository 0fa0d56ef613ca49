// `npm start`, `npm test`, `npm run bench`, `npm run build` and `nx run faults:*` come here. Plain JavaScript without packages: it runs on
// Node 20 in a fresh clone, brings what is missing, then goes on under a Node that is new enough.
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBenchPrograms } from './bench-programs.mjs';
import { ensureChromium } from './chromium.mjs';
import { ensureContainerPrograms } from './container-programs.mjs';
import { ensureGvisor } from './gvisor.mjs';
import { ensureH2spec } from './h2spec.mjs';
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

const ROUNDS = [
  'apps/worker/src/volumes/commit-faults.integration.test.ts',
  'apps/server/src/loops/block-sweeps.integration.test.ts',
  'apps/server/src/collections/keeper-faults.integration.test.ts',
];

const COMMANDS = {
  build: async () => {
    say('Gantry is built in dist/.');
    return 0;
  },
  start: async (args, context) => (await (await import('./start.mjs')).start(args, context)) ?? 0,
  test: async (args) => (await import('./test.mjs')).test(args),
  faults: async () => runVitestFiles(['e2e/faults/mixed-load.e2e.test.ts']),
  rounds: async (args) => rounds(args),
  bench: async (args, context) => attached(context.nodePath, ['tools/bench/src/main.ts', ...args]),
};

// Containers run the Node that is brought, and what is built, and are somebody else to the machine.
process.umask(0o022);
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
  const context = await prepare(name, nodePath, args);
  return command(args, context);
}

/** @returns {Promise<SetupContext>} */
async function prepare(name, nodePath, args) {
  const env = toolsEnvironment();
  Object.assign(process.env, env);
  await ensurePackages();
  const natsServerPath = await ensureNatsServer();
  await ensureContainerPrograms();
  if (name === 'test' || name === 'rounds') await ensureMinio();
  if (name === 'bench') await ensureBenchPrograms(args);
  if (name === 'test') {
    await ensureGvisor();
    await ensureH2spec();
    await ensureChromium();
  }
  const { build } = await import('./build.mjs');
  await build();
  return { root: ROOT, nodePath, natsServerPath, env };
}

async function runVitestFiles(paths) {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  return attached(process.execPath, [vitest, 'run', ...paths]);
}

/** Many rounds of the tests that kill and pause in the middle of commits, collections and queue traffic. */
async function rounds(args) {
  const options = { rounds: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } };
  const { values } = parseArgs({ args, options });
  Object.assign(process.env, { GANTRY_FAULT_ROUNDS: values.rounds, GANTRY_FAULTS_SEED: values.seed });
  return runVitestFiles([...ROUNDS, '--retry=0', '--no-file-parallelism']);
}

async function attached(program, args) {
  return (await runAttached(program, args)).code;
}

async function isRunningNode(nodePath) {
  return (await realpath(nodePath)) === (await realpath(process.execPath));
}
