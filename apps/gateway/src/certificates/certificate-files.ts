import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';

import { InvalidError, wildcardOf } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

const CERTIFICATE = '.crt';
const KEY = '.key';
/** Whoever renews a certificate has no need to tell: both files are looked at again and again. */
const READ_EVERY_MS = 10_000;

interface CertificateFile {
  /** Text of both files, by which a change is seen. */
  text: string;
  names: string[];
  endsAtMs: number;
  context: SecureContext;
}

export interface CertificateFilesOptions {
  folder: string;
  log: Logger;
  /** @defaultValue 10_000 */
  readEveryMs?: number | undefined;
}

/**
 * Certificates that somebody else issued: `<any name>.crt`, with its chain, and `<any name>.key` beside it, both PEM. The
 * names that one is good for are read from it. Changed, new and removed files are taken over within moments.
 */
export class CertificateFiles {
  readonly #options: CertificateFilesOptions;
  readonly #byFile = new Map<string, CertificateFile>();
  #byName = new Map<string, CertificateFile>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: CertificateFilesOptions) {
    this.#options = options;
  }

  /** @throws InvalidError for a folder that cannot be read, or files in it that are no certificate and its key. */
  static async open(options: CertificateFilesOptions): Promise<CertificateFiles> {
    const files = new CertificateFiles(options);
    await files.#read((name, error) => {
      throw new InvalidError(
        `the certificate "${join(options.folder, name)}" cannot be used: ${messageOf(error)}`,
        {
          hint: 'Put a certificate with its chain into <name>.crt, and its key into <name>.key, both PEM.',
          cause: error,
        },
      );
    });
    files.#timer = setInterval(() => void files.#readAgain(), options.readEveryMs ?? READ_EVERY_MS).unref();
    return files;
  }

  /** The context for a host: of a certificate of its own name before one of its whole level. */
  find(host: string): SecureContext | undefined {
    const wildcard = wildcardOf(host);
    const own = this.#byName.get(host);
    return (own ?? (wildcard === undefined ? undefined : this.#byName.get(wildcard)))?.context;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #readAgain(): Promise<void> {
    const { folder, log } = this.#options;
    try {
      await this.#read((name, err) => {
        // The two files change one after the other: until both fit, the old pair serves.
        log.warn(
          { err, file: join(folder, name) },
          'a certificate cannot be used; the one before it is, if there is one',
        );
      });
    } catch (err) {
      log.warn({ err, folder }, 'the folder of certificates cannot be read');
    }
  }

  async #read(onUnusable: (name: string, error: unknown) => void): Promise<void> {
    const { folder, log } = this.#options;
    const present = (await namesIn(folder)).filter((name) => name.endsWith(CERTIFICATE));
    for (const name of present) {
      try {
        const text = await readPair(folder, name);
        if (this.#byFile.get(name)?.text === text.join('')) continue;
        const file = toFile(text);
        this.#byFile.set(name, file);
        log.info({ file: name, names: file.names }, 'a certificate was read');
      } catch (error) {
        onUnusable(name, error);
      }
    }
    for (const name of this.#byFile.keys()) if (!present.includes(name)) this.#byFile.delete(name);
    this.#byName = byName([...this.#byFile.values()]);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    throw new InvalidError(`the folder of certificates "${folder}" cannot be read: ${messageOf(error)}`, {
      hint: 'Make it, or start without it.',
      cause: error,
    });
  }
}

async function readPair(folder: string, name: string): Promise<[certificate: string, key: string]> {
  const key = name.slice(0, -CERTIFICATE.length) + KEY;
  return [await readFile(join(folder, name), 'utf8'), await readFile(join(folder, key), 'utf8')];
}

function toFile([cert, key]: [certificate: string, key: string]): CertificateFile {
  const certificate = new X509Certificate(cert);
  if (!certificate.checkPrivateKey(createPrivateKey(key)))
    throw new Error('the key is that of another certificate');
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((each) => each.startsWith('DNS:'))
    .map((each) => each.slice('DNS:'.length).toLowerCase());
  if (names.length === 0) throw new Error('it names no host');
  const endsAtMs = certificate.validToDate.getTime();
  return { text: cert + key, names, endsAtMs, context: createSecureContext({ cert, key }) };
}

/** Of several certificates for a name, the one that lasts longest. */
function byName(files: readonly CertificateFile[]): Map<string, CertificateFile> {
  const found = new Map<string, CertificateFile>();
  for (const file of [...files].sort((left, right) => left.endsAtMs - right.endsAtMs)) {
    for (const name of file.names) found.set(name, file);
  }
  return found;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
