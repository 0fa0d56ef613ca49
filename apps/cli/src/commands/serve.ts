import type { DeployReply } from '@gantry/protocol';
import { findConnection, findSetting } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandContext, type CommandInput, type CommandSpec } from '../command.ts';
import { openBuild } from '../deploy/build-input.ts';
import { changeTexts, deployedTable, withPaths } from '../deploy/function-table.ts';
import { buildWithSteps, publishApp } from '../deploy/publish-app.ts';
import { createSteps } from '../deploy/steps.ts';
import { parseSeconds } from '../option-values.ts';
import { reportError } from '../report-error.ts';
import { EphemeralApp } from '../run/ephemeral-app.ts';
import { watchSources } from '../run/watch-sources.ts';
import { stopSignal } from '../stop-signal.ts';
import type { Terminal } from '../terminal/terminal.ts';

export const serveCommand: CommandSpec = {
  path: ['serve'],
  summary: 'serve web endpoints while you work: rebuilds on every change',
  details:
    'The URLs end in -dev and stay the same. A change that does not build leaves the last good one running.',
  arguments: [{ usage: '<entry>', description: 'entry file, or the folder of a project' }],
  options: [
    { flags: '--name <name>', description: 'name of the app' },
    { flags: '--timeout <seconds>', description: 'end after this long', fallback: 'at Ctrl-C' },
    SHARED_OPTIONS.module,
    SHARED_OPTIONS.environment,
  ],
  examples: [['gantry serve src/app.ts', 'until Ctrl-C']],
  run: runServe,
};

async function runServe({ terminal, env, cwd }: CommandContext, input: CommandInput): Promise<void> {
  const { options } = input;
  const connection = findConnection(env, { environment: options.text('env') });
  const client = new ApiClient(connection);
  const logsTimeoutMs = findSetting('logsTimeoutMs', env).value;
  const steps = createSteps(terminal);
  const stop = stopSignal();
  const timeout = options.text('timeout');
  const timeoutMs = timeout === undefined ? undefined : parseSeconds('--timeout', timeout);
  const build = await openBuild(input.arguments[0] ?? '', { cwd, module: options.flag('module') });
  const request = { ephemeral: true, schedules: true, name: options.text('name') };
  const builtAtMs = Date.now();
  const dotenvFiles = new Set<string>();
  const publishing = { client, steps, env, onFile: (path: string) => void dotenvFiles.add(path) };
  const first = await buildWithSteps(build, steps);
  let reply = withPaths(await publishApp({ ...publishing, built: first, request }), first.manifest);
  const { appId } = reply;
  const app = await EphemeralApp.open({ appId, client, connection, terminal, logsTimeoutMs });
  printServed(reply, terminal);
  const timeUp = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
  try {
    const signal = AbortSignal.any([stop.signal, ...timeUp]);
    const watched = () => ({ ...build.watched, files: [...build.watched.files, ...dotenvFiles] });
    for await (const changed of watchSources({ watched, builtAtMs, signal })) {
      terminal.note(terminal.noteStyle.dim(`Changed: ${changed.join(', ')}`));
      try {
        const built = await buildWithSteps(build, steps);
        const published = await publishApp({ ...publishing, built, request: { ...request, appId } });
        const next = withPaths(published, built.manifest);
        printChanges(changeTexts(reply, next), terminal);
        reply = next;
      } catch (error) {
        reportError(error, terminal, env);
        terminal.note('The last good version goes on serving.');
      }
    }
  } finally {
    await app.close();
    stop.release();
  }
}

function printChanges(changes: readonly string[], terminal: Terminal): void {
  for (const change of changes) terminal.out(`  ${change}`);
}

function printServed(reply: DeployReply, terminal: Terminal): void {
  terminal.note('');
  for (const line of deployedTable(reply, terminal.style)) terminal.out(`  ${line}`);
  terminal.note('');
  terminal.note(terminal.noteStyle.dim('  Watching for changes; Ctrl-C ends'));
}
