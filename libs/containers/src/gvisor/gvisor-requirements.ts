import { spawnSync } from 'node:child_process';

import type { RuncProblem } from '../runc/requirements.ts';

const INSTALL = 'Install a release of today as https://gvisor.dev/docs/user_guide/install says';
const OR_ANOTHER =
  'or use "--oci-runtime runc" or crun, with which containers share the kernel of the machine.';

/** What this machine's gVisor lacks; undefined if nothing is known to be missing. Whether it runs, a trial tells. */
export function findGvisorProblem(program: string): RuncProblem | undefined {
  const { error, stdout, stderr } = spawnSync(program, ['help', 'run'], { encoding: 'utf8' });
  if (error) return { message: `there is no gVisor ("${program}")`, hint: `${INSTALL}, ${OR_ANOTHER}` };
  // The runner speaks over a file that the runtime must leave open.
  if (`${stdout}${stderr}`.includes('-pass-fd')) return undefined;
  return {
    message: `this gVisor ("${program}") is too old: "run" has no option --pass-fd, as in the package of Debian 12`,
    hint: `${INSTALL}, ${OR_ANOTHER}`,
  };
}
