import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';

const FOLDERS = ['apps', 'libs', 'tools/setup'];
const FILES = ['tsconfig.base.json', 'package-lock.json'];
const IGNORED = new Set(['node_modules', 'dist', 'testdata']);
const SOURCE = /\.(ts|tsx|mjs|json|css|html|svg)$/;
const TEST = /\.(test|contract|fixture)\.(ts|mjs)$/;

/**
 * A digest that changes when any file changes from which the platform is built; reads sizes and times only.
 *
 * @param {string[]} [folders] What counts, when it is not all of it.
 */
export async function sourceStamp(folders = FOLDERS) {
  const paths = (await Promise.all(folders.map(sourcesBelow))).flat();
  const lines = await Promise.all([...FILES, ...paths.sort()].map(describe));
  return createHash('sha256')
    .update(`${process.version}\n${lines.join('\n')}`)
    .digest('hex');
}

async function describe(path) {
  const { size, mtimeMs } = await stat(join(ROOT, path));
  return `${path} ${size} ${mtimeMs}`;
}

async function sourcesBelow(folder) {
  const entries = await readdir(join(ROOT, folder), { withFileTypes: true });
  const found = entries.map((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return IGNORED.has(entry.name) ? [] : sourcesBelow(path);
    return SOURCE.test(entry.name) && !TEST.test(entry.name) ? [path] : [];
  });
  return (await Promise.all(found)).flat();
}
