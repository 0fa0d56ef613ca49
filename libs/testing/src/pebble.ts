import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { NotFoundError } from '@gantry/protocol';

import { startChildServer } from './child-server.ts';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A real ACME authority, for which all names lead to this machine. */
export interface TestPebble extends AsyncDisposable {
  /** URL of its directory; over TLS, with the certificate that it was given. */
  readonly directory: string;
}

export interface PebbleOptions {
  /** For `localhost`, PEM. */
  certificate: string;
  privateKey: string;
  /** Where it asks back over plain HTTP. @defaultValue nowhere */
  httpPort?: number;
  /** Where it asks back in TLS. @defaultValue nowhere */
  tlsPort?: number;
}

const LOOPBACK = '127.0.0.1';

/** Why there is no `pebble` (Debian package of that name) here, for tests that are skipped without; else undefined. */
export function findPebbleProblem(): string | undefined {
  const missing = ['pebble', 'pebble-challtestsrv'].filter((name) => !findProgram(name, envOf(name)));
  return missing.length === 0 ? undefined : `there is no program "${missing[0]}", of the package pebble`;
}

/** @throws NotFoundError without pebble: ask {@link findPebbleProblem} first. */
export async function startPebble(options: PebbleOptions): Promise<TestPebble> {
  const [pebble, names] = ['pebble', 'pebble-challtestsrv'].map((name) => findProgram(name, envOf(name)));
  if (!pebble || !names) throw new NotFoundError(String(findPebbleProblem()));
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryDirectory('gantry-pebble-')).path;
  const ports = { api: await freePort(), management: await freePort(), dns: await freePort() };
  const nameServer = await startChildServer({
    program: names,
    args: [
      ...['-defaultIPv4', LOOPBACK, '-defaultIPv6', '', '-dns01', `${LOOPBACK}:${ports.dns}`],
      ...['-http01', '', '-https01', '', '-tlsalpn01', ''],
      ...['-management', `${LOOPBACK}:${await freePort()}`],
    ],
    isReadyLine: (line) => line.includes('Starting management server'),
  });
  stack.defer(() => nameServer.stop());
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const config = {
    listenAddress: `${LOOPBACK}:${ports.api}`,
    managementListenAddress: `${LOOPBACK}:${ports.management}`,
    certificate: await file('tls.crt', options.certificate),
    privateKey: await file('tls.key', options.privateKey),
    ...{ httpPort: options.httpPort ?? 1, tlsPort: options.tlsPort ?? 1 },
    ...{ ocspResponderURL: '', externalAccountBindingRequired: false },
  };
  const server = await startChildServer({
    program: pebble,
    args: [
      ...['-config', await file('config.json', JSON.stringify({ pebble: config }))],
      ...['-dnsserver', `${LOOPBACK}:${ports.dns}`],
    ],
    // No pauses for the sake of realism, but every third request is refused, as authorities may.
    env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '30' },
    isReadyLine: (line) => line.includes('ACME directory available at'),
  });
  stack.defer(() => server.stop());
  const owned = stack.move();
  return {
    directory: `https://localhost:${ports.api}/dir`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function envOf(name: string): string {
  return `GANTRY_${name.toUpperCase().replaceAll('-', '_')}`;
}
