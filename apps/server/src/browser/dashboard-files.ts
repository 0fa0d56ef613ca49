import { readdir, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file that a browser may have. */
export interface DashboardFile {
  type: string;
  bytes: Uint8Array<ArrayBuffer>;
  zipped: Uint8Array<ArrayBuffer>;
}

/** The built dashboard, read once it is asked for. Only what lay in its folder then has a name here. */
export class DashboardFiles {
  readonly #folder: string | undefined;
  #files: Promise<ReadonlyMap<string, DashboardFile>> | undefined;

  /** Without a folder, or with one that is not there, there are no files. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** By a path such as `assets/index-a1b2.js`. */
  async find(path: string): Promise<DashboardFile | undefined> {
    this.#files ??= readFiles(this.#folder);
    const files = await this.#files;
    // It may be built later.
    if (files.size === 0) this.#files = undefined;
    return files.get(path);
  }
}

async function readFiles(folder: string | undefined): Promise<ReadonlyMap<string, DashboardFile>> {
  const files = new Map<string, DashboardFile>();
  if (folder === undefined) return files;
  const paths = await readdir(folder, { recursive: true }).catch(() => []);
  for (const path of paths) {
    const type = TYPES[extname(path)];
    if (type === undefined) continue;
    const bytes = new Uint8Array(await readFile(join(folder, path)));
    files.set(path.replaceAll(sep, '/'), { type, bytes, zipped: new Uint8Array(gzipSync(bytes)) });
  }
  return files;
}
