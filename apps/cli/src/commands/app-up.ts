import { openSync } from 'node:fs';
import path from 'node:path';
import { ReadStream, WriteStream } from 'node:tty';

import { type AppReport, type DeployRequest, InvalidError, toWireError } from '@gantry/protocol';
import { type Connection, findConnection, findSetting } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandContext, type CommandInput, type CommandSpec } from '../command.ts';
import { openBuild } from '../deploy/build-input.ts';
import { deployOptions } from '../deploy/deploy-options.ts';
import { findDeployOrigin } from '../deploy/deploy-origin.ts';
import { buildWithSteps, publishApp } from '../deploy/publish-app.ts';
import { createSteps } from '../deploy/steps.ts';
import type { ProgramStreams } from '../exec/run-in-container.ts';
import { exitCodeOf } from '../exit-code.ts';
import { printPageLink } from '../page-link.ts';
import { AppLogsView } from '../run/app-logs-view.ts';
import { holdApp } from '../run/hold-app.ts';
import { TerminalLender } from '../run/terminal-lender.ts';
import { stopSignal } from '../stop-signal.ts';

export const appUpCommand: CommandSpec = {
  path: ['app', 'up'],
  summary: 'keep an app up for another program, until standard input ends',
  details:
    'What app.run() and app.deploy() in a program start. Says in one line of JSON which app is up, or why none is.\n' +
    'The app ends with the standard input of this command, unless it is detached or deployed.',
  arguments: [{ usage: '<entry>', description: 'entry file, or a folder with a build' }],
  options: [
    { flags: '--deploy', description: 'make a deployment, and end' },
    { flags: '-d, --detach', description: 'leave the app running, and end' },
    {
      flags: '-i, --interactive',
      description: 'functions that call interact() get the controlling terminal',
    },
    { flags: '--steps', description: 'say what goes on, on standard error' },
    { flags: '--logs', description: 'after that line, print what the containers print' },
    { flags: '--name <name>', description: 'name of the app', fallback: 'the one in the code' },
    { flags: '--tag <text>', description: 'note for the history of a deployment' },
    SHARED_OPTIONS.environment,
  ],
  examples: [['gantry app up src/app.ts < /dev/tty', 'until Ctrl-D']],
  run: runAppUp,
};

async function runAppUp(context: CommandContext, input: CommandInput): Promise<number> {
  const { terminal } = context;
  const report = (line: AppReport) => terminal.out(JSON.stringify(line));
  try {
    const { options } = input;
    const connection = findConnection(context.env, { environment: options.text('env') });
    const client = new ApiClient(connection);
    const stop = stopSignal();
    const showLogs = options.flag('logs');
    const steps = createSteps(terminal, { quiet: !options.flag('steps') });
    const build = await openBuild(input.arguments[0] ?? '', { cwd: context.cwd, env: context.env });
    const built = await buildWithSteps(build, steps);
    const request = await requestOf(context, input);
    const lender = request.interactive
      ? new TerminalLender(context, {
          connection,
          streams: controllingTerminal(),
          onInterrupt: stop.interrupt,
        })
      : undefined;
    const reply = await publishApp({
      ...{ client, built, request, steps },
      ...{ env: context.env, signal: stop.signal },
    });
    if (!steps.isQuiet) printPageLink(terminal, connection, reply);
    const functions = built.manifest.functions.map(({ name, site }) => ({ name, site }));
    const up: AppReport = { type: 'up', reply, environment: connection.environment, functions };
    if (!request.ephemeral || request.detach) report(up);
    else {
      const { appId } = reply;
      const openLogs = () =>
        new AppLogsView({
          ...{ appId, client, terminal, quiet: !options.flag('steps') },
          isSilent: !showLogs,
          lendTerminal: lender?.lend,
        });
      const logs =
        showLogs || lender
          ? { open: openLogs, timeoutMs: findSetting('logsTimeoutMs', context.env).value }
          : undefined;
      await hold({ client, connection, appId, stop: stop.signal, logs, onUp: () => report(up) });
    }
    return 0;
  } catch (error) {
    report({ type: 'failed', error: toWireError(error) });
    return exitCodeOf(error);
  }
}

type UpRequest = Omit<DeployRequest, 'environment' | 'manifest'>;

async function requestOf(
  { cwd }: CommandContext,
  { options, arguments: args }: CommandInput,
): Promise<UpRequest> {
  const isSet = (flag: string) => options.flag(flag) || undefined;
  if (!options.flag('deploy'))
    return {
      name: options.text('name'),
      ephemeral: true,
      detach: isSet('detach'),
      interactive: isSet('interactive'),
    };
  return { ...deployOptions(options), ...(await findDeployOrigin(path.resolve(cwd, args[0] ?? ''))) };
}

/** Its standard streams are for the program that started it: the keyboard and the screen are those of both. */
function controllingTerminal(): ProgramStreams {
  try {
    const stdout = new WriteStream(openSync('/dev/tty', 'w'));
    return { stdin: new ReadStream(openSync('/dev/tty', 'r')), stdout, stderr: stdout };
  } catch (cause) {
    throw new InvalidError('an interactive run needs a terminal, and this process has none', {
      hint: 'Run the program in a terminal, or leave out "interactive".',
      cause,
    });
  }
}

interface HoldOptions {
  client: ApiClient;
  connection: Connection;
  appId: string;
  stop: AbortSignal;
  /** How logs are shown, once `onUp` was called; undefined for not at all. */
  logs: { open(): AppLogsView; timeoutMs: number } | undefined;
  onUp(): void;
}

/** Keeps an ephemeral app alive until standard input ends or this process is told to stop. */
async function hold({ client, connection, appId, stop, logs, onUp }: HoldOptions): Promise<void> {
  const held = await holdApp(connection, appId);
  let view: AppLogsView | undefined;
  try {
    onUp();
    view = logs?.open();
    await endOfInput(stop);
  } finally {
    view?.expectEnd();
    await client.stopApp(appId);
    await view?.end(logs?.timeoutMs ?? 0);
    await held.close();
  }
}

function endOfInput(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    stop.addEventListener('abort', () => resolve(), { once: true });
    process.stdin
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve());
    process.stdin.resume();
  });
}
