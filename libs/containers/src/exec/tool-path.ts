import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

const USUAL = ['/usr/bin', '/bin'];

/** Where this machine has a program: what containers are told of their own `PATH` does not count. */
export function toolPath(name: string): string {
  const folders = [...(process.env['PATH'] ?? '').split(':').filter(Boolean), ...USUAL];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? name;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
