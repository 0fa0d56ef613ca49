import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';

import type { AcmeCertificates } from '../acme/acme-certificates.ts';
import type { CertificateFiles } from './certificate-files.ts';
import { CertificateAuthority, type SubjectName } from './certificate-authority.ts';
import { type KeyPair, renewAt } from './issued-certificate.ts';
import { readIfExists, replaceFile } from './private-file.ts';

const MAX_CACHED_HOSTS = 2_000;

interface CachedContext {
  context: Promise<SecureContext>;
  /** Known once the certificate is. */
  renewAtMs: number;
}

/**
 * Certificates by host name: from memory, else from disk, else issued now; replaced 30 days before they end.
 *
 * Callers ask only for hosts that exist. Every other name under the domain is covered by the fallback, so that
 * nobody can make the gateway issue certificates by asking for invented names.
 */
export class HostCertificates {
  /** PEM of the authority. */
  readonly caPem: string;
  readonly #authority: CertificateAuthority;
  readonly #folder: string;
  readonly #domain: string;
  /** Those of another authority come first. */
  #files: CertificateFiles | undefined;
  #acme: Pick<AcmeCertificates, 'find'> | undefined;
  /** In order of use, oldest first. */
  readonly #contexts = new Map<string, CachedContext>();

  private constructor(authority: CertificateAuthority, folder: string, domain: string) {
    this.caPem = authority.pem;
    this.#authority = authority;
    this.#folder = folder;
    this.#domain = domain;
  }

  /** `caFolder` keeps the authority and, below `hosts`, what it issued. */
  static async open(caFolder: string, domain: string, files?: CertificateFiles): Promise<HostCertificates> {
    const authority = await CertificateAuthority.open(caFolder);
    const folder = join(caFolder, 'hosts');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const certificates = new HostCertificates(authority, folder, domain);
    certificates.#files = files;
    return certificates;
  }

  /** Certificate that somebody else issued for this name, whether it exists or not. */
  fromFiles(host: string): SecureContext | undefined {
    return this.#files?.find(host);
  }

  /** Sets who has certificates of an authority outside: they come before our own. */
  useAcme(acme: Pick<AcmeCertificates, 'find'>): void {
    this.#acme = acme;
  }

  /** Certificate for one existing host name, or for a wildcard. */
  async contextFor(host: string): Promise<SecureContext> {
    const issued = await this.#acme?.find(host);
    return issued ?? this.#remember(host, () => this.#keyPair(host, [{ type: 'dns', value: host }]));
  }

  /** Certificate for the domain, all names one level below it, and this machine's own names. */
  async fallback(): Promise<KeyPair> {
    return this.#keyPair('_fallback', [
      { type: 'dns', value: this.#domain },
      { type: 'dns', value: `*.${this.#domain}` },
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
      { type: 'ip', value: '::1' },
    ]);
  }

  #remember(host: string, open: () => Promise<KeyPair>): Promise<SecureContext> {
    const cached = this.#contexts.get(host);
    this.#contexts.delete(host);
    if (cached && cached.renewAtMs > Date.now()) {
      this.#contexts.set(host, cached);
      return cached.context;
    }
    const entry: CachedContext = { renewAtMs: Number.POSITIVE_INFINITY, context: this.#create(host, open) };
    this.#contexts.set(host, entry);
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size > MAX_CACHED_HOSTS && oldest !== undefined) this.#contexts.delete(oldest);
    return entry.context;
  }

  async #create(host: string, open: () => Promise<KeyPair>): Promise<SecureContext> {
    try {
      const pair = await open();
      const entry = this.#contexts.get(host);
      if (entry) entry.renewAtMs = renewAt(endOf(pair));
      return createSecureContext({ cert: pair.certificate, key: pair.privateKey });
    } catch (error) {
      this.#contexts.delete(host);
      throw error;
    }
  }

  async #keyPair(name: string, subjects: readonly SubjectName[]): Promise<KeyPair> {
    const path = join(this.#folder, `${name.replace('*', '_wildcard')}.pem`);
    const stored = this.#usable(await readIfExists(path));
    if (stored) return stored;
    const issued = await this.#authority.issue(subjects);
    await replaceFile(path, issued.certificate + issued.privateKey, 0o600);
    return issued;
  }

  /** A stored pair, unless it ends soon, is damaged, or came from an authority that is gone. */
  #usable(text: string | undefined): KeyPair | undefined {
    const keyStart = text?.indexOf('-----BEGIN PRIVATE KEY-----') ?? -1;
    if (text === undefined || keyStart < 0) return undefined;
    const pair = { certificate: text.slice(0, keyStart), privateKey: text.slice(keyStart) };
    try {
      const isCurrent = renewAt(endOf(pair)) > Date.now();
      return isCurrent && this.#authority.hasSigned(new X509Certificate(pair.certificate)) ? pair : undefined;
    } catch {
      return undefined;
    }
  }
}

function endOf(pair: KeyPair): number {
  return new Date(new X509Certificate(pair.certificate).validTo).getTime();
}
