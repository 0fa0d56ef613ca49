import { Random } from '@gantry/testing';

/** How a process or a network fails. */
export type FaultKind =
  /** SIGKILL, and a new start after `forMs`. */
  | 'kill'
  /** SIGTERM, and a new start after `forMs`. */
  | 'stop'
  /** SIGSTOP, and SIGCONT after `forMs`. */
  | 'pause'
  /** Connections are reset, and new ones refused, for `forMs`. */
  | 'cut'
  /** Nothing gets through for `forMs`, then all of it. */
  | 'hold'
  /** Present connections fall silent for ever; new ones work. */
  | 'lose';

export interface Fault {
  kind: FaultKind;
  /** A part of the cluster, `nats`, `minio` (killed alone), `container` (any), or for networks whose: a part's, or that of `clients`. */
  target: string;
  /** Since the start of the plan. */
  atMs: number;
  forMs: number;
  /** Picks among several containers: at least 0 and below 1. */
  pick: number;
}

const PARTS = ['server-1', 'server-2', 'worker-1', 'worker-2', 'gateway'];
const TARGETS: Record<FaultKind, string[]> = {
  kill: [...PARTS, 'nats', 'container', 'container'],
  stop: PARTS,
  pause: [...PARTS, 'nats', 'container'],
  cut: [...PARTS, 'clients'],
  hold: [...PARTS, 'clients'],
  lose: [...PARTS, 'clients'],
};
/** Least and most; beyond the leases of the scheduler (4 s) and of inputs (8 s). */
const LASTS_MS: Record<FaultKind, [number, number]> = {
  kill: [0, 4_000],
  stop: [0, 2_000],
  pause: [500, 12_000],
  cut: [200, 6_000],
  hold: [500, 12_000],
  lose: [0, 0],
};
/** A broker that is away stops everything, and would leave no time for other faults. */
const BROKER_AWAY_MS = 3_000;
const PAUSE_BETWEEN_MS: [number, number] = [200, 2_800];
/** After it, a target is left alone for a while. */
const REST_MS = 1_500;

/**
 * Draws faults from a seed. Each kind strikes each of its targets once before any strikes again; faults overlap, but
 * not on one target.
 */
export function drawFaultPlan(seed: number, durationMs: number): Fault[] {
  const random = new Random(seed);
  const busyUntilMs = new Map<string, number>();
  const plan: Fault[] = [];
  let deck: { kind: FaultKind; target: string }[] = [];
  for (let atMs = 0; ; atMs += random.integer(...PAUSE_BETWEEN_MS)) {
    if (deck.length === 0) deck = random.shuffle(allFaults());
    const [pick, lasts] = [random.next(), random.next()];
    const at = deck.findIndex(({ target }) => (busyUntilMs.get(target) ?? 0) <= atMs);
    const drawn = deck[at];
    if (!drawn) continue;
    const forMs = lengthOf(drawn, lasts);
    if (atMs + forMs > durationMs) return plan;
    deck.splice(at, 1);
    busyUntilMs.set(drawn.target, atMs + forMs + REST_MS);
    plan.push({ ...drawn, atMs, forMs, pick });
  }
}

export function describeFault({ kind, target, atMs, forMs }: Fault): string {
  return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${kind.padEnd(5)} ${target}${forMs > 0 ? ` for ${(forMs / 1_000).toFixed(1)} s` : ''}`;
}

function allFaults(): { kind: FaultKind; target: string }[] {
  const kinds = Object.keys(TARGETS) as FaultKind[];
  return kinds.flatMap((kind) => TARGETS[kind].map((target) => ({ kind, target })));
}

function lengthOf({ kind, target }: { kind: FaultKind; target: string }, share: number): number {
  const [least, most] = LASTS_MS[kind];
  return Math.round(least + share * ((target === 'nats' ? BROKER_AWAY_MS : most) - least));
}
