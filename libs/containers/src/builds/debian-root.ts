import { access, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';

import { BuildError } from '@gantry/protocol';

import { runTool, type ToolOptions } from './tool-process.ts';

const SOURCES = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'];

/** Release of this machine's Debian, such as `bookworm`; undefined on other systems. */
export async function ownDebianSuite(): Promise<string | undefined> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(release)?.[1];
  return field('ID') === 'debian' ? field('VERSION_CODENAME') : undefined;
}

/** Makes a Debian of as few packages as can be, from this machine's own package sources, as a tar. */
export async function debianRoot(
  { suite, packages }: { suite: string; packages: readonly string[] },
  options: ToolOptions & { use(tar: Readable): Promise<void> },
): Promise<void> {
  const sources = await ownSources();
  const args = [
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    '--format=tar',
    suite,
    '-',
    ...sources,
  ];
  const { use, ...rest } = options;
  await runTool('mmdebstrap', args, { ...rest, stdout: use });
}

/** What of this machine decides about such a Debian. */
export async function debianSources(): Promise<string> {
  const texts = await Promise.all((await ownSources()).map((path) => readFile(path, 'utf8')));
  return texts.join('\n');
}

async function ownSources(): Promise<string[]> {
  const present = await Promise.all(
    SOURCES.map((path) =>
      access(path).then(
        () => path,
        () => undefined,
      ),
    ),
  );
  const found = present.filter((path) => path !== undefined);
  if (found.length > 0) return found;
  throw new BuildError('this machine has no sources of Debian packages to make a base of', {
    hint: `Deploy to a server with one of ${SOURCES.join(', ')}, or begin with Image.fromRegistry().`,
  });
}
