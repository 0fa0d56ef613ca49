import { pathToFileURL } from 'node:url';
import path from 'node:path';

import type { DeployReply, Manifest } from '@gantry/protocol';
import { type Connection, findConnection, findSetting } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import {
  SHARED_OPTIONS,
  type CommandContext,
  type CommandInput,
  type CommandOptions,
  type CommandSpec,
} from '../command.ts';
import { openBuild, type BuiltApp } from '../deploy/build-input.ts';
import { buildWithSteps, publishApp } from '../deploy/publish-app.ts';
import { createSteps, type Steps } from '../deploy/steps.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { printPageLink } from '../page-link.ts';
import { EphemeralApp } from '../run/ephemeral-app.ts';
import { flagsHelp } from '../run/flags-help.ts';
import { parseFlags } from '../run/flags.ts';
import { planFlags, type FlagPlan } from '../run/object-flags.ts';
import { LentScreen } from '../run/lent-screen.ts';
import { runChild } from '../run/run-child.ts';
import { checkResultPath } from '../run/write-result.ts';
import type { RunRequest } from '../run/run-request.ts';
import { TerminalLender } from '../run/terminal-lender.ts';
import { appPartOf, chooseTarget, parseTarget, targetName, type RunTarget } from '../run/target.ts';
import { stopSignal, unlessAborted } from '../stop-signal.ts';
import { UsageError } from '../usage-error.ts';

export const runCommand: CommandSpec = {
  path: ['run'],
  summary: 'run a local entrypoint, or one function, with the app up around it',
  details:
    'The app ends with the command. A local entrypoint runs on this machine; a function runs in a container and its\n' +
    'result is printed. Without a name: the only local entrypoint, else the only function. Parameters are flags; add\n' +
    '--help after the target to see them. The fields of a single object parameter are flags of their own; a rest\n' +
    'parameter gets all words as they are.',
  arguments: [
    { usage: '<target>', description: '<file>, or <file>::<name> with [app.]function or [app.]Class.method' },
    { usage: '[flags...]', description: 'parameters of the target' },
  ],
  options: [
    { flags: '-d, --detach', description: 'leave the app running; it ends when its work is done' },
    { flags: '-i, --interactive', description: 'functions that call interact() get this terminal' },
    { flags: '-q, --quiet', description: 'print only what the code prints' },
    { flags: '-w, --write-result <path>', description: 'write the result, text or bytes, to a file' },
    SHARED_OPTIONS.module,
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
    ['gantry run -m @acme/ocr::main', 'a target in a package'],
    ['gantry run -i src/app.ts::guess', 'a function that asks questions'],
    ['gantry run -w page.txt src/app.ts::Ocr.read --page scan.png', 'the result into a file'],
  ],
  passesFlagsOn: true,
  run: runRun,
};

async function runRun(context: CommandContext, input: CommandInput): Promise<number> {
  const { terminal, env, cwd } = context;
  const [targetText = '', ...argv] = input.arguments;
  const { options } = input;
  const text = parseTarget(targetText);
  const resultPath = resultPathOf(options, cwd);
  if (resultPath !== undefined) await checkResultPath(resultPath);
  const steps = createSteps(terminal, { quiet: options.flag('quiet') });
  const opened = await openBuild(text.file, {
    cwd,
    env,
    app: appPartOf(text),
    module: options.flag('module'),
  });
  const built = await buildWithSteps(opened, steps);
  const target = chooseTarget(built.manifest, text.name, built.exportNames);
  const plan = planOf(target);
  const flags = parseFlags(plan.params, argv);
  if (flags.help) {
    const lines = flagsHelp(`${text.file}::${targetName(target)}`, docOf(target), plan.params);
    for (const line of lines) terminal.out(line);
    return EXIT_CODES.ok;
  }
  if (resultPath !== undefined && isGenerator(target)) {
    throw new UsageError('--write-result takes one result, and a generator has many', {
      hint: 'Redirect standard output instead.',
    });
  }
  const connection = findConnection(env, { environment: options.text('env') });
  return runTarget(context, {
    connection,
    steps,
    built,
    target,
    args: plan.toArgs(flags.args),
    detach: options.flag('detach'),
    interactive: options.flag('interactive'),
    quiet: options.flag('quiet'),
    resultPath,
  });
}

function resultPathOf(options: CommandOptions, cwd: string): string | undefined {
  const said = options.text('writeResult');
  return said === undefined ? undefined : path.resolve(cwd, said);
}

interface RunJob {
  connection: Connection;
  steps: Steps;
  built: BuiltApp;
  target: RunTarget;
  args: unknown[];
  detach: boolean;
  interactive: boolean;
  quiet: boolean;
  resultPath: string | undefined;
}

async function runTarget(context: CommandContext, job: RunJob): Promise<number> {
  const { terminal, env, programs } = context;
  const { connection, steps, built, detach, interactive, quiet } = job;
  const client = new ApiClient(connection);
  const logsTimeoutMs = findSetting('logsTimeoutMs', env).value;
  const stop = stopSignal();
  const request = { ephemeral: true, detach: detach || undefined, interactive: interactive || undefined };
  const lender = interactive
    ? new TerminalLender(context, { connection, onInterrupt: stop.interrupt })
    : undefined;
  const { signal } = stop;
  const reply = await publishApp({ client, built, request, steps, env, signal }).catch(unlessAborted(signal));
  if (!reply) return EXIT_CODES.interrupted;
  const { appId } = reply;
  if (!quiet) printPageLink(terminal, connection, reply);
  const screen = new LentScreen(terminal);
  const app = await EphemeralApp.open({
    ...{ appId, client, connection, terminal: screen.terminal, detach, quiet, logsTimeoutMs },
    lendTerminal: lender?.lend,
  });
  let code: number = EXIT_CODES.interrupted;
  try {
    const child = {
      request: toRunRequest(job, reply),
      appId,
      interactive,
      connection,
      env,
      programs,
      signal,
      screen,
    };
    if (!signal.aborted) code = await runChild(child);
  } finally {
    await app.close();
    // Ctrl-C in a lent terminal may be told after the end that it caused.
    if (!detach) await lender?.returned;
    stop.release();
    if (detach) terminal.note(`The app goes on; stop it with "gantry app stop ${appId}".`);
  }
  return signal.aborted ? EXIT_CODES.interrupted : code;
}

function toRunRequest(job: RunJob, { appId }: DeployReply): RunRequest {
  const { built, target, args, resultPath } = job;
  // Code in containers may ask questions where the lines would be.
  const showsMaps = !job.quiet && !job.interactive;
  const bundleUrl = pathToFileURL(path.join(built.folder, built.manifest.bundle.path)).href;
  if (target.type === 'entrypoint') {
    const name = target.entrypoint.name;
    return { bundleUrl, target: { type: 'entrypoint', name }, args, resultPath, showsMaps };
  }
  const { spec, method } = target;
  const classCount = spec.parameters.length;
  const given = spec.parameters.map((param, at) => [param.name, args[at]] as const);
  return {
    bundleUrl,
    resultPath,
    showsMaps,
    args: args.slice(classCount),
    target: {
      type: 'function',
      appId,
      name: spec.name,
      kind: spec.kind,
      method: method.name,
      isGenerator: isGenerator(target),
      parameters: Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    },
  };
}

/** Class parameters come before those of the method. */
function planOf(target: RunTarget): FlagPlan {
  if (target.type === 'entrypoint') return planFlags([], target.entrypoint.params);
  return planFlags(target.spec.parameters, target.method.params);
}

function isGenerator(target: RunTarget): boolean {
  if (target.type === 'entrypoint') return false;
  return target.method.handlerKind === 'generator' || target.method.handlerKind === 'asyncGenerator';
}

function docOf(target: RunTarget): Manifest['entrypoints'][number]['doc'] {
  return target.type === 'entrypoint' ? target.entrypoint.doc : (target.method.doc ?? target.spec.doc);
}
