import { execFile } from 'node:child_process';
import { access, copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { GantryError, InvalidError } from '@gantry/protocol';

/** Runs a program to its end; rejects unless it succeeds. */
export type RunProgram = (program: string, args: readonly string[]) => Promise<unknown>;

/** Where a system keeps the authorities that all its programs trust. */
export interface TrustStore {
  /** As users know it. */
  readonly description: string;
  /** Trusts the certificate in a file, under a name of letters, digits and dashes. Doing so again is harmless. */
  install(file: string, name: string): Promise<void>;
  /** Trusts it no longer. */
  remove(file: string, name: string): Promise<void>;
}

interface AnchorFolder {
  folder: string;
  update: readonly [program: string, ...args: string[]];
}

/** The first folder that is there counts. */
const ANCHOR_FOLDERS: readonly AnchorFolder[] = [
  { folder: '/usr/local/share/ca-certificates', update: ['update-ca-certificates'] },
  { folder: '/etc/pki/ca-trust/source/anchors', update: ['update-ca-trust', 'extract'] },
  { folder: '/etc/ca-certificates/trust-source/anchors', update: ['trust', 'extract-compat'] },
];

/** Without a shell. */
export const runProgram: RunProgram = promisify(execFile);

export interface TrustStoreOptions {
  platform?: NodeJS.Platform;
  run?: RunProgram;
  folders?: readonly AnchorFolder[];
}

/** @throws InvalidError where none is known. */
export async function findTrustStore(options: TrustStoreOptions = {}): Promise<TrustStore> {
  const { platform = process.platform, run = runProgram, folders = ANCHOR_FOLDERS } = options;
  if (platform === 'darwin') return macStore(run);
  for (const anchors of platform === 'linux' ? folders : []) {
    const isThere = await access(anchors.folder).then(
      () => true,
      () => false,
    );
    if (isThere) return folderStore(anchors, run);
  }
  throw new InvalidError('this system has no store of authorities that is known here', {
    hint: 'Give the certificate to programs by themselves, such as with NODE_EXTRA_CA_CERTS or "curl --cacert".',
  });
}

function folderStore({ folder, update }: AnchorFolder, run: RunProgram): TrustStore {
  const [program, ...args] = update;
  const fileOf = (name: string): string => path.join(folder, `${name}.crt`);
  const change = async (write: () => Promise<unknown>): Promise<void> => {
    try {
      await write();
      await run(program, args);
    } catch (error) {
      throw asRefused(error, folder);
    }
  };
  return {
    description: folder,
    install: (file, name) => change(() => copyFile(file, fileOf(name))),
    remove: (_file, name) => change(() => rm(fileOf(name), { force: true })),
  };
}

function macStore(run: RunProgram): TrustStore {
  const description = 'the system keychain';
  const security = (...args: string[]): Promise<void> =>
    run('security', args).then(
      () => undefined,
      (error: unknown) => Promise.reject(asRefused(error, description)),
    );
  const keychain = '/Library/Keychains/System.keychain';
  return {
    description,
    install: (file) => security('add-trusted-cert', '-d', '-r', 'trustRoot', '-k', keychain, file),
    remove: (file) => security('remove-trusted-cert', '-d', file),
  };
}

function asRefused(error: unknown, where: string): GantryError {
  const reason = error instanceof Error ? error.message : String(error);
  return new GantryError('PERMISSION_DENIED', `${where} could not be changed: ${reason}`, {
    hint: 'Try it as an administrator: sudo gantry trust --ca <file>, with the file that "gantry up" names.',
    cause: error,
  });
}
