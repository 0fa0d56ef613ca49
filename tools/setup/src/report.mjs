const STILL_WORKING_MS = 15_000;

/** A step failed for a reason that the reader can act on. */
export class SetupError extends Error {
  /**
   * @param {string} message What failed.
   * @param {{ hint?: string, output?: string, cause?: unknown }} [details] What to do, and what the program printed.
   */
  constructor(message, { hint, output, cause } = {}) {
    super(message, { cause });
    this.name = 'SetupError';
    this.hint = hint;
    this.output = output;
  }
}

/** Prints one line for the reader. */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/** Prints a line that must not be overlooked. */
export function warn(text) {
  process.stdout.write(`! ${text}\n`);
}

/** Runs a step that may take long: says that it starts, that it goes on, and how long it took. */
export async function step(title, action) {
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  say(`→ ${title}`);
  const timer = setInterval(() => say(`  … ${title}: still working (${seconds()})`), STILL_WORKING_MS);
  try {
    const result = await action();
    say(`✓ ${title} (${seconds()})`);
    return result;
  } catch (error) {
    say(`✗ ${title} (${seconds()})`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Prints an error: a `SetupError` for its reader, anything else with its stack. */
export function reportError(error) {
  if (!(error instanceof SetupError)) {
    console.error(error);
    return;
  }
  if (error.output) console.error(error.output.replace(/^/gm, '  | '));
  console.error(`\nFailed: ${error.message}`);
  if (error.hint) console.error(`What to do: ${error.hint}`);
}
