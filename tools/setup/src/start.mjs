// `npm start`: the whole platform on this machine, a real app deployed to it, and one real request over HTTPS. Then it
// goes on serving until Ctrl-C. With --once it stops again and leaves nothing behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { DIST, ROOT } from './paths.mjs';
import { postFile } from './post-file.mjs';
import { say, SetupError, step, warn } from './report.mjs';
import { mustRun } from './run-program.mjs';

const CLI = join(DIST, 'cli.mjs');
const EXAMPLE = join(ROOT, 'examples', 'receipt-ocr');
const PICTURE = join(EXAMPLE, 'receipt.png');
const API_PORT = 7420;
const HTTPS_PORT = 7443;
/** One Ctrl-C may arrive twice: from the terminal, and passed on by the program that started this one. */
const SAME_SIGNAL_MS = 500;

/**
 * @param {string[]} args `--once`: stop after the request; the exit code says whether its answer was right.
 * @param {{ nodePath: string }} context
 * @returns {Promise<number>} The exit code.
 */
export async function start(args, context) {
  const isOnce = args.includes('--once');
  const unknown = args.find((argument) => argument !== '--once');
  if (unknown !== undefined)
    throw new SetupError(`there is no option "${unknown}"`, { hint: 'Use --once, or none.' });
  // Where `gantry up` and every other command look by themselves, so that they find the platform.
  const home = process.env.GANTRY_DATA_DIR ?? join(homedir(), '.gantry');
  const dataDir = isOnce ? await mkdtemp(join(tmpdir(), 'gantry-once-')) : home;
  const platform = await step('Start Gantry', () => startPlatform(context.nodePath, dataDir));
  try {
    const { url, pagePath } = await step('Deploy the example receipt-ocr', () =>
      deployExample(context.nodePath, dataDir),
    );
    const answer = await sendReceipt(url, platform.ready.caPath);
    const isRight = await report(url, answer, platform.ready);
    if (isOnce) {
      await step('Stop Gantry', () => platform.stop());
      return isRight && platform.exitCode() === 0 ? 0 : 1;
    }
    say(`  Try it   curl --cacert ${show(platform.ready.caPath)} -F file=@${show(PICTURE)} ${url}`);
    say(`  Look     ${new URL(pagePath, platform.ready.serverUrl).href} (sign in: npx gantry dashboard)`);
    say('\nGantry goes on serving; Ctrl-C stops it.');
    return await platform.ended;
  } finally {
    await platform.stop();
    if (isOnce) await removeDataDir(dataDir);
  }
}

/** Without root, some of it belongs to ids that stand for users of containers: only a namespace of the user may remove that. */
async function removeDataDir(dataDir) {
  try {
    await rm(dataDir, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error;
    await mustRun('unshare', ['--user', '--map-root-user', '--map-auto', '--', 'rm', '-rf', '--', dataDir]);
  }
}

async function startPlatform(nodePath, dataDir) {
  const ports = ['--port', await freeOrAny(API_PORT), '--https-port', await freeOrAny(HTTPS_PORT)];
  // A process group of its own: Ctrl-C reaches it through here, once.
  const child = spawn(nodePath, [CLI, 'up', '--json', '--data-dir', dataDir, ...ports.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(child, 'exit').then(([code]) => code ?? 1);
  const release = passSignalsOn(child);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended.then(() => [])]);
  const ready = line === undefined ? undefined : JSON.parse(line);
  // A start that fails says so in a line of its own.
  if (ready === undefined || ready.error !== undefined) {
    await ended;
    release();
    throw new SetupError('Gantry did not start', {
      hint: 'The lines above say why. `node dist/cli.mjs doctor` knows more.',
    });
  }
  return {
    ready,
    ended,
    exitCode: () => child.exitCode,
    stop: async () => {
      if (!hasEnded()) child.kill('SIGTERM');
      await ended;
      release();
    },
  };
}

function passSignalsOn(child) {
  let lastMs = 0;
  const pass = (signal) => {
    const nowMs = Date.now();
    if (nowMs - lastMs > SAME_SIGNAL_MS) child.kill(signal);
    lastMs = nowMs;
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass);
  return () => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, pass);
  };
}

async function freeOrAny(port) {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return port;
  } catch {
    warn(`Port ${port} is in use; taking a free one.`);
    return 0;
  }
}

/** Deploys as a user would, and returns where the example is: its web address, and its page of the dashboard. */
async function deployExample(nodePath, dataDir) {
  const env = { GANTRY_DATA_DIR: dataDir };
  const nx = join(ROOT, 'node_modules', '.bin', 'nx');
  await mustRun(nodePath, [nx, 'run', 'receipt-ocr:deploy'], { env, as: 'nx' });
  const { stdout } = await mustRun(nodePath, [CLI, 'app', 'list', '--json'], { env, as: 'gantry' });
  const app = JSON.parse(stdout).find(({ name }) => name === 'receipt-ocr');
  const url = app?.functions.flatMap(({ urls }) => Object.values(urls))[0];
  if (url === undefined) throw new SetupError('the app receipt-ocr has no web address', { output: stdout });
  return { url, pagePath: app.pagePath };
}

/** Sends the picture twice: the first time the container has to start and to load its model. */
async function sendReceipt(url, caPath) {
  const request = { url, caPath, file: PICTURE };
  const cold = await step('Send a picture to its HTTPS address (starts a container)', () =>
    postFile(request),
  );
  const warm = await step('Send it again', () => postFile(request));
  for (const { status, body } of [cold, warm]) {
    if (status !== 200) throw new SetupError(`${url} answered ${status}`, { output: body });
  }
  return {
    receipt: JSON.parse(warm.body),
    coldReceipt: JSON.parse(cold.body),
    coldMs: cold.ms,
    warmMs: warm.ms,
  };
}

async function report(url, { receipt, coldReceipt, coldMs, warmMs }, { driver }) {
  const expected = JSON.parse(await readFile(join(EXAMPLE, 'receipt.expected.json'), 'utf8'));
  const isRight = [receipt, coldReceipt].every(
    ({ text, total, currency }) =>
      text === expected.text && total === expected.total && currency === expected.currency,
  );
  say(`\n${receipt.text.replace(/^/gm, '    ')}\n`);
  say(`  Total    ${receipt.currency} ${receipt.total?.toFixed(2)} ${isRight ? '(right)' : '(WRONG)'}`);
  say(`  URL      ${url}`);
  say(`  Runs in  ${describeContainers(driver)}`);
  say(`  Timing   ${Math.round(coldMs)} ms cold, ${Math.round(warmMs)} ms warm`);
  if (!isRight) warn('The text is not what is printed on the receipt.');
  return isRight;
}

function describeContainers(driver) {
  const limits = process.getuid?.() === 0 ? ', limits' : '';
  if (driver === 'runc') return `a container of its own: root file system, network${limits}`;
  return 'a process of this machine, without isolation (`npx gantry doctor` says why)';
}

function show(path) {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
