import { randomInt } from 'node:crypto';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { PRIVATE_HOST_NAME, privateAddressBytes } from '@gantry/protocol';

import type { PrivateLink } from '../container-driver.ts';
import { PRIVATE_MTU } from './private-router.ts';

/** More than there are tries, so that none gets beyond four digits. */
const SPARE_NUMBERS = 16;

/** For `join_private` of {@link PRIVATE_LINK_SCRIPT}. */
export function privateLinkWords({ address, router = '' }: PrivateLink): string {
  const digits = Buffer.from(privateAddressBytes(address)).toString('hex');
  const number = randomInt(1, 0x1_0000 - SPARE_NUMBERS);
  return [router, number, digits, digits.slice(0, 12), PRIVATE_MTU].join(' ');
}

/** Writes what a container has for `/etc/hosts`. */
export function writeHosts(folder: string, { address }: PrivateLink): string {
  const path = join(folder, 'hosts');
  writeFileSync(path, `127.0.0.1 localhost\n::1 localhost\n${address} ${PRIVATE_HOST_NAME}\n`);
  return path;
}

/** Whether packets can leave this machine's namespaces for other workers. */
export function hasTunnels(): boolean {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
