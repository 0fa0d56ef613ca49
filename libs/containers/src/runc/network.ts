import { randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';

import { ContainerError } from '@gantry/protocol';

import { isRootless } from '../rootless/user-namespace.ts';
import { openRouter } from '../rootless/router.ts';
import { runTool } from './run-tool.ts';

/** Network interfaces of the machine that lead to containers start so. */
const LINK_PREFIX = 'gtry-';
/** Containers have addresses of 10.203.0.0/16, each its own on a link of its own. */
const SUBNET = [10, 203] as const;
/** What every container calls the machine; it routes, and answers nothing itself. */
const GATEWAY = '169.254.1.1';
const ATTACH_TRIES = 8;

/**
 * Both sides of a link, by one start of a program: each holds the worker up for as long as the machine takes to copy it.
 * Its words: commands for the machine's side, for the container's, its process, and words before a command of the machine's.
 */
const ATTACH = `
outer=$1 inner=$2 pid=$3
shift 3
"$@" ip -batch - <<END
$outer
END
exec nsenter --target "$pid" --net ip -batch - <<END
$inner
END
`;

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

let prepared: { machine: string; words: Promise<readonly string[]> } | undefined;

/**
 * Lets this machine route for containers, by the same rules for all its workers; an ordinary user's packets are routed in
 * a namespace of this process, which leads out as the user does. So what the machine calls itself is not "beyond" there.
 *
 * @returns Words before a command that is to run where packets are routed.
 */
export function prepareNetwork(): Promise<readonly string[]> {
  const machine = isRootless() ? ownAddresses().join(', ') : '';
  if (prepared?.machine === machine) return prepared.words;
  const words = prepare(machine);
  prepared = { machine, words };
  words.catch(() => (prepared = undefined));
  return words;
}

async function prepare(machine: string): Promise<readonly string[]> {
  const words = isRootless() ? await openRouter() : [];
  await run([...words, 'nft', '-f', '-'], rules(machine));
  await run([...words, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  return words;
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

/**
 * Gives the container of this process a way out. The kernel takes it away when the container's last process ends.
 *
 * @throws ContainerError if the machine lacks what is needed for that.
 */
export async function attachNetwork(pid: number): Promise<void> {
  const words = await prepareNetwork();
  for (let tries = 1; ; tries++) {
    const number = randomInt(1, 0xfffe);
    // The name of the link is the claim to the address: there cannot be two of a name.
    const link = `${LINK_PREFIX}${number.toString(16).padStart(4, '0')}`;
    const address = [...SUBNET, number >> 8, number & 0xff].join('.');
    const sides = [outerCommands(link, address, pid), innerCommands(address)];
    try {
      return await run(['/bin/sh', '-e', '-c', ATTACH, 'gantry', ...sides, String(pid), ...words]);
    } catch (error) {
      const isTaken = error instanceof ContainerError && error.message.includes('File exists');
      if (!isTaken || tries >= ATTACH_TRIES) throw error;
    }
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
