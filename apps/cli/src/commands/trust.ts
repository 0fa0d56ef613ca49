import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { InvalidError } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { SHARED_OPTIONS, type CommandContext, type CommandInput, type CommandSpec } from '../command.ts';
import { changeBrowserStores } from '../platform/browser-stores.ts';
import { findTrustStore, runProgram, type RunProgram, type TrustStore } from '../platform/trust-store.ts';

export const trustCommand: CommandSpec = createTrustCommand({
  findStore: findTrustStore,
  run: runProgram,
});

export interface TrustParts {
  findStore: () => Promise<TrustStore>;
  /** Runs what changes the stores of browsers. */
  run: RunProgram;
  /** @defaultValue /etc/passwd */
  users?: string;
}

/** The command, with what finds the store of the system and changes those of browsers. */
export function createTrustCommand({ findStore, run, users }: TrustParts): CommandSpec {
  return {
    path: ['trust'],
    summary: 'have this machine trust the certificates of web endpoints',
    details:
      "Adds the platform's certificate authority to those of the system, for which an administrator is needed, and to those of\n" +
      'Chromium and Firefox, where certutil is there (libnss3-tools). Node.js has its own: set NODE_EXTRA_CA_CERTS.',
    options: [
      { flags: '--ca <file>', description: "certificate of the authority, if not this machine's platform" },
      { flags: '--remove', description: 'trust it no longer' },
      SHARED_OPTIONS.profile,
    ],
    examples: [
      ['sudo gantry trust --ca ~/.gantry/ca/ca.pem', 'browsers open addresses without a warning'],
      ['sudo gantry trust --ca ~/.gantry/ca/ca.pem --remove', 'as it was before'],
    ],
    async run(context, input) {
      const file = caFile(context, input);
      const name = await nameOf(file);
      const store = await findStore();
      const { terminal } = context;
      const remove = input.options.flag('remove');
      if (remove) {
        await store.remove(file, name);
        terminal.out(`This machine trusts ${file} no longer (${store.description}).`);
      } else {
        await store.install(file, name);
        terminal.out(`This machine trusts the certificates of ${file} (${store.description}).`);
      }
      const { env } = context;
      const browsers = await changeBrowserStores(
        { file, name, remove },
        { env, run, ...(users && { users }) },
      );
      for (const each of browsers.changed) {
        terminal.out(
          remove ? `So does the browser of ${each}.` : `So does the browser of ${each}: start it again.`,
        );
      }
      for (const { store: each, reason } of browsers.left) {
        terminal.note(`The browser of ${each} was left as it is: ${reason}`);
      }
      if (!remove) terminal.note(`For programs of Node.js: NODE_EXTRA_CA_CERTS=${file}`);
    },
  };
}

function caFile({ env, cwd }: CommandContext, { options }: CommandInput): string {
  const given = options.text('ca');
  if (given !== undefined) return path.resolve(cwd, given);
  const { caPath } = findConnection(env, { profile: options.text('profile') });
  if (caPath) return caPath;
  throw new InvalidError('this connection names no certificate', {
    hint: 'Get it with "curl -k https://<domain>/ca.pem", and say --ca <file>.',
  });
}

/** Two platforms of one machine have authorities of their own, so the name holds what tells them apart. */
async function nameOf(file: string): Promise<string> {
  try {
    const certificate = new X509Certificate(await readFile(file));
    if (!certificate.ca) throw new Error('it is no certificate of an authority');
    return `gantry-${certificate.fingerprint256.replaceAll(':', '').slice(0, 12).toLowerCase()}`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidError(`"${file}" cannot be trusted: ${reason}`, {
      hint: 'Name the file "ca.pem" of the data directory of a gateway.',
      cause: error,
    });
  }
}
