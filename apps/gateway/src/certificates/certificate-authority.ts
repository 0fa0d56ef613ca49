import 'reflect-metadata';

import { randomBytes, type webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

import { type KeyPair, validity } from './issued-certificate.ts';
import { readIfExists, replaceFile } from './private-file.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const CA_YEARS = 10;

/** Name or address that a certificate is good for. */
export interface SubjectName {
  type: 'dns' | 'ip';
  value: string;
}

/** Signs certificates with a key of its own; who trusts its certificate trusts every host of this gateway. */
export class CertificateAuthority {
  /** Its certificate, PEM. */
  readonly pem: string;
  readonly #certificate: X509Certificate;
  readonly #key: webcrypto.CryptoKey;

  private constructor(pem: string, key: webcrypto.CryptoKey) {
    this.pem = pem;
    this.#certificate = new X509Certificate(pem);
    this.#key = key;
  }

  /** Opens the authority kept in a folder as `ca.pem` and `ca.key`, or founds one there. */
  static async open(folder: string): Promise<CertificateAuthority> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const pem = await readIfExists(join(folder, 'ca.pem'));
    const key = await readIfExists(join(folder, 'ca.key'));
    if (pem !== undefined && key !== undefined) return new CertificateAuthority(pem, await importKey(key));
    return CertificateAuthority.#found(folder);
  }

  static async #found(folder: string): Promise<CertificateAuthority> {
    const keys = await generateKeys();
    const now = new Date();
    const end = new Date(now);
    end.setUTCFullYear(end.getUTCFullYear() + CA_YEARS);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: [{ CN: [`Gantry local CA (${hostname().replace(/[^\w.-]/g, '-')})`] }, { O: ['Gantry'] }],
      notBefore: validity(now.getTime()).notBefore,
      notAfter: end,
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    // The key first: a certificate without its key would be trusted and useless.
    await replaceFile(join(folder, 'ca.key'), await exportKey(keys.privateKey), 0o600);
    const pem = `${certificate.toString('pem')}\n`;
    await replaceFile(join(folder, 'ca.pem'), pem, 0o644);
    return new CertificateAuthority(pem, keys.privateKey);
  }

  /** Issues a server certificate for these names. */
  async issue(names: readonly SubjectName[]): Promise<KeyPair> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      // The names stand in the extension: a common name holds 64 characters at most.
      subject: [{ O: ['Gantry'] }],
      issuer: this.#certificate.subject,
      ...validity(Date.now()),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([...names]),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
      ],
    });
    return { certificate: `${certificate.toString('pem')}\n`, privateKey: await exportKey(keys.privateKey) };
  }

  /** True for a certificate that this authority signed. */
  hasSigned(certificate: NodeCertificate): boolean {
    return certificate.verify(new NodeCertificate(this.pem).publicKey);
  }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

// Positive and not above 20 bytes, as certificates want it.
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return crypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), ALGORITHM, true, ['sign']);
}
