import type { DeployReply } from '@gantry/protocol';
import { type Connection, findConnection, findSetting } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandContext, type CommandInput, type CommandSpec } from '../command.ts';
import { openBuild, type AppBuild, type BuiltApp } from '../deploy/build-input.ts';
import { changeTexts, deployedTable, type Version, withPaths } from '../deploy/function-table.ts';
import { buildWithSteps, publishApp } from '../deploy/publish-app.ts';
import { createSteps, type Steps } from '../deploy/steps.ts';
import { parseSeconds } from '../option-values.ts';
import { printPageLink } from '../page-link.ts';
import { reportError } from '../report-error.ts';
import { EphemeralApp } from '../run/ephemeral-app.ts';
import { watchSources } from '../run/watch-sources.ts';
import { stopSignal, unlessAborted } from '../stop-signal.ts';
import type { Terminal } from '../terminal/terminal.ts';

export const serveCommand: CommandSpec = {
  path: ['serve'],
  summary: 'serve web endpoints while you work: rebuilds on every change',
  details:
    'The URLs end in -dev and stay the same. A change that does not build leaves the last good one running;\n' +
    'if there is none yet, the mistake is shown, and its correction awaited.',
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

const WAITING = 'Nothing is served yet: correct the mistake, and save. Ctrl-C ends.';

/** What runs, and as what it was last published. */
interface Served {
  version: Version;
  app: EphemeralApp;
}

async function runServe({ terminal, env, cwd }: CommandContext, input: CommandInput): Promise<void> {
  const { options } = input;
  const connection = findConnection(env, { environment: options.text('env') });
  const client = new ApiClient(connection);
  const logsTimeoutMs = findSetting('logsTimeoutMs', env).value;
  const steps = createSteps(terminal);
  const stop = stopSignal();
  const timeout = options.text('timeout');
  const timeoutMs = timeout === undefined ? undefined : parseSeconds('--timeout', timeout);
  const build = await openBuild(input.arguments[0] ?? '', { cwd, env, module: options.flag('module') });
  const request = { ephemeral: true, schedules: true, name: options.text('name') };
  const builtAtMs = Date.now();
  const dotenvFiles = new Set<string>();
  const publishing = {
    ...{ client, steps, env, signal: stop.signal },
    onFile: (path: string) => void dotenvFiles.add(path),
  };
  const built = await firstBuild(build, { steps, terminal, env });
  const publish = async (from: BuiltApp, appId?: string): Promise<Version> => {
    const reply = await publishApp({ ...publishing, built: from, request: { ...request, appId } });
    return { reply: withPaths(reply, from.manifest), manifest: from.manifest };
  };
  const ended = new AbortController();
  let served: Served | undefined;
  const serve = async (from: BuiltApp): Promise<void> => {
    if (served) {
      const next = await publish(from, served.version.reply.appId);
      printChanges(changeTexts(served.version, next), terminal);
      served.version = next;
      return;
    }
    const version = await publish(from);
    const { appId } = version.reply;
    const app = await EphemeralApp.open({ appId, client, connection, terminal, logsTimeoutMs });
    served = { version, app };
    const { stoppedElsewhere } = app;
    stoppedElsewhere.addEventListener('abort', () => ended.abort(stoppedElsewhere.reason), { once: true });
    printServed(version.reply, terminal, connection);
  };
  const timeUp = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
  try {
    if (built) await serve(built).catch(unlessAborted(stop.signal));
    const signal = AbortSignal.any([stop.signal, ended.signal, ...timeUp]);
    const watched = () => ({ ...build.watched, files: [...build.watched.files, ...dotenvFiles] });
    for await (const changed of watchSources({ watched, builtAtMs, signal })) {
      terminal.note(terminal.noteStyle.dim(`Changed: ${changed.join(', ')}`));
      const rebuilt = buildWithSteps(build, steps).then(serve);
      await rebuilt.catch((error: unknown) => {
        if (stop.signal.aborted) return;
        reportError(error, terminal, env);
        terminal.note(served ? 'The last good version goes on serving.' : WAITING);
      });
    }
    ended.signal.throwIfAborted();
  } finally {
    await served?.app.close();
    stop.release();
  }
}

/** Undefined if the sources have mistakes, which are shown: whoever corrects them need not start again. */
async function firstBuild(
  build: AppBuild,
  { steps, terminal, env }: Pick<CommandContext, 'terminal' | 'env'> & { steps: Steps },
): Promise<BuiltApp | undefined> {
  try {
    return await buildWithSteps(build, steps);
  } catch (error) {
    // What was built before is not looked at again.
    if (build.watched.files.length === 0) throw error;
    reportError(error, terminal, env);
    terminal.note(WAITING);
    return undefined;
  }
}

function printChanges(changes: readonly string[], terminal: Terminal): void {
  for (const change of changes) terminal.out(`  ${change}`);
}

function printServed(reply: DeployReply, terminal: Terminal, connection: Connection): void {
  terminal.note('');
  for (const line of deployedTable(reply, terminal.style)) terminal.out(`  ${line}`);
  terminal.note('');
  printPageLink(terminal, connection, reply);
  terminal.note(terminal.noteStyle.dim('  Watching for changes; Ctrl-C ends'));
}
