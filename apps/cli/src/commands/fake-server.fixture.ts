import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import { temporaryDirectory } from '@gantry/testing';

import { runProgram } from '../program.ts';
import { createTerminal } from '../terminal/terminal.ts';
import { ALL_COMMANDS, COMMAND_GROUPS } from './all-commands.ts';

/** What a command line prints on standard output, and as notes. */
export interface Said {
  out: string;
  notes: string;
}

/** A server that answers commands with what a test says, and a data directory of their own. */
export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  /** Runs a command line of words without blanks against it. */
  gantry(line: string, env?: Record<string, string>): Promise<Said>;
}

/** @param answer Makes the JSON of each answer. */
export async function startFakeServer(
  answer: (request: IncomingMessage) => Promise<unknown>,
): Promise<FakeServer> {
  const directory = await temporaryDirectory('gantry-cli-');
  const server = createServer((request, response) => {
    void answer(request).then((body) => response.writeHead(200).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const toServer = { GANTRY_SERVER_URL: url, GANTRY_TOKEN: 'gt-mine' };
  return {
    url,
    dataDir: directory.path,
    async gantry(line, env = toServer) {
      const said = { out: '', notes: '' };
      const terminal = createTerminal({
        stdout: { write: (part: string) => (said.out += part) },
        stderr: { write: (part: string) => (said.notes += part) },
        env: {},
      });
      const context = {
        ...{ terminal, env: { GANTRY_DATA_DIR: directory.path, ...env } },
        ...{ cwd: directory.path, programs: new URL('file:///dist/'), version: '1' },
      };
      await runProgram({ commands: ALL_COMMANDS, groups: COMMAND_GROUPS, context }, line.split(' '));
      return said;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await directory.remove();
    },
  };
}
