import { createLogger } from '@gantry/telemetry';
import { connectionFilePath } from 'gantry/internal';

import { makeBasesAhead } from '../platform/bases-ahead.ts';
import { findDataDir } from '../platform/data-dir.ts';
import { enterNamespaces } from '../platform/enter-namespaces.ts';
import { SHARED_OPTIONS, type CommandContext, type CommandInput, type CommandSpec } from '../command.ts';
import { parsePort } from '../option-values.ts';
import { DEFAULT_API_PORT, DEFAULT_HTTPS_PORT } from '../platform/default-ports.ts';
import { otherProfileLines } from '../platform/other-profile.ts';
import {
  BLOB_OPTIONS,
  CERTIFICATES_OPTION,
  DOMAIN_OPTIONS,
  DRIVER_OPTIONS,
  NOTIFY_OPTION,
  RATE_LIMIT_OPTION,
  readBlobs,
  readCertificates,
  readDomain,
  readDriver,
  LABEL_OPTIONS,
  readLabels,
  readNotifyUrl,
  readRateLimit,
} from '../platform/platform-options.ts';
import { startPlatform, type PlatformOptions, type RunningPlatform } from '../platform/start-platform.ts';
import { summaryLines } from '../platform/summary.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { aborted, stopSignal } from '../stop-signal.ts';

/** Containers have 30 s for their exit hooks; the rest is for everything else. */
const STOP_LIMIT_MS = 40_000;

export const upCommand: CommandSpec = {
  path: ['up'],
  summary: 'start the whole platform on this machine',
  details:
    'Starts nats-server as a child, and server, gateway and worker in this process. It listens on loopback only.\n' +
    'The first start creates a token, the environment "main" and a local certificate authority.',
  options: [
    SHARED_OPTIONS.dataDir,
    {
      flags: '--port <number>',
      description: 'port of the API, 0 for any free one',
      fallback: DEFAULT_API_PORT,
    },
    {
      flags: '--https-port <number>',
      description: 'port of web endpoints, 0 for any',
      fallback: DEFAULT_HTTPS_PORT,
    },
    { flags: '--nats-port <number>', description: 'port of nats-server', fallback: 'any free one' },
    { flags: '--no-sync', description: 'faster and less safe: accept work before it is on disk' },
    ...DOMAIN_OPTIONS,
    ...LABEL_OPTIONS,
    CERTIFICATES_OPTION,
    RATE_LIMIT_OPTION,
    NOTIFY_OPTION,
    ...DRIVER_OPTIONS,
    ...BLOB_OPTIONS,
    { flags: '-q, --quiet', description: 'print errors only' },
    { flags: '--json', description: 'print one JSON line when ready' },
  ],
  examples: [
    ['gantry up', 'start with state in ~/.gantry'],
    ['gantry up --data-dir ./state --port 0 --https-port 0', 'a second platform beside the first'],
  ],
  run: runUp,
};

async function runUp(context: CommandContext, input: CommandInput): Promise<number | void> {
  const { terminal } = context;
  enterNamespaces(readDriver(input.options, context.env), context.env);
  const startedAtMs = performance.now();
  const running: { platform?: RunningPlatform } = {};
  const stop = stopSignal(() => running.platform?.kill());
  const quiet = input.options.flag('quiet') || input.options.flag('json');
  if (!quiet) terminal.progress('Starting Gantry…');
  const platform = await startPlatform(toPlatformOptions(context, input));
  running.platform = platform;
  if (input.options.flag('json')) terminal.out(JSON.stringify(toReadyLine(platform)));
  else if (!quiet) {
    const lines = summaryLines(platform, performance.now() - startedAtMs, terminal.style);
    for (const line of lines) terminal.out(line);
    const notes = otherProfileLines(context.env, dataDirOf(context, input));
    for (const line of notes) terminal.note(`  ${line}`);
  }
  const note = (line: string): void => (quiet ? undefined : terminal.note(`  ${line}`));
  const isForAWhile = context.env['GANTRY_BASES_AHEAD'] === 'no';
  const bases = isForAWhile ? undefined : makeBasesAhead(platform, { signal: stop.signal, note });
  await aborted(stop.signal);
  await bases;
  if (!quiet) terminal.note('Stopping… (Ctrl-C again to stop at once)');
  const code = await stopWithin(platform, STOP_LIMIT_MS);
  if (!quiet)
    terminal.note(code === EXIT_CODES.ok ? 'Stopped.' : 'Something did not stop in time and was ended.');
  return code;
}

function dataDirOf({ env }: CommandContext, { options }: CommandInput): string {
  return findDataDir(env, options.text('dataDir'));
}

function toPlatformOptions(context: CommandContext, input: CommandInput): PlatformOptions {
  const { env, programs } = context;
  const { options } = input;
  const dataDir = dataDirOf(context, input);
  return {
    dataDir,
    programs,
    env,
    port: parsePort('--port', options.text('port') ?? DEFAULT_API_PORT),
    httpsPort: parsePort('--https-port', options.text('httpsPort') ?? DEFAULT_HTTPS_PORT),
    natsPort: parsePort('--nats-port', options.text('natsPort') ?? '0'),
    ...readDomain(options),
    blobs: readBlobs(options, env, dataDir),
    certificates: readCertificates(options, env),
    labels: readLabels(options),
    rateLimit: readRateLimit(options, env),
    notifyUrl: readNotifyUrl(options, env),
    ...readDriver(options, env),
    sync: options.flag('sync'),
    log: createUpLogger(env, options.flag('quiet')),
  };
}

/** People at a terminal see warnings only, in short lines; a service manager gets JSON lines. */
function createUpLogger(env: CommandContext['env'], quiet: boolean) {
  const pretty = process.stderr.isTTY === true;
  const level = env['GANTRY_LOG_LEVEL'] === undefined ? (quiet ? 'error' : 'warn') : undefined;
  return createLogger({ name: 'gantry', pretty, level });
}

function toReadyLine(platform: RunningPlatform) {
  const { serverUrl, gatewayUrl, caPath, environment, workspace } = platform.connection;
  const { version, durability, pid } = platform.nats;
  return {
    event: 'ready',
    pid: process.pid,
    serverUrl,
    gatewayUrl,
    caPath,
    environment,
    workspace,
    dataDir: platform.dataDir,
    connectionFilePath: connectionFilePath(platform.dataDir),
    nats: { version, durability, pid },
    driver: platform.driver.name,
  };
}

async function stopWithin(platform: RunningPlatform, limitMs: number): Promise<number> {
  const late = Symbol('late');
  const limit = new Promise<typeof late>((resolve) => setTimeout(() => resolve(late), limitMs).unref());
  const result = await Promise.race([platform.stop(), limit]);
  if (result !== late) return EXIT_CODES.ok;
  platform.kill();
  return EXIT_CODES.platform;
}
