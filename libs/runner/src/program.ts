import { COMPILE_FLAG, IMAGE_FUNCTION_FLAG, STARTED_AHEAD_FLAG } from '@gantry/protocol';

import { startRunner } from './start.ts';
import { importWith, type ImportModule } from './user-code.ts';

export interface ProgramParts {
  /** Has this program compiled for later processes. */
  keepCompiled(): void;
  /** See {@link importWith}. */
  importModule: ImportModule;
}

/** The runner's program: what it is depends on the first word of its command line. */
export async function runProgram({ keepCompiled, importModule }: ProgramParts): Promise<void> {
  importWith(importModule);
  const [, , flag, ...words] = process.argv;
  if (flag === IMAGE_FUNCTION_FLAG) {
    const { runImageFunction } = await import('./image-function.ts');
    // Whatever its code left running, such as timers, ends with it.
    process.exit(await runImageFunction(words));
  }
  if (flag === COMPILE_FLAG) {
    const { compileModule } = await import('./compile-module.ts');
    await compileModule(words[0] ?? '');
    // With its end it writes the cache.
    process.exit(0);
  }
  const isStartedAhead = flag === STARTED_AHEAD_FLAG;
  // The code of users has no business with it.
  if (isStartedAhead) process.argv.splice(2, 1);
  startRunner({ isStartedAhead, keepCompiled });
}
