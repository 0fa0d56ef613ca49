import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { end, freePort } from '../processes.ts';

const INSTALLED = join(import.meta.dirname, '../../../../.tools/bin');
const USER = 'gantry-bench';
const PASSWORD = 'gantry-bench-secret';

export interface Minio extends AsyncDisposable {
  endpoint: string;
  accessKey: string;
  secretKey: string;
}

/** Where the program is; undefined if nowhere. */
export function findMinio(): string | undefined {
  const folders = [INSTALLED, ...(process.env['PATH'] ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, 'minio')).find((path) => existsSync(path));
}

/** Starts a MinIO server with its objects in a folder. */
export async function startMinio(program: string, folder: string): Promise<Minio> {
  await mkdir(folder, { recursive: true });
  const [api, web] = [await freePort(), await freePort()];
  const args = ['server', folder, `--address=127.0.0.1:${api}`, `--console-address=127.0.0.1:${web}`];
  const settings = { MINIO_BROWSER: 'off', MINIO_UPDATE: 'off', MINIO_CALLHOME_ENABLE: 'off' };
  const child = spawn(program, args, {
    stdio: 'ignore',
    env: { ...process.env, MINIO_ROOT_USER: USER, MINIO_ROOT_PASSWORD: PASSWORD, ...settings },
  });
  await once(child, 'spawn');
  const endpoint = `http://127.0.0.1:${api}`;
  const isReady = (): Promise<boolean> =>
    fetch(`${endpoint}/minio/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    await delay(50);
  }
  const dispose = (): Promise<void> => end(child);
  return { endpoint, accessKey: USER, secretKey: PASSWORD, [Symbol.asyncDispose]: dispose };
}
