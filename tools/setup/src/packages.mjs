import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';
import { step } from './report.mjs';
import { npm } from './run-program.mjs';

/** Installs the npm packages of the lock file, unless exactly these are installed already. */
export async function ensurePackages() {
  if (await areInstalled()) return;
  await step('Install the npm packages of package-lock.json', () =>
    npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      hint: 'Check that the npm registry can be reached; if package.json changed, run `npm install --ignore-scripts`.',
    }),
  );
}

// npm keeps a copy of what it installed, written last: it is absent or older after a broken install.
async function areInstalled() {
  const [wanted, installed] = await Promise.all([
    packagesOf(join(ROOT, 'package-lock.json')),
    packagesOf(join(ROOT, 'node_modules', '.package-lock.json')),
  ]);
  return coversAll(wanted, installed);
}

/** Whether every package of a lock file is installed in its version; optional ones may be missing. */
export function coversAll(wanted, installed) {
  return Object.entries(wanted)
    .filter(([path]) => path.includes('node_modules/'))
    .every(([path, { version, optional }]) => {
      const present = installed[path];
      return present === undefined ? optional === true : present.version === version;
    });
}

async function packagesOf(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}
