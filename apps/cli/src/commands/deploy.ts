import type { DeployReply, Manifest } from '@gantry/protocol';
import { type Connection, findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandContext, type CommandInput, type CommandSpec } from '../command.ts';
import { deployOptions } from '../deploy/deploy-options.ts';
import { findDeployOrigin } from '../deploy/deploy-origin.ts';
import { openBuild } from '../deploy/build-input.ts';
import { deployedTable, removedText, withPaths } from '../deploy/function-table.ts';
import { mountedPaths } from '../deploy/mounted-paths.ts';
import { buildWithSteps, publishApp } from '../deploy/publish-app.ts';
import { createSteps } from '../deploy/steps.ts';
import { printPageLink } from '../page-link.ts';
import { AppLogsView, type AppLogsViewOptions } from '../run/app-logs-view.ts';
import { aborted, stopSignal } from '../stop-signal.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { toDuration } from '../terminal/units.ts';
import { UsageError } from '../usage-error.ts';

export const deployCommand: CommandSpec = {
  path: ['deploy'],
  summary: 'build an app and make it live; running calls are not disturbed',
  arguments: [{ usage: '[entry]', description: 'entry file, or a folder with a project or a build' }],
  options: [
    { flags: '--name <name>', description: 'name of the app', fallback: 'the one in the code' },
    SHARED_OPTIONS.environment,
    { flags: '--tag <text>', description: 'note for the history, such as a commit' },
    SHARED_OPTIONS.module,
    { flags: '--stream-logs', description: 'then print what its containers print, until Ctrl-C' },
    { flags: '--manifest <folder>', description: 'deploy what "gantry build" wrote there' },
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry deploy src/app.ts', 'build and deploy'],
    ['gantry deploy --env staging --tag v1.2 .', 'the project in this folder, elsewhere'],
    ['gantry deploy --manifest dist/gantry', 'deploy a build'],
    ['gantry deploy -m @acme/ocr', 'a package'],
    ['gantry deploy --stream-logs src/app.ts', 'and watch it at work'],
  ],
  run: runDeploy,
};

async function runDeploy({ terminal, env, cwd }: CommandContext, input: CommandInput): Promise<void> {
  const { options } = input;
  const entry = options.text('manifest') ?? input.arguments[0];
  if (entry === undefined) {
    throw new UsageError('the entry is missing', {
      hint: 'Write "gantry deploy src/app.ts" or "gantry deploy .".',
    });
  }
  const startedAtMs = performance.now();
  const said = deployOptions(options);
  const json = options.flag('json');
  const connection = findConnection(env, { environment: options.text('env') });
  const steps = createSteps(terminal, { quiet: json });
  const build = await openBuild(entry, { cwd, env, module: options.flag('module') });
  const built = await buildWithSteps(build, steps);
  const origin = await findDeployOrigin(build.path);
  const request = { ...said, ...origin };
  const client = new ApiClient(connection);
  const sinceMs = Date.now();
  const reply = await publishApp({ client, built, request, steps, env });
  if (json) terminal.out(JSON.stringify({ ...reply, mounts: mountedPaths(built.manifest) }, undefined, 2));
  else printDeployed(terminal, withPaths(reply, built.manifest), { ...built, connection, startedAtMs });
  if (options.flag('streamLogs')) await streamLogs({ appId: reply.appId, client, terminal, sinceMs });
}

function printDeployed(
  terminal: Terminal,
  reply: DeployReply,
  { manifest, connection, startedAtMs }: { manifest: Manifest; connection: Connection; startedAtMs: number },
): void {
  terminal.note('');
  for (const line of deployedTable(reply, terminal.style, manifest)) terminal.out(`  ${line}`);
  terminal.note('');
  const removed = removedText(reply);
  if (removed) terminal.note(terminal.noteStyle.yellow(`  ${removed}`));
  const { dim } = terminal.noteStyle;
  terminal.note(
    dim(
      `  Live in environment "${connection.environment}" after ${toDuration(performance.now() - startedAtMs)}`,
    ),
  );
  printPageLink(terminal, connection, reply);
}

async function streamLogs(options: AppLogsViewOptions): Promise<void> {
  const stop = stopSignal();
  const view = new AppLogsView(options);
  await Promise.race([view.printed, aborted(stop.signal)]);
  await view.end(0);
  stop.release();
}
