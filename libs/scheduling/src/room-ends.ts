import { type FleetContainer, isIdle } from './fleet-container.ts';
import type { Machine } from './machine.ts';
import { difference, hasRoom, type Resources } from './placement.ts';

/** True for a container that takes room, and can be waited for or stopped. */
export function canEnd({ state, running }: FleetContainer): boolean {
  return state === 'ready' || (state === 'draining' && running > 0);
}

/** Containers by the machine that they are on. */
export function groupByMachine(containers: readonly FleetContainer[]): Map<string, FleetContainer[]> {
  const groups = new Map<string, FleetContainer[]>();
  for (const container of containers) {
    const group = groups.get(container.workerId);
    if (group) group.push(container);
    else groups.set(container.workerId, [container]);
  }
  return groups;
}

/** Which old containers of a machine make room for one that needs so much, the first to end first. */
export function endsFor(
  { capacity, reservedSoon }: Machine,
  need: Resources,
  old: readonly FleetContainer[],
): FleetContainer[] | undefined {
  let used = reservedSoon;
  const ends: FleetContainer[] = [];
  for (const container of [...old].sort(byEnd)) {
    if (hasRoom(capacity, used, need)) break;
    used = difference(used, container.need);
    ends.push(container);
  }
  return hasRoom(capacity, used, need) ? ends : undefined;
}

function byEnd(a: FleetContainer, b: FleetContainer): number {
  const order = Number(b.state === 'draining') - Number(a.state === 'draining');
  return order !== 0 ? order : a.running - b.running;
}

/** Whether these have ended before those. */
export function endsSooner(ends: FleetContainer[], than: FleetContainer[]): boolean {
  const isUnderWay = ([next]: FleetContainer[]) => !next || next.state === 'draining';
  const order = Number(isUnderWay(ends)) - Number(isUnderWay(than));
  return order !== 0 ? order > 0 : ends.length < than.length;
}

/** Those that are idle since then, the longest first, and when the next one became idle. */
export function longestIdle(
  { offered }: Machine,
  idleBeforeMs: number,
): { idle: FleetContainer[]; nextMs: number } {
  const idle: FleetContainer[] = [];
  let nextMs = Number.POSITIVE_INFINITY;
  for (const container of offered.values()) {
    if (!isIdle(container)) continue;
    if (idleSince(container) <= idleBeforeMs) idle.push(container);
    else nextMs = Math.min(nextMs, idleSince(container));
  }
  idle.sort((a, b) => idleSince(a) - idleSince(b) || (a.containerId < b.containerId ? -1 : 1));
  return { idle, nextMs };
}

function idleSince({ idleSinceMs = Number.POSITIVE_INFINITY }: FleetContainer): number {
  return idleSinceMs;
}

/** Whether stopping these costs less than stopping those. */
export function isBetter(stops: FleetContainer[], than: FleetContainer[]): boolean {
  if (stops.length !== than.length) return stops.length < than.length;
  const latest = (containers: FleetContainer[]) => Math.max(...containers.map(idleSince));
  return stops.length > 0 && latest(stops) < latest(than);
}
