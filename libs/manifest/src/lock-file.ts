import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

import type { InstalledPackage } from './installed-packages.ts';
import { toBuildError } from './mistake.ts';

interface PackageLock {
  packages?: Record<string, { version?: string; link?: boolean }>;
}

/**
 * Checks that packages are installed in the versions of the `package-lock.json` above them. Without a lock
 * file, what is installed is what counts.
 *
 * @throws BuildError naming each package that differs.
 */
export function assertLocked(packages: readonly InstalledPackage[]): void {
  const locks = new Map<string, PackageLock | undefined>();
  const differences: string[] = [];
  for (const item of packages) {
    const folder = lockFolder(item.root);
    if (folder === undefined) continue;
    if (!locks.has(folder)) locks.set(folder, readLock(folder));
    const locked = locks.get(folder)?.packages?.[relative(folder, item.root).split(sep).join('/')];
    if (locked?.version !== undefined && locked.version !== item.version) {
      differences.push(`"${item.name}" is installed as ${item.version}, but locked as ${locked.version}`);
    }
  }
  if (differences.length === 0) return;
  throw toBuildError(differences.map((what) => ({ file: 'package-lock.json', what, hint: 'Run: npm ci' })));
}

function lockFolder(root: string): string | undefined {
  for (let current = dirname(root); ; current = dirname(current)) {
    if (existsSync(join(current, 'package-lock.json'))) return current;
    if (dirname(current) === current) return undefined;
  }
}

function readLock(folder: string): PackageLock {
  return JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as PackageLock;
}
