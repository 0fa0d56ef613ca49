import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { LONG_FOLDER } from './cluster.ts';
import { processesOf } from './processes.ts';

/** Whatever a stopped cluster has left: nothing, if all is well. Linux only. */
export async function findLeftovers(directory: string): Promise<string[]> {
  const [processes, sockets, mounts, files] = await Promise.all([
    processesOf(directory),
    linesWith('/proc/net/unix', directory),
    linesWith('/proc/self/mountinfo', directory),
    leftFiles(directory),
  ]);
  return [
    ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
    ...sockets.map((line) => `socket: ${line}`),
    ...mounts.map((line) => `mount: ${line}`),
    ...files.map((path) => `file: ${path}`),
  ];
}

async function linesWith(path: string, text: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').filter((line) => line.includes(text));
}

/** Temporary files, and what belongs to containers. */
async function leftFiles(directory: string): Promise<string[]> {
  const folders = ['tmp'];
  for (const worker of ['worker-1', join('worker-2', LONG_FOLDER)]) {
    folders.push(join(worker, 'worker', 'containers'), join(worker, 'worker', 'processes'));
  }
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(join(directory, folder)).catch(() => [] as string[]);
      return names.map((name) => join(folder, name));
    }),
  );
  return found.flat();
}
