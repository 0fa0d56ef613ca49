import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'gantry/internal';

import { EXIT_CODES } from '../exit-code.ts';
import type { LentScreen } from './lent-screen.ts';
import type { RunRequest } from './run-request.ts';

export interface RunChildOptions {
  request: RunRequest;
  appId: string;
  interactive: boolean;
  connection: Connection;
  env: Readonly<Record<string, string | undefined>>;
  /** The folder of the bundled programs. */
  programs: URL;
  /** Lent to the child. */
  screen: Pick<LentScreen, 'attach'>;
  /** Ends the child. */
  signal: AbortSignal;
}

/** Runs the user's code in a process of its own; resolves with its exit code. */
export async function runChild(options: RunChildOptions): Promise<number> {
  const { request, appId, interactive, connection, env, signal, programs, screen } = options;
  const script = fileURLToPath(new URL('entrypoint.mjs', programs));
  const child = fork(script, [], {
    // Arguments may be dates, bytes and big integers, which JSON cannot carry.
    serialization: 'advanced',
    execArgv: [],
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: {
      ...env,
      GANTRY_APP_ID: appId,
      GANTRY_INTERACTIVE: interactive ? '1' : undefined,
      GANTRY_SERVER_URL: connection.serverUrl,
      GANTRY_TOKEN: connection.token,
      GANTRY_ENVIRONMENT: connection.environment,
    },
  });
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  child.once('message', () => {
    screen.attach(child);
    child.send(request);
  });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return signal.aborted ? EXIT_CODES.interrupted : (code ?? EXIT_CODES.failed);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
