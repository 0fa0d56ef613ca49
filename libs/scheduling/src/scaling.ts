/** What decides how many containers a pool should have. */
export interface ScalingInput {
  /** Inputs and web requests that run or wait. */
  demand: number;
  /** Inputs per container to aim for. */
  targetInputs: number;
  /** True while the pool is in use, or was within its scaledown window. */
  active: boolean;
  /** Extra containers while active. */
  buffer: number;
  min: number;
  max: number;
}

/**
 * How many containers a pool should have now.
 *
 * @example
 * ```ts
 * desiredContainers({ demand: 9, targetInputs: 4, active: true, buffer: 1, min: 0, max: 10 }); // 4
 * ```
 */
export function desiredContainers({ demand, targetInputs, active, buffer, min, max }: ScalingInput): number {
  const wanted = Math.ceil(demand / Math.max(1, targetInputs)) + (active ? buffer : 0);
  return Math.min(Math.max(wanted, min), Math.max(max, min));
}

/** A container that serves, or will: neither draining nor stopped. */
export interface ServingContainer {
  containerId: string;
  version: number;
  ready: boolean;
  /** For how long nothing runs in it; undefined while something does, or before it is ready. */
  idleForMs?: number | undefined;
}

export interface ScaleDownInput {
  containers: readonly ServingContainer[];
  currentVersion: number;
  /** Result of {@link desiredContainers}: never fewer stay. */
  desired: number;
  scaledownWindowMs: number;
}

const EARLY_SHARE = 4;

/**
 * Which containers should end, and why.
 *
 * Containers of an old version end once one of the current version is ready. Idle ones end after the
 * scaledown window, and after a quarter of it while there are more than twice as many as desired. What is only
 * starting does not take the place of one that is ready.
 */
export function containersToStop(input: ScaleDownInput): { containerId: string; reason: string }[] {
  const { containers, currentVersion, desired } = input;
  const current = containers.filter((container) => container.version === currentVersion);
  const old = containers.filter((container) => container.version !== currentVersion);
  const stops: { containerId: string; reason: string }[] = [];
  if (current.some((container) => container.ready)) {
    const reason = `version ${currentVersion} took over`;
    for (const { containerId } of old) stops.push({ containerId, reason });
  }
  const limitMs = idleLimitMs(input, current.length);
  const idle = current
    .filter((container) => (container.idleForMs ?? -1) >= limitMs)
    .sort((a, b) => (b.idleForMs ?? 0) - (a.idleForMs ?? 0));
  for (const { containerId } of idle.slice(0, Math.max(0, readyOnes(current) - desired))) {
    stops.push({ containerId, reason: 'idle' });
  }
  return stops;
}

/** In how many milliseconds the next idle container ends if nothing happens; infinite if none will. */
export function nextStopInMs(input: ScaleDownInput): number {
  const current = input.containers.filter(({ version }) => version === input.currentVersion);
  if (readyOnes(current) <= input.desired) return Number.POSITIVE_INFINITY;
  const limitMs = idleLimitMs(input, current.length);
  let inMs = Number.POSITIVE_INFINITY;
  for (const { idleForMs } of current) {
    if (idleForMs !== undefined) inMs = Math.min(inMs, Math.max(0, limitMs - idleForMs));
  }
  return inMs;
}

function readyOnes(containers: readonly ServingContainer[]): number {
  let count = 0;
  for (const { ready } of containers) if (ready) count++;
  return count;
}

function idleLimitMs({ desired, scaledownWindowMs }: ScaleDownInput, current: number): number {
  return current > 2 * Math.max(1, desired) ? scaledownWindowMs / EARLY_SHARE : scaledownWindowMs;
}
