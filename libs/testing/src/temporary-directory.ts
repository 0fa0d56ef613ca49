import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An empty directory that is removed with everything in it when disposed. */
export interface TemporaryDirectory extends AsyncDisposable {
  /** Absolute path. */
  readonly path: string;
  /** Removes the directory now; removing twice is harmless. */
  remove(): Promise<void>;
}

/**
 * Makes an empty directory below the system's temporary directory.
 *
 * @example
 * ```ts
 * await using directory = await temporaryDirectory();
 * await writeFile(join(directory.path, 'a.txt'), 'a');
 * ```
 */
export async function temporaryDirectory(prefix = 'gantry-test-'): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  return { path, remove, [Symbol.asyncDispose]: remove };
}
