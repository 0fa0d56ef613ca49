import { createHash } from 'node:crypto';
import { constants, createReadStream, createWriteStream, existsSync, statSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants as zlibConstants, createGzip } from 'node:zlib';

import type { PlacedPackage } from './package-closure.ts';
import { tarEnd, tarEntry } from './tar.ts';

// Part of the cache key: archives of an older layout are not taken.
const ARCHIVE_FORMAT = 1;

const NEVER_PACKED = new Set(['node_modules', '.git', '.github', '.bin', '.cache']);
const NOT_AT_TOP = new Set([
  'test',
  'tests',
  '__tests__',
  'docs',
  'doc',
  'example',
  'examples',
  'coverage',
  'bench',
]);
const NOT_FOR_RUN_TIME = /\.(?:map|md|markdown|flow|tsbuildinfo|[cm]?ts|tsx|gyp|gypi|o|a|cc|cpp|h|hpp)$/i;

// The compiler reads its library declarations when it runs.
const KEEPS_ALL_FILES = new Set(['typescript']);

/**
 * Writes packages into one `tar.gz`, or copies the archive that an earlier build of the same set left in
 * `node_modules/.cache/gantry`.
 */
export async function writePackageArchive(
  packages: readonly PlacedPackage[],
  options: { file: string; projectRoot: string },
): Promise<void> {
  const folder = cacheFolder(options.projectRoot);
  if (folder === undefined) return pack(packages, options.file);
  const cached = join(folder, `packages-${cacheKey(packages)}.tar.gz`);
  if (!existsSync(cached)) {
    await mkdir(folder, { recursive: true });
    await pack(packages, cached);
  }
  await copyFile(cached, options.file, constants.COPYFILE_FICLONE);
}

/** SHA-256 and size of a file, as a manifest names it. */
export async function describeFile(file: string): Promise<{ digest: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return { digest: `sha256-${hash.digest('hex')}`, sizeBytes: (await stat(file)).size };
}

/** Each name and version once, sorted. */
export function uniqueByName(
  contents: { name: string; version: string }[],
): { name: string; version: string }[] {
  const keys = contents.map(({ name, version }) => `${name}\0${version}`);
  return [...new Set(keys)].sort().map((key) => {
    const [name = '', version = ''] = key.split('\0');
    return { name, version };
  });
}

function cacheKey(packages: readonly PlacedPackage[]): string {
  const set = packages.map(({ path, name, version }) => `${path}=${name}@${version}`);
  const facts = [ARCHIVE_FORMAT, process.platform, process.arch, ...set].join('\n');
  return createHash('sha256').update(facts).digest('hex').slice(0, 32);
}

/** Where builds of a project keep what they can use again; undefined without a `node_modules` folder. */
export function cacheFolder(projectRoot: string): string | undefined {
  for (let current = projectRoot; ; current = dirname(current)) {
    const candidate = join(current, 'node_modules');
    if (existsSync(candidate) && statSync(candidate).isDirectory())
      return join(candidate, '.cache', 'gantry');
    if (dirname(current) === current) return undefined;
  }
}

async function pack(packages: readonly PlacedPackage[], file: string): Promise<void> {
  // Two builds may pack the same set at once; each writes its own file and the last rename wins.
  const partial = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  const gzip = createGzip({ level: zlibConstants.Z_BEST_SPEED });
  try {
    await pipeline(Readable.from(archive(packages)), gzip, createWriteStream(partial));
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

async function* archive(packages: readonly PlacedPackage[]): AsyncGenerator<Uint8Array> {
  for (const item of packages) {
    const keepAll = KEEPS_ALL_FILES.has(item.name);
    for (const path of await listFiles(item.root, '', keepAll)) {
      const file = join(item.root, path);
      const executable = ((await stat(file)).mode & 0o100) !== 0;
      yield* tarEntry({ path: `${item.path}/${path}`, executable, content: await readFile(file) });
    }
  }
  yield tarEnd();
}

async function listFiles(root: string, folder: string, keepAll: boolean): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  entries.sort((left, right) => (left.name < right.name ? -1 : 1));
  for (const entry of entries) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (NEVER_PACKED.has(entry.name) || (!keepAll && folder === '' && NOT_AT_TOP.has(entry.name))) continue;
    if (entry.isDirectory()) found.push(...(await listFiles(root, path, keepAll)));
    else if (entry.isFile() && (keepAll || !NOT_FOR_RUN_TIME.test(entry.name))) found.push(path);
  }
  return found;
}
