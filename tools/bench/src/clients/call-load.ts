// Drives one kind of call the way an outside program would, and prints what it saw as one line of JSON.

export interface CallLoad {
  warmups: number;
  /** Calls one at a time. */
  serial: number;
  /** Calls per round with `inFlight` of them open at once. */
  parallel: number;
  inFlight: number;
  rounds: number;
}

export interface CallSamples {
  latenciesMs: number[];
  /** Calls per second of each round. */
  throughputs: number[];
}

export const STANDARD_LOAD: CallLoad = {
  warmups: 500,
  serial: 1_500,
  parallel: 5_000,
  inFlight: 500,
  rounds: 3,
};

export async function sampleCalls(
  call: (x: number) => Promise<number>,
  load: CallLoad = STANDARD_LOAD,
): Promise<CallSamples> {
  const checked = async (x: number) => {
    const result = await call(x);
    if (result !== x * 2) throw new Error(`the answer to ${x} was ${result}`);
  };
  for (let x = 0; x < load.warmups; x++) await checked(x);
  const latenciesMs: number[] = [];
  for (let x = 0; x < load.serial; x++) {
    const start = performance.now();
    await checked(x);
    latenciesMs.push(performance.now() - start);
  }
  const throughputs: number[] = [];
  for (let round = 0; round < load.rounds; round++) {
    let next = 0;
    const start = performance.now();
    const lane = async () => {
      while (next < load.parallel) await checked(next++);
    };
    await Promise.all(Array.from({ length: load.inFlight }, lane));
    throughputs.push((load.parallel / (performance.now() - start)) * 1000);
  }
  return { latenciesMs, throughputs };
}
