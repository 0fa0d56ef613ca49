import { randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';

import { isRootless } from '../rootless/user-namespace.ts';
import { openRouter } from '../rootless/router.ts';
import { LINK_PREFIX, SUBNET } from './network-script.ts';
import { runTool } from './run-tool.ts';

/** More than there are tries, so that none gets beyond the subnet. */
const SPARE_NUMBERS = 16;

/** The way out of one container: where packets are routed, nothing for this process's own namespace, and its number. */
export interface Network {
  router: string;
  number: number;
}

/**
 * The rules that let containers out, and nothing in.
 *
 * Invariants
 *   N1. From a container, nothing reaches the machine itself or another container.
 *   N2. To a container, nothing goes but answers.
 */
const rules = (machine: string): string => `
add table inet gantry
flush table inet gantry
table inet gantry {
  chain input {
    type filter hook input priority 0;
    iifname "${LINK_PREFIX}*" drop
  }
  chain forward {
    type filter hook forward priority 0;
    iifname "${LINK_PREFIX}*" oifname "${LINK_PREFIX}*" drop
    iifname "${LINK_PREFIX}*" ip saddr != ${SUBNET.join('.')}.0.0/16 drop
    iifname "${LINK_PREFIX}*" meta nfproto ipv6 drop
${machine === '' ? '' : `    iifname "${LINK_PREFIX}*" ip daddr { ${machine} } drop`}
    oifname "${LINK_PREFIX}*" ct state established,related accept
    oifname "${LINK_PREFIX}*" drop
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr ${SUBNET.join('.')}.0.0/16 oifname != "${LINK_PREFIX}*" masquerade
  }
}
`;

let prepared: { machine: string; router: Promise<string> } | undefined;

/**
 * Lets this machine route for containers, by the same rules for all its workers; an ordinary user's packets are routed in
 * a namespace of this process, which leads out as the user does. So what the machine calls itself is not "beyond" there.
 *
 * @throws ContainerError if the machine lacks what is needed for that.
 */
export async function prepareNetwork(): Promise<Network> {
  const machine = isRootless() ? ownAddresses().join(', ') : '';
  if (prepared?.machine !== machine) {
    const router = prepare(machine);
    prepared = { machine, router };
    router.catch(() => (prepared = undefined));
  }
  return { router: await prepared.router, number: randomInt(1, 0x1_0000 - SPARE_NUMBERS) };
}

async function prepare(machine: string): Promise<string> {
  const router = isRootless() ? await openRouter() : '';
  const words = router === '' ? [] : ['nsenter', `--net=${router}`, '--'];
  await run([...words, 'nft', '-f', '-'], rules(machine));
  await run([...words, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  return router;
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return [
    '127.0.0.0/8',
    ...all.filter((each) => each.family === 'IPv4' && !each.internal).map((each) => each.address),
  ];
}

function run([program = '', ...words]: readonly string[], input?: string): Promise<void> {
  return runTool(program, words, input);
}
