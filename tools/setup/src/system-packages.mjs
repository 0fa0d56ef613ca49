import { SetupError } from './report.mjs';
import { findProgram, mustRun } from './run-program.mjs';

/** Installs a Debian package; fails with a `SetupError` where that is not possible. */
export async function aptInstall(name) {
  const aptGet = findProgram('apt-get');
  if (aptGet === undefined) throw new SetupError(`there is no apt-get to install "${name}" with`);
  if (process.getuid?.() !== 0) {
    throw new SetupError(`only root can install "${name}"`, {
      hint: `Run \`sudo apt-get install ${name}\`.`,
    });
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const flags = ['-y', '--no-install-recommends'];
  await mustRun(aptGet, ['update', '-qq'], { env });
  await mustRun(aptGet, ['install', ...flags, name], { env });
}
