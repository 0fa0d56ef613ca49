import { setTimeout as delay } from 'node:timers/promises';

import type { Cluster } from './cluster/cluster.ts';
import type { Part } from './cluster/part.ts';
import type { Fault } from './fault-plan.ts';
import { containersOf, signalProcess } from './cluster/processes.ts';

/** Carries out a plan on a cluster. Resolves when the last fault is over and everything runs again. */
export async function injectFaults(cluster: Cluster, plan: readonly Fault[]): Promise<void> {
  const startedAtMs = performance.now();
  // The next fault of a target waits until it runs again: how long a start takes is not in the plan.
  const under = new Map<string, Promise<void>>();
  for (const fault of plan) {
    await delay(Math.max(1, startedAtMs + fault.atMs - performance.now()));
    const before = under.get(fault.target) ?? Promise.resolve();
    under.set(
      fault.target,
      before.then(() => strike(cluster, fault)),
    );
  }
  await Promise.all(under.values());
}

function strike(cluster: Cluster, fault: Fault): Promise<void> {
  const { kind, target } = fault;
  if (kind === 'cut' || kind === 'hold' || kind === 'lose') return strikeLink(cluster, fault);
  if (target === 'container') return strikeContainer(cluster, fault);
  if (target === 'nats') return strikeNats(cluster, fault);
  if (target === 'minio') return strikeMinio(cluster, fault);
  return strikePart(partOf(cluster, target), fault);
}

async function strikeLink({ links }: Cluster, { kind, target, forMs }: Fault): Promise<void> {
  const link = links.get(target);
  if (!link) throw new RangeError(`there is no link of "${target}"`);
  if (kind === 'lose') return link.lose();
  link[kind as 'cut' | 'hold']();
  await delay(forMs);
  link.heal();
}

async function strikePart(part: Part, { kind, forMs }: Fault): Promise<void> {
  if (kind === 'pause') {
    part.pause();
    await delay(forMs);
    return part.resume();
  }
  await (kind === 'kill' ? part.kill() : part.stop());
  await delay(forMs);
  await part.supervise();
}

async function strikeNats({ nats }: Cluster, { kind, forMs }: Fault): Promise<void> {
  const { pid } = nats;
  if (kind === 'kill') nats.kill();
  else signalProcess(pid, 'SIGSTOP');
  await delay(forMs);
  if (kind === 'kill') await nats.restart();
  else signalProcess(pid, 'SIGCONT');
}

async function strikeMinio({ minio }: Cluster, { forMs }: Fault): Promise<void> {
  minio?.kill();
  await delay(forMs);
  await minio?.restart();
}

async function strikeContainer(cluster: Cluster, { kind, forMs, pick }: Fault): Promise<void> {
  const containers = await containersOf(cluster.directory);
  const pid = containers[Math.floor(pick * containers.length)];
  if (pid === undefined) return;
  if (kind === 'kill') return signalProcess(pid, 'SIGKILL');
  signalProcess(pid, 'SIGSTOP');
  await delay(forMs);
  signalProcess(pid, 'SIGCONT');
}

function partOf({ servers, workers, gateway }: Cluster, name: string): Part {
  const part = [...servers, ...workers, gateway].find((candidate) => candidate?.name === name);
  if (!part) throw new RangeError(`the cluster has no "${name}"`);
  return part;
}
