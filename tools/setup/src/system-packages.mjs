import { SetupError, step } from './report.mjs';
import { findProgram, mustRun, runProgram } from './run-program.mjs';

/** Installs Debian packages, as root or by a sudo that asks nothing; else fails with a `SetupError` that says how. */
export async function aptInstall(...names) {
  const name = names.join(' ');
  const aptGet = findProgram('apt-get');
  if (aptGet === undefined) throw new SetupError(`there is no apt-get to install "${name}" with`);
  const prefix = await rootPrefix();
  if (prefix === undefined) {
    throw new SetupError(`only root can install "${name}"`, {
      hint: `Run \`sudo apt-get install ${name}\`, and this again.`,
    });
  }
  const [program, ...args] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', aptGet];
  await step(`Install the system's ${names.length === 1 ? 'package' : 'packages'} ${name}`, async () => {
    await mustRun(program, [...args, 'update', '-qq']);
    await mustRun(program, [...args, 'install', '-y', '--no-install-recommends', ...names]);
  });
}

/** What to put before a program so that it runs as root; undefined where nothing does without a question. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  const sudo = findProgram('sudo');
  if (sudo === undefined || (await runProgram(sudo, ['-n', 'true'])).code !== 0) return undefined;
  return [sudo, '-n'];
}
