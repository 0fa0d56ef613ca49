import { Random } from './random.ts';

/** What a test of faults takes from its environment. */
export interface FaultRounds {
  rounds: number;
  /** All that is drawn follows from it. */
  random: Random;
  /** How to run the same again. */
  again: string;
}

/**
 * Reads `GANTRY_FAULT_ROUNDS` and `GANTRY_FAULTS_SEED` (1).
 *
 * @param usual - Rounds where nobody says how many: few, as they are part of every run of the tests.
 * @throws RangeError on a number that is none.
 */
export function faultRounds(usual: number, env: NodeJS.ProcessEnv = process.env): FaultRounds {
  const rounds = readNumber(env['GANTRY_FAULT_ROUNDS'] ?? '', usual);
  const seed = readNumber(env['GANTRY_FAULTS_SEED'] ?? '', 1);
  return {
    rounds,
    random: new Random(seed),
    again: `GANTRY_FAULTS_SEED=${seed} GANTRY_FAULT_ROUNDS=${rounds}`,
  };
}

function readNumber(text: string, usual: number): number {
  const value = text === '' ? usual : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`"${text}" is no number of rounds, or seed`);
}
