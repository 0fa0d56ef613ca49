import { access, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';

import { BuildError } from '@gantry/protocol';

import { runTool, type ToolOptions } from './tool-process.ts';

const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Package sources of a Debian. */
export const SOURCES = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'];

/** Release of this machine's Debian, such as `bookworm`; undefined on other systems. */
export async function ownDebianSuite(): Promise<string | undefined> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(release)?.[1];
  return field('ID') === 'debian' ? field('VERSION_CODENAME') : undefined;
}

/** Makes a Debian of as few packages as can be, as a tar. Package sources are those of this machine, where it is a Debian. */
export async function debianRoot(
  { suite, packages }: { suite: string; packages: readonly string[] },
  { folder, use, ...rest }: ToolOptions & { folder: string; use(tar: Readable): Promise<void> },
): Promise<void> {
  const sources = await sourcesOf(suite);
  const files = await Promise.all(
    sources.map(async ({ name, text }) => {
      const path = join(folder, name);
      await writeFile(path, text);
      return path;
    }),
  );
  const args = ['--variant=minbase', `--include=${packages.join(',')}`, '--format=tar', suite, '-', ...files];
  await runTool('mmdebstrap', args, { ...rest, stdout: use });
}

/** What of this machine decides about such a Debian. */
export async function debianSources(suite: string): Promise<string> {
  return (await sourcesOf(suite)).map(({ text }) => text).join('\n');
}

/** None where this machine is no Debian: mmdebstrap knows those of Debian itself, and needs its keys. */
async function sourcesOf(suite: string): Promise<{ name: string; text: string }[]> {
  const own = await ownDebianSuite();
  const read = SOURCES.map(async (path) => ({
    name: basename(path),
    text: await readFile(path, 'utf8').catch(() => ''),
  }));
  const found = (await Promise.all(read)).filter(({ text }) => text !== '');
  if (own !== undefined && found.length > 0) {
    // Also those of its updates, such as `bookworm-security`.
    return found.map(({ name, text }) => ({ name, text: text.replaceAll(own, suite) }));
  }
  await access(KEYS).catch((cause: unknown) => {
    throw new BuildError("this machine has no keys of Debian's packages to make a base of", {
      cause,
      hint: 'Install debian-archive-keyring where the server runs, or begin with Image.fromRegistry().',
    });
  });
  return [];
}
