import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import type { RunProgram } from './trust-store.ts';

/** Of the Debian package libnss3-tools. */
const PROGRAM = 'certutil';
/** Below a home: where Chromium keeps its authorities, and the folders of Firefox with one store for each profile. */
const CHROMIUM = '.pki/nssdb';
const FIREFOX = ['.mozilla/firefox', 'snap/firefox/common/.mozilla/firefox'];
const DATABASE = 'cert9.db';

export interface BrowserStoresOptions {
  env: Readonly<Record<string, string | undefined>>;
  run: RunProgram;
  /** Where users and their homes are. @defaultValue /etc/passwd */
  users?: string;
}

export interface BrowserStores {
  /** Stores that were changed. */
  changed: string[];
  /** Stores that could not be, and why. */
  left: { store: string; reason: string }[];
}

/**
 * Has the browsers of whoever asked (behind sudo, too) trust an authority, or no longer: Chromium and Firefox on Linux do
 * not look at that of the system.
 */
export async function changeBrowserStores(
  { file, name, remove }: { file: string; name: string; remove: boolean },
  options: BrowserStoresOptions,
): Promise<BrowserStores> {
  const result: BrowserStores = { changed: [], left: [] };
  const { user, home } = await ownerOf(options);
  if (home === undefined) return result;
  for (const store of await storesIn(home)) {
    const act = remove ? ['-D'] : ['-A', '-t', 'C,,', '-i', file];
    const args = ['-d', `sql:${store}`, '-n', name, ...act];
    try {
      // As the user whose files they are, so that they stay so.
      if (user === undefined) await options.run(PROGRAM, args);
      else await options.run('sudo', ['-u', user, PROGRAM, ...args]);
      result.changed.push(store);
    } catch (error) {
      // What was never trusted need not be removed.
      if (!remove || isMissing(error)) result.left.push({ store, reason: reasonOf(error) });
    }
  }
  return result;
}

/** `user` is set where this program runs as another one. */
async function ownerOf({ env, users = '/etc/passwd' }: BrowserStoresOptions) {
  const user = env['SUDO_USER'];
  if (!user) return { user: undefined, home: env['HOME'] };
  const text = await readFile(users, 'utf8').catch(() => '');
  const line = text.split('\n').find((each) => each.startsWith(`${user}:`));
  return { user, home: line?.split(':')[5] };
}

async function storesIn(home: string): Promise<string[]> {
  const candidates = [path.join(home, CHROMIUM)];
  for (const folder of FIREFOX.map((each) => path.join(home, each))) {
    const profiles = await readdir(folder).catch(() => []);
    candidates.push(...profiles.sort().map((profile) => path.join(folder, profile)));
  }
  const isStore = await Promise.all(
    candidates.map((folder) =>
      access(path.join(folder, DATABASE)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return candidates.filter((_, index) => isStore[index]);
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function reasonOf(error: unknown): string {
  if (isMissing(error))
    return `there is no "${PROGRAM}": install libnss3-tools (Debian) or nss-tools (Fedora)`;
  return error instanceof Error ? error.message : String(error);
}
