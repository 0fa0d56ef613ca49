import { dirname, join, resolve } from 'node:path';

import { NotFoundError } from '@gantry/protocol';
import { type Client, NetworkFileSystem, Volume } from 'gantry';

import { type CommandContext, type CommandInput, CommandOptions, type CommandSpec } from '../command.ts';
import { plural, toSize } from '../terminal/units.ts';
import { download } from '../volumes/download.ts';
import { interruptible } from '../volumes/interruptible.ts';
import { printFiles } from '../volumes/print-files.ts';
import { ENVIRONMENT_OPTION, VOLUME_ARGUMENT, withClient, YES_OPTION } from '../volumes/volume-client.ts';
import { volumeDeleteCommand } from './volume-delete.ts';
import { volumeGetCommand } from './volume-get.ts';
import { volumeListCommand } from './volume-list.ts';
import { volumeLsCommand } from './volume-ls.ts';
import { volumePutCommand } from './volume-put.ts';
import { volumeRmCommand } from './volume-rm.ts';

// A network file system is the volume of its name, so its commands are those of volumes, but for a few that differ.

const NFS_ARGUMENT = { ...VOLUME_ARGUMENT, usage: '<name>', description: 'name of the network file system' };

const create: CommandSpec = {
  path: ['nfs', 'create'],
  summary: 'make a network file system, if there is none of the name',
  arguments: [NFS_ARGUMENT],
  options: [ENVIRONMENT_OPTION],
  examples: [['gantry nfs create shared', 'make the network file system "shared"']],
  async run(context, input) {
    const [name = ''] = input.arguments;
    await withClient(context, input, (client) =>
      NetworkFileSystem.fromName(name, { client, createIfMissing: true }).hydrate(),
    );
    const { terminal } = context;
    terminal.out(`There is a network file system ${terminal.style.bold(name)}. Give it to a function:`);
    terminal.note('');
    terminal.note(`  const ${identifier(name)} = NetworkFileSystem.fromName('${name}');`);
    terminal.note(`  app.function({ networkFileSystems: { '/mnt': ${identifier(name)} } }, …)`);
  },
};

const put: CommandSpec = {
  ...volumePutCommand,
  path: ['nfs', 'put'],
  summary: 'copy a file or a directory into a network file system, over what is there',
  arguments: [NFS_ARGUMENT, ...(volumePutCommand.arguments ?? []).slice(1)],
  options: [ENVIRONMENT_OPTION],
  examples: [['gantry nfs put shared notes.txt /notes/', 'the file becomes /notes/notes.txt']],
  run: (context, input) =>
    volumePutCommand.run(context, {
      ...input,
      options: new CommandOptions({ ...textOf(input), force: true }),
    }),
};

const get: CommandSpec = {
  ...volumeGetCommand,
  path: ['nfs', 'get'],
  summary: 'copy a file, a directory, or what a pattern matches to this machine',
  arguments: [
    NFS_ARGUMENT,
    {
      usage: '<remote>',
      description: 'file, directory, or pattern with * (in a name) and ** (any directories)',
    },
    ...(volumeGetCommand.arguments ?? []).slice(2),
  ],
  examples: [["gantry nfs get shared '/logs/**/*.txt' out", 'with the directories that they are in']],
  run: (context, input) =>
    input.arguments[1]?.includes('*') ? getMatching(context, input) : volumeGetCommand.run(context, input),
};

function getMatching(context: CommandContext, input: CommandInput): Promise<number | void> {
  return interruptible(context, (signal) =>
    withClient(context, input, (client) => getFiles(context, input, { client, signal })),
  );
}

async function getFiles(
  { terminal, cwd }: CommandContext,
  input: CommandInput,
  { client, signal }: { client: Client; signal: AbortSignal },
): Promise<void> {
  const [name = '', pattern = '', local = '.'] = input.arguments;
  const found = await NetworkFileSystem.fromName(name, { client }).listdir(pattern);
  const files = found.filter(({ type }) => type !== 'directory');
  if (files.length === 0) {
    throw new NotFoundError(`nothing in "${name}" matches "${pattern}"`, {
      hint: 'Quote the pattern: else the shell looks for files of this machine.',
    });
  }
  const volume = Volume.fromName(name, { client });
  if (local === '-') return await printFiles(volume, files, { out: process.stdout, signal });
  let bytes = 0;
  for (const { path } of files) {
    const target = join(resolve(cwd, local), dirname(path));
    const options = { force: input.options.flag('force'), onProgress: () => undefined, signal };
    bytes += (await download(volume, { remote: path, local: `${target}/` }, options)).doneBytes;
    terminal.progress(`${path} of ${plural(files.length, 'file')}`);
  }
  terminal.out(`Got ${plural(files.length, 'file')}, ${toSize(bytes)}, from "${name}".`);
}

const list: CommandSpec = {
  ...volumeListCommand,
  path: ['nfs', 'list'],
  summary: 'list network file systems, which are volumes',
  examples: [['gantry nfs list', 'those of the environment']],
};

const ls: CommandSpec = {
  ...volumeLsCommand,
  path: ['nfs', 'ls'],
  summary: 'list files of a network file system',
  arguments: [NFS_ARGUMENT, ...(volumeLsCommand.arguments ?? []).slice(1)],
  examples: [['gantry nfs ls shared /notes', 'what is in a directory']],
};

const rm: CommandSpec = {
  ...volumeRmCommand,
  path: ['nfs', 'rm'],
  summary: 'remove a file or a directory of a network file system',
  arguments: [NFS_ARGUMENT, ...(volumeRmCommand.arguments ?? []).slice(1)],
  examples: [['gantry nfs rm -r shared /notes', 'remove a directory']],
};

const remove: CommandSpec = {
  ...volumeDeleteCommand,
  path: ['nfs', 'delete'],
  summary: 'delete a network file system and all its files',
  arguments: [NFS_ARGUMENT],
  options: [YES_OPTION, ENVIRONMENT_OPTION],
  examples: [['gantry nfs delete shared', 'asks before it deletes']],
};

export const nfsCommands: readonly CommandSpec[] = [create, list, ls, put, get, rm, remove];

function textOf({ options }: CommandInput): Record<string, unknown> {
  return { env: options.text('env') };
}

/** The name as code can have it. */
function identifier(name: string): string {
  const words = name.replace(
    /[^A-Za-z0-9]+(.)?/g,
    (_, letter: string | undefined) => letter?.toUpperCase() ?? '',
  );
  return /^[A-Za-z]/.test(words) ? words : 'shared';
}
