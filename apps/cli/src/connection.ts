import path from 'node:path';

import { connectionFilePath, dataDirOf, findConnection } from 'gantry/internal';

export type { Connection } from 'gantry/internal';

/** Where the platform of this user keeps its state. */
export function findDataDir(
  env: Readonly<Record<string, string | undefined>>,
  option: string | undefined,
): string {
  return path.resolve(option ?? dataDirOf(env));
}

export const connectionPath = connectionFilePath;

/** How to reach the platform: environment variables, else the active profile, else what `gantry up` wrote. */
export const readConnection = findConnection;
