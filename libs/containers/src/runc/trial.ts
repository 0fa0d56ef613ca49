import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import type { Container, ContainerDriver } from '../container-driver.ts';
import { openOciDriver } from '../oci-driver.ts';
import type { RuncProblem } from './requirements.ts';
import type { RuncDriverOptions } from './runc-driver.ts';

/** Instead of the runner: says over its channel that Node runs, and ends with it. */
const SIGN =
  "const channel = new (require('node:net').Socket)({ fd: 3 }); channel.write('up'); channel.resume();";
const LIMIT_MS = 30_000;
const HINT =
  'Isolated containers need all rights of root, which programs in other containers often lack. ' +
  'Change what the message names, or say "--driver process".';

/**
 * Starts a container as functions have them, with limits, a disk and a network, and ends it: what a machine refuses,
 * such as mounts inside of another container, shows in no other way.
 *
 * @returns why none can run here; undefined if it ran.
 */
export async function tryRunc(
  options: Pick<RuncDriverOptions, 'dataDir' | 'runnerPath' | 'nodePath' | 'ociRuntime'> & {
    diskMiB: number;
  },
): Promise<RuncProblem | undefined> {
  const { diskMiB, ...rest } = options;
  let driver: ContainerDriver | undefined;
  try {
    driver = openOciDriver({ ...rest, nodeFlags: ['--eval', SIGN] });
    const limits = { cpu: 0.1, memoryMiB: 256, diskMiB };
    const container = await driver.start({ id: `trial-${process.pid}`, limits });
    const problem = await withinLimit(signOf(container));
    return problem === undefined ? undefined : { message: `a trial container ${problem}`, hint: HINT };
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
    return { message, hint: HINT };
  } finally {
    await driver?.close();
  }
}

/** What went wrong; undefined if code runs in the container. */
async function signOf(container: Container): Promise<string | undefined> {
  container.stdout.resume();
  const up = once(container.channel, 'data').then(() => undefined);
  const ended = Promise.all([container.exited, text(container.stderr)]).then(([{ code, signal }, said]) => {
    const reason = said.trim().split('\n')[0];
    return `ended with ${code ?? signal}${reason ? `: ${reason}` : ''}`;
  });
  return Promise.race([up, ended]);
}

function withinLimit(sign: Promise<string | undefined>): Promise<string | undefined> {
  const limit = delay(LIMIT_MS, `did not run within ${LIMIT_MS / 1000} s`, { ref: false });
  return Promise.race([sign, limit]);
}
