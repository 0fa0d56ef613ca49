import { ContainerError } from '@gantry/protocol';

import { openStepNetwork } from '../builds/step-network.ts';

let opened: Promise<string> | undefined;

/**
 * Opens a network namespace in which packets of an ordinary user's containers are routed: once per process, with which it
 * ends. What leaves it leaves the machine as if the user had sent it.
 *
 * @returns Its path.
 */
export function openRouter(): Promise<string> {
  opened ??= open();
  opened.catch(() => (opened = undefined));
  return opened;
}

async function open(): Promise<string> {
  try {
    const network = await openStepNetwork();
    network.unref();
    return network.path;
  } catch (cause) {
    throw new ContainerError('containers get no network: "slirp4netns" does not work here', {
      hint: 'Install slirp4netns, and let this user open /dev/net/tun: "chmod 666 /dev/net/tun".',
      cause,
    });
  }
}
