import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';

import { ContainerError } from '@gantry/protocol';

import { runTool } from './run-tool.ts';

/** Network interfaces of the machine that lead to containers start so. */
const LINK_PREFIX = 'gtry-';
/** Containers have addresses of 10.203.0.0/16, each its own on a link of its own. */
const SUBNET = [10, 203] as const;
/** What every container calls the machine; it routes, and answers nothing itself. */
const GATEWAY = '169.254.1.1';
const ATTACH_TRIES = 8;

/**
 * The rules that let containers out, and nothing in.
 *
 * Invariants
 *   N1. From a container, nothing reaches the machine itself or another container.
 *   N2. To a container, nothing goes but answers.
 */
const RULES = `
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
    oifname "${LINK_PREFIX}*" ct state established,related accept
    oifname "${LINK_PREFIX}*" drop
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr ${SUBNET.join('.')}.0.0/16 oifname != "${LINK_PREFIX}*" masquerade
  }
}
`;

let prepared: Promise<void> | undefined;

/** Lets this machine route for containers. Once per process; the same rules hold for all its workers. */
export function prepareNetwork(): Promise<void> {
  prepared ??= (async () => {
    await runTool('nft', ['-f', '-'], RULES);
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  })();
  prepared.catch(() => (prepared = undefined));
  return prepared;
}

/**
 * Gives the container of this process a way out. The kernel takes it away when the container's last process ends.
 *
 * @throws ContainerError if the machine lacks what is needed for that.
 */
export async function attachNetwork(pid: number): Promise<void> {
  await prepareNetwork();
  for (let tries = 1; ; tries++) {
    const number = randomInt(1, 0xfffe);
    // The name of the link is the claim to the address: there cannot be two of a name.
    const link = `${LINK_PREFIX}${number.toString(16).padStart(4, '0')}`;
    const address = [...SUBNET, number >> 8, number & 0xff].join('.');
    try {
      await runTool('ip', ['-batch', '-'], outerCommands(link, address, pid));
    } catch (error) {
      const isTaken = error instanceof ContainerError && error.message.includes('File exists');
      if (isTaken && tries < ATTACH_TRIES) continue;
      throw error;
    }
    return runTool(
      'nsenter',
      ['--target', String(pid), '--net', 'ip', '-batch', '-'],
      innerCommands(address),
    );
  }
}

function outerCommands(link: string, address: string, pid: number): string {
  return [
    `link add ${link} type veth peer name eth0 netns ${pid}`,
    `addr add ${GATEWAY}/32 dev ${link}`,
    `link set ${link} up`,
    `route add ${address}/32 dev ${link}`,
  ].join('\n');
}

function innerCommands(address: string): string {
  return [
    `addr add ${address}/32 dev eth0`,
    'link set eth0 up',
    `route add ${GATEWAY}/32 dev eth0 scope link`,
    `route add default via ${GATEWAY} dev eth0`,
  ].join('\n');
}
