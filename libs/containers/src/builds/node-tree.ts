import { cp, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { BuildError, isGantryError } from '@gantry/protocol';

import { runTool, type ToolOptions } from './tool-process.ts';

/** What comes after Node's major version when npm is picked. */
const NPM_OF_NODE: Partial<Record<string, string>> = { '18': '10', '20': '10', '22': '10' };
const NEWEST_NPM = '11';

/** Node of a version, and npm, under `/usr/local` of a tar. Both come from the npm registry that npm here uses. */
export async function nodeTree(
  version: string,
  folder: string,
  options: ToolOptions & { use(tar: Readable): Promise<void> },
): Promise<void> {
  // What npm says of its downloads is of no interest to who builds an image.
  const { use, onLine: _unheard, ...rest } = options;
  const [program, npm] = [join(folder, 'node'), join(folder, 'npm')];
  await unpack(`node-linux-${arch()}@${version}`, program, rest);
  const { version: exact } = JSON.parse(await readFile(join(program, 'package.json'), 'utf8')) as {
    version: string;
  };
  const major = exact.split('.')[0] ?? '';
  await unpack(`npm@${NPM_OF_NODE[major] ?? NEWEST_NPM}`, npm, rest);
  const root = join(folder, 'root');
  const bin = join(root, 'usr', 'local', 'bin');
  const modules = join(root, 'usr', 'local', 'lib', 'node_modules');
  await mkdir(bin, { recursive: true });
  await mkdir(modules, { recursive: true });
  await cp(join(program, 'bin', 'node'), join(bin, 'node'));
  await cp(npm, join(modules, 'npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mtime=@0'];
  await runTool('tar', ['-C', root, ...owner, '-c', 'usr'], { ...rest, stdout: use });
  await rm(folder, { recursive: true });
}

async function unpack(name: string, folder: string, options: ToolOptions): Promise<void> {
  await mkdir(folder, { recursive: true });
  try {
    await runTool('npm', ['pack', '--silent', '--pack-destination', folder, name], options);
  } catch (cause) {
    if (!isGantryError(cause)) throw cause;
    throw new BuildError(`"${name}" does not come from the npm registry`, {
      cause,
      hint: 'Ask for a version of Node that exists, such as "24" or "22.12.0", and check that npm works on the server.',
      details: cause.details,
    });
  }
  const [archive = ''] = await readdir(folder);
  await runTool('tar', ['-C', folder, '--strip-components=1', '-xzf', join(folder, archive)], options);
  await rm(join(folder, archive));
}
