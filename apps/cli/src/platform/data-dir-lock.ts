import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { GantryError } from '@gantry/protocol';

/**
 * Claims a data directory for this process until it ends, however it ends.
 *
 * The claim is a socket that nobody else can listen on: on Linux in the abstract namespace, where the kernel drops it
 * with its process, so that no stale claim can exist. Whoever finds it taken asks the holder for its process id.
 *
 * @throws GantryError `CONFLICT` if another process holds it.
 */
export async function lockDataDir(dataDir: string): Promise<{ release(): Promise<void> }> {
  const address = lockAddress(await realpath(dataDir));
  const server = createServer((socket) => socket.end(String(process.pid)));
  if (!(await listen(server, address))) {
    const holder = await askHolder(address);
    if (holder === undefined && !address.startsWith('\0')) rmSync(address, { force: true });
    if (holder !== undefined || !(await listen(server, address))) throw taken(dataDir, holder);
  }
  server.unref();
  return {
    release: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

function lockAddress(dataDir: string): string {
  const name = `gantry-up-${createHash('sha256').update(dataDir).digest('hex').slice(0, 24)}`;
  return process.platform === 'linux' ? `\0${name}` : path.join(tmpdir(), `${name}.sock`);
}

async function listen(server: Server, address: string): Promise<boolean> {
  server.listen(address);
  try {
    await once(server, 'listening');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

function askHolder(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let pid = '';
    const socket = connect(address);
    socket.setEncoding('utf8').on('data', (text: string) => (pid += text));
    socket.on('end', () => resolve(pid));
    socket.on('error', () => resolve(undefined));
  });
}

function taken(dataDir: string, holder: string | undefined): GantryError {
  const who = holder ? ` by process ${holder}` : '';
  return new GantryError(
    'CONFLICT',
    `the data directory "${dataDir}" is in use${who}: Gantry already runs there`,
    {
      hint: 'Stop that one first (Ctrl-C), or start a second platform with another --data-dir.',
      details: { dataDir },
    },
  );
}
