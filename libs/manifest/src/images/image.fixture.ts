import { execFileSync } from 'node:child_process';
import { lstat, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ImageSpec } from '@gantry/protocol';

import type { FixtureProject } from '../project.fixture.ts';

const HEAD = `import { App, FilePatternMatcher, Image, Secret } from 'gantry';
export const app = new App('shop');
`;

/** An app with one function; its image is the third line of the file. */
export function appWith(image: string, body = '1'): string {
  return `${HEAD}const image = ${image};\nexport const f = app.function({ image }, async () => ${body});\n`;
}

/** Builds, and returns the first image. */
export async function imageOf(project: FixtureProject): Promise<ImageSpec> {
  const { manifest } = await project.build();
  const image = manifest.images?.[0];
  if (!image) throw new Error('the manifest has no image');
  return image;
}

/** Names in an archive of a build, with what follows a link or marks a program. */
export async function contentOf(project: FixtureProject, path = ''): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-archive-'));
  try {
    execFileSync('tar', ['-xzf', join(project.outDir, path), '-C', folder]);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory());
    const names = files.map(async (entry) => {
      const file = join(entry.parentPath, entry.name);
      const name = file.slice(folder.length + 1);
      if (entry.isSymbolicLink()) return `${name} -> ${await readlink(file)}`;
      return (await lstat(file)).mode & 0o100 ? `${name}*` : name;
    });
    return (await Promise.all(names)).sort();
  } finally {
    await rm(folder, { recursive: true });
  }
}
