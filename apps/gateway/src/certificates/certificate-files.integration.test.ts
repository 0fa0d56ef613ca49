import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';

import { createLogger } from '@gantry/telemetry';
import { temporaryDirectory, waitUntil } from '@gantry/testing';
import { expect, test } from 'vitest';

import { TestPlatform } from '../gateway.fixture.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { CertificateFiles } from './certificate-files.ts';

const BUSY = { timeoutMs: 30_000 };

test('certificates of another authority serve the names that they are good for, and new ones without a restart', async () => {
  await using folder = await temporaryDirectory();
  await using elsewhere = await temporaryDirectory();
  const authority = await CertificateAuthority.open(elsewhere.path);
  const issue = async (file: string, ...names: string[]): Promise<void> => {
    const pair = await authority.issue(names.map((value) => ({ type: 'dns' as const, value })));
    await writeFile(join(folder.path, `${file}.key`), pair.privateKey);
    await writeFile(join(folder.path, `${file}.crt`), pair.certificate);
  };
  await issue('all', '*.example.test', 'example.test');
  await issue('api', 'api.example.test');
  await using platform = await TestPlatform.start({ certificates: { folder: folder.path, readEveryMs: 50 } });
  const { host } = await platform.serve({ run: () => 'hi' });

  /** Who signed what a client is shown, and what for. */
  const shown = async (servername: string): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port: platform.port, servername, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { subjectaltname, fingerprint256 } = socket.getPeerCertificate();
    const certificate = socket.getPeerX509Certificate();
    const isOther = certificate !== undefined && authority.hasSigned(certificate);
    socket.destroy();
    return `${isOther ? 'other' : 'own'} ${subjectaltname} ${fingerprint256}`;
  };
  expect(await shown('shop.example.test')).toContain('other DNS:*.example.test, DNS:example.test ');
  expect(await shown('example.test')).toContain('other DNS:*.example.test, DNS:example.test ');
  expect(await shown('api.example.test')).toContain('other DNS:api.example.test ');
  expect(await shown(host)).toContain(`own DNS:${host} `);

  const before = await shown('api.example.test');
  await issue('api', 'api.example.test');
  await waitUntil(async () => (await shown('api.example.test')) !== before, BUSY);
  const renewed = await shown('api.example.test');
  // Half a renewal changes nothing.
  await writeFile(join(folder.path, 'api.crt'), 'no certificate');
  await issue('new', 'new.other.test');
  await waitUntil(async () => (await shown('new.other.test')).includes('DNS:new.other.test'), BUSY);
  expect(await shown('api.example.test')).toBe(renewed);
  await rm(join(folder.path, 'api.crt'));
  await waitUntil(async () => (await shown('api.example.test')).includes('DNS:*.example.test'), BUSY);
});

test('a gateway does not start with certificates that it cannot use', async () => {
  await using folder = await temporaryDirectory();
  await using elsewhere = await temporaryDirectory();
  const log = createLogger({ name: 'gateway', level: 'silent' });
  const opened = () => CertificateFiles.open({ folder: folder.path, log });
  const authority = await CertificateAuthority.open(elsewhere.path);
  const [one, two] = await Promise.all(
    ['a.test', 'b.test'].map((value) => authority.issue([{ type: 'dns', value }])),
  );
  await writeFile(join(folder.path, 'a.crt'), one?.certificate ?? '');
  await expect(opened()).rejects.toThrow('a.crt" cannot be used: ENOENT');
  await writeFile(join(folder.path, 'a.key'), two?.privateKey ?? '');
  await expect(opened()).rejects.toThrow('the key is that of another certificate');
  await writeFile(join(folder.path, 'a.key'), one?.privateKey ?? '');
  (await opened()).close();
  const nowhere = CertificateFiles.open({ folder: join(folder.path, 'nowhere'), log });
  await expect(nowhere).rejects.toThrow('cannot be read');
});
