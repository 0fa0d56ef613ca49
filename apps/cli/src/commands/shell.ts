import { isId, type FunctionSpec } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandContext, type CommandInput, type CommandSpec } from '../command.ts';
import { openBuild, type BuiltApp } from '../deploy/build-input.ts';
import { buildWithSteps, publishApp } from '../deploy/publish-app.ts';
import { createSteps } from '../deploy/steps.ts';
import { BLANK_APP_OPTIONS, blankApp, givenBlankOption } from '../exec/blank-app.ts';
import { runInContainer, type ProgramRun } from '../exec/run-in-container.ts';
import { chooseShellFunction, manifestForShell } from '../exec/shell-function.ts';
import { holdApp } from '../run/hold-app.ts';
import { appPartOf, parseTarget } from '../run/target.ts';
import { UsageError } from '../usage-error.ts';

const BEST_SHELL = 'if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi';

export const shellCommand: CommandSpec = {
  path: ['shell'],
  summary: 'open a shell in a running container, or in a new one made for a function',
  details:
    'In a running container, the shell has its environment and its files, and ends with it. For a function, a container ' +
    'is started as those of the function are: with its image, environment, secrets and limits. Its code is not ' +
    'run, and the container ends with the shell. Without a target, the flags say what the container has. ' +
    'Without a terminal here, the shell reads its lines from standard input.',
  arguments: [
    {
      usage: '[target]',
      description: 'id of a container (ta-…), <file>, or <file>::<function or class>; else a new container',
    },
  ],
  options: [
    { flags: '-c, --cmd <line>', description: 'run a line of shell instead', fallback: 'bash, else sh' },
    ...SHARED_OPTIONS.pty,
    SHARED_OPTIONS.module,
    SHARED_OPTIONS.environment,
    ...BLANK_APP_OPTIONS,
  ],
  examples: [
    ['gantry shell', 'a shell in a new container'],
    ['gantry shell --image python:3.12 --cpu 4', 'one with an image of a registry, and four cores'],
    ['gantry shell --volume models --volume runs', 'one with two volumes, below /mnt'],
    ['gantry shell ta-1', 'a shell in a running container'],
    ['gantry shell src/app.ts::square', 'a shell in a new container of a function'],
    ["gantry shell src/app.ts::Ocr -c 'tesseract --version'", 'one line in a new container of a class'],
    ['gantry shell ta-1 < script.sh', 'lines from a file'],
  ],
  async run(context, input) {
    const { options } = input;
    const [target] = input.arguments;
    const run = {
      connection: findConnection(context.env, { environment: options.text('env') }),
      command: ['sh', '-c', options.text('cmd') ?? BEST_SHELL],
      pty: options.given('pty'),
    };
    if (target === undefined) {
      return await shellOfApp(
        context,
        blankApp(options, context.version, await hasOwnRoot(run.connection)),
        run,
      );
    }
    const flag = givenBlankOption(options);
    if (flag !== undefined) {
      throw new UsageError(`--${flag} goes without a target`, {
        hint: `What "${target}" is made of says its app: leave the flag out, or the target.`,
      });
    }
    if (!isId(target, 'ta')) return await shellOfFunction(context, input, run);
    return await runInContainer(context, { ...run, path: `/v1/containers/${target}/exec` });
  },
};

/** Whether containers have a file system of their own, as far as workers have said. */
async function hasOwnRoot(connection: ProgramRun['connection']): Promise<boolean> {
  const { drivers } = await new ApiClient(connection).hello();
  return drivers.length === 0 || drivers.some(({ images }) => images);
}

async function shellOfFunction(
  context: CommandContext,
  input: CommandInput,
  run: Omit<ProgramRun, 'path'>,
): Promise<number> {
  const text = parseTarget(input.arguments[0] ?? '');
  const module = input.options.flag('module');
  const opened = await openBuild(text.file, {
    cwd: context.cwd,
    env: context.env,
    app: appPartOf(text),
    module,
  });
  const built = await buildWithSteps(opened, createSteps(context.terminal));
  const spec: FunctionSpec = await chooseShellFunction(built, text.name);
  return await shellOfApp(context, { ...built, manifest: manifestForShell(built.manifest, spec) }, run);
}

/** Publishes an app of one function, which ends with the shell. */
async function shellOfApp(
  context: CommandContext,
  built: BuiltApp,
  run: Omit<ProgramRun, 'path'>,
): Promise<number> {
  const client = new ApiClient(run.connection);
  const { terminal, env } = context;
  const steps = createSteps(terminal);
  const reply = await publishApp({ client, built, request: { ephemeral: true }, steps, env });
  const hold = await holdApp(run.connection, reply.appId);
  try {
    const [made] = reply.functions;
    return await runInContainer(context, { ...run, path: `/v1/functions/${made?.id ?? ''}/shell` });
  } finally {
    // If this fails, the platform ends the app all the same: nobody holds it any more.
    await client.stopApp(reply.appId).catch(() => undefined);
    await hold.close();
  }
}
