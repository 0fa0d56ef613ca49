import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { CLI } from './platform.ts';
import { end, firstLine, freePort, temporaryDirectory } from './processes.ts';

const TOKEN = 'token-of-the-benchmarks';

export interface PlatformInParts extends AsyncDisposable {
  /** For those who call it. */
  env: Record<string, string>;
  /** Of what was started, by name. */
  pids: Record<'server' | 'worker' | 'gateway', number>;
}

/**
 * A server, a worker and a gateway, each in a process of its own, over a `nats-server` that syncs every write; all on this
 * machine.
 */
export async function startPlatformInParts({
  driver = 'process',
}: { driver?: 'process' | 'runc' } = {}): Promise<PlatformInParts> {
  await using starting = new AsyncDisposableStack();
  const directory = starting.use(await temporaryDirectory());
  const natsUrl = await startNats(starting, directory.path);
  await mkdir(join(directory.path, 'blobs'));
  const start = async (name: string, flags: readonly string[]): Promise<number> => {
    const folder = join(directory.path, name);
    await mkdir(folder, { recursive: true });
    await symlink(join(directory.path, 'blobs'), join(folder, 'blobs'));
    const args = [CLI, name, ...flags, '--nats', natsUrl, '--data-dir', folder];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, GANTRY_LOG_LEVEL: 'warn' },
    });
    starting.defer(() => end(child));
    await firstLine(child);
    return child.pid ?? 0;
  };
  const port = await freePort();
  const httpsPort = String(await freePort());
  const gatewayUrl = `https://gantry.localhost:${httpsPort}`;
  const addresses = ['--port', String(port), '--gateway-url', gatewayUrl];
  const server = await start('server', [...addresses, '--token', TOKEN]);
  await mkdir(join(directory.path, 'worker'));
  await copyFile(
    join(directory.path, 'server', 'secrets.key'),
    join(directory.path, 'worker', 'secrets.key'),
  );
  const worker = await start('worker', ['--driver', driver]);
  const gateway = await start('gateway', ['--https-port', httpsPort]);
  const started = starting.move();
  return {
    env: { GANTRY_SERVER_URL: `http://127.0.0.1:${port}`, GANTRY_TOKEN: TOKEN },
    pids: { server, worker, gateway },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** Resolves to where it listens. */
async function startNats(starting: AsyncDisposableStack, folder: string): Promise<string> {
  const port = await freePort();
  const config = join(folder, 'nats.conf');
  const streams = `jetstream { store_dir: ${JSON.stringify(join(folder, 'nats'))}, sync_interval: always }`;
  await writeFile(config, `host: "127.0.0.1"\nport: ${port}\nmax_payload: 8MB\n${streams}\n`);
  const child = spawn('nats-server', ['-c', config], { stdio: 'ignore' });
  starting.defer(() => end(child));
  await once(child, 'spawn');
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`);
    await delay(50);
  }
  return `nats://127.0.0.1:${port}`;
}

function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy());
}
