import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { InvalidError } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { SHARED_OPTIONS, type CommandContext, type CommandInput, type CommandSpec } from '../command.ts';
import { findTrustStore, type TrustStore } from '../platform/trust-store.ts';

export const trustCommand: CommandSpec = createTrustCommand(findTrustStore);

/** The command, with what finds the store. */
export function createTrustCommand(findStore: () => Promise<TrustStore>): CommandSpec {
  return {
    path: ['trust'],
    summary: 'have this machine trust the certificates of web endpoints',
    details:
      "Adds the platform's certificate authority to those of the system, for which an administrator is needed. Firefox has\n" +
      'authorities of its own, and so has Node.js: import the file there, or set NODE_EXTRA_CA_CERTS.',
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
      if (input.options.flag('remove')) {
        await store.remove(file, name);
        return terminal.out(`This machine trusts ${file} no longer (${store.description}).`);
      }
      await store.install(file, name);
      terminal.out(`This machine trusts the certificates of ${file} (${store.description}).`);
      terminal.note(`For programs of Node.js: NODE_EXTRA_CA_CERTS=${file}`);
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
