/** What the mixed-load test takes from the environment. */
export interface Settings {
  /** Faults, load and arguments follow from it. */
  seed: number;
  /** How long faults are injected. */
  durationMs: number;
  logLevel: string;
}

const DEFAULTS = { seed: 1, durationMs: 45_000, logLevel: 'warn' };

/**
 * Reads `GANTRY_FAULTS_SEED` (1), `GANTRY_FAULTS_SECONDS` (45) and `GANTRY_FAULTS_LOG` (warn).
 *
 * @throws RangeError on a number that is none.
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return {
    seed: readNumber(env, 'GANTRY_FAULTS_SEED') ?? DEFAULTS.seed,
    durationMs: (readNumber(env, 'GANTRY_FAULTS_SECONDS') ?? DEFAULTS.durationMs / 1_000) * 1_000,
    logLevel: env['GANTRY_FAULTS_LOG'] ?? DEFAULTS.logLevel,
  };
}

/** How to run the same again. */
export function describeSettings({ seed, durationMs }: Settings): string {
  return `GANTRY_FAULTS_SEED=${seed} GANTRY_FAULTS_SECONDS=${durationMs / 1_000} npx nx run faults:test`;
}

function readNumber(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${name} is no number: "${text}"`);
  return value;
}
