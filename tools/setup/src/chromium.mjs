import { warn } from './report.mjs';
import { findProgram } from './run-program.mjs';
import { aptInstall } from './system-packages.mjs';

/** Installs a browser for the tests of pages, where this is Linux and root. Without one they are skipped, and this says so. */
export async function ensureChromium() {
  if (findProgram('chromium') !== undefined) return;
  const consequence = 'so tests of pages in a browser are SKIPPED';
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    warn(`There is no program "chromium", ${consequence}.`);
    return;
  }
  try {
    await aptInstall('chromium');
  } catch (error) {
    warn(`Chromium could not be installed, ${consequence}: ${error.message}`);
  }
}
