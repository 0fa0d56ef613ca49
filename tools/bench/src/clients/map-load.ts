// What both sides of the map benchmark do, round after round in one process, and print as one line of JSON.

/** Inputs of one map. */
const INPUTS = 100_000;

const WARMUP_INPUTS = 5_000;

/** Inputs that are open at once: the most that a `map` of Gantry allows itself. */
export const MAP_IN_FLIGHT = 1_000;

/** One map, from its first input to its last result. */
export interface MapRound {
  startedAtMs: number;
  endedAtMs: number;
  /** Inputs per second. */
  throughput: number;
}

/**
 * Times `mapAll(inputs)`, which resolves with the sum of all results; input `x` has the result `2x`. As many rounds
 * as MAP_ROUNDS says, and more until MAP_SECONDS have passed.
 */
export async function sampleMaps(mapAll: (inputs: number) => Promise<number>): Promise<MapRound[]> {
  await checked(mapAll, WARMUP_INPUTS);
  const rounds: MapRound[] = [];
  const lastsUntilMs = Date.now() + Number(process.env.MAP_SECONDS ?? 0) * 1000;
  while (rounds.length < Number(process.env.MAP_ROUNDS) || Date.now() < lastsUntilMs) {
    const startedAtMs = Date.now();
    const start = performance.now();
    await checked(mapAll, INPUTS);
    const throughput = (INPUTS / (performance.now() - start)) * 1000;
    rounds.push({ startedAtMs, endedAtMs: Date.now(), throughput });
  }
  return rounds;
}

async function checked(mapAll: (inputs: number) => Promise<number>, inputs: number): Promise<void> {
  const sum = await mapAll(inputs);
  if (sum !== inputs * (inputs - 1)) throw new Error(`the sum of ${inputs} results was ${sum}`);
}
