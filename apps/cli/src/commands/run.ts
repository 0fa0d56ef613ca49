import { pathToFileURL } from 'node:url';
import path from 'node:path';

import type { DeployReply, Manifest, ParameterSpec } from '@gantry/protocol';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandContext, type CommandInput, type CommandSpec } from '../command.ts';
import { readConnection, type Connection } from '../connection.ts';
import { openBuild, type BuiltApp } from '../deploy/build-input.ts';
import { buildWithSteps, publishApp } from '../deploy/publish-app.ts';
import { createSteps, type Steps } from '../deploy/steps.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { EphemeralApp } from '../run/ephemeral-app.ts';
import { flagsHelp } from '../run/flags-help.ts';
import { parseFlags } from '../run/flags.ts';
import { runChild } from '../run/run-child.ts';
import type { RunRequest } from '../run/run-request.ts';
import { chooseTarget, parseTarget, targetName, type RunTarget } from '../run/target.ts';
import { stopSignal } from '../stop-signal.ts';

export const runCommand: CommandSpec = {
  path: ['run'],
  summary: 'run a local entrypoint, or one function, with the app up around it',
  details:
    'The app ends with the command. A local entrypoint runs on this machine; a function runs in a container and its\n' +
    'result is printed. Without a name: the only local entrypoint, else the only function. Parameters are flags; add\n' +
    '--help after the target to see them.',
  arguments: [
    { usage: '<target>', description: '<file>::<function>, <file>::<Class>.<method> or <file>' },
    { usage: '[flags...]', description: 'parameters of the target' },
  ],
  options: [
    { flags: '-d, --detach', description: 'leave the app running' },
    { flags: '-q, --quiet', description: 'print only what the code prints' },
    SHARED_OPTIONS.environment,
  ],
  examples: [
    ['gantry run src/app.ts', 'the only local entrypoint'],
    ['gantry run src/app.ts::main --n 5 --no-loud', 'a local entrypoint, with flags'],
    ['gantry run src/app.ts::square --x 7', 'one function, in a container'],
    [
      'gantry run src/app.ts::Ocr.read --lang deu --page scan.png',
      'a method; class parameters are flags too',
    ],
    ['gantry run src/app.ts::main --help', 'the flags of a target'],
  ],
  passesFlagsOn: true,
  run: runRun,
};

async function runRun(context: CommandContext, input: CommandInput): Promise<number> {
  const { terminal, env, cwd } = context;
  const [targetText = '', ...argv] = input.arguments;
  const { file, name } = parseTarget(targetText);
  const steps = createSteps(terminal, { quiet: input.options.flag('quiet') });
  const built = await buildWithSteps(await openBuild(file, { cwd }), steps);
  const target = chooseTarget(built.manifest, name);
  const params = paramsOf(target);
  const flags = parseFlags(params, argv);
  if (flags.help) {
    for (const line of flagsHelp(`${file}::${targetName(target)}`, docOf(target), params)) terminal.out(line);
    return EXIT_CODES.ok;
  }
  const connection = readConnection(env, { environment: input.options.text('env') });
  return runTarget(context, {
    connection,
    steps,
    built,
    target,
    args: flags.args,
    detach: input.options.flag('detach'),
    quiet: input.options.flag('quiet'),
  });
}

interface RunJob {
  connection: Connection;
  steps: Steps;
  built: BuiltApp;
  target: RunTarget;
  args: unknown[];
  detach: boolean;
  quiet: boolean;
}

async function runTarget({ terminal, env, programs }: CommandContext, job: RunJob): Promise<number> {
  const { connection, steps, built, detach, quiet } = job;
  const client = new ApiClient(connection);
  const stop = stopSignal();
  const request = { ephemeral: true, detach: detach || undefined };
  const reply = await publishApp({ client, built, request, steps });
  const { appId } = reply;
  const app = await EphemeralApp.open({ appId, client, connection, terminal, detach, quiet });
  try {
    if (stop.signal.aborted) return EXIT_CODES.interrupted;
    const runRequest = toRunRequest(job, reply);
    return await runChild({ request: runRequest, appId, connection, env, programs, signal: stop.signal });
  } finally {
    await app.close();
    stop.release();
    if (detach) terminal.note(`The app goes on; stop it with "gantry app stop ${appId}".`);
  }
}

function toRunRequest({ built, target, args }: RunJob, { appId }: DeployReply): RunRequest {
  const bundleUrl = pathToFileURL(path.join(built.folder, built.manifest.bundle.path)).href;
  if (target.type === 'entrypoint') {
    return { bundleUrl, target: { type: 'entrypoint', name: target.entrypoint.name }, args };
  }
  const { spec, method } = target;
  const classCount = spec.parameters.length;
  const given = spec.parameters.map((param, at) => [param.name, args[at]] as const);
  return {
    bundleUrl,
    args: args.slice(classCount),
    target: {
      type: 'function',
      appId,
      name: spec.name,
      kind: spec.kind,
      method: method.name,
      isGenerator: method.handlerKind === 'generator' || method.handlerKind === 'asyncGenerator',
      parameters: Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    },
  };
}

/** Class parameters come before those of the method. */
function paramsOf(target: RunTarget): ParameterSpec[] {
  if (target.type === 'entrypoint') return target.entrypoint.params;
  return [...target.spec.parameters, ...target.method.params];
}

function docOf(target: RunTarget): Manifest['entrypoints'][number]['doc'] {
  return target.type === 'entrypoint' ? target.entrypoint.doc : (target.method.doc ?? target.spec.doc);
}
