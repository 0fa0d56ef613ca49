import { registryKeys, type CertificateRecord } from '@gantry/protocol';
import { KeyRing } from '@gantry/secrets';
import { createLogger } from '@gantry/telemetry';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import { CertificateAuthority } from '../certificates/certificate-authority.ts';
import type { KeyPair } from '../certificates/issued-certificate.ts';
import { MemoryRegistry } from '../memory-registry.fixture.ts';
import { AcmeCertificates } from './acme-certificates.ts';

const HOST = 'shop.example.test';
const DAY_MS = 24 * 3600 * 1000;

let folder: TemporaryDirectory;
let authority: CertificateAuthority;
let registry: MemoryRegistry;
let nowMs: number;
let ordered: string[];
let issue: (host: string) => Promise<KeyPair>;
const opened: AcmeCertificates[] = [];
const ring = KeyRing.parse(KeyRing.newKey(), 'the test');

beforeAll(async () => {
  folder = await temporaryDirectory();
  authority = await CertificateAuthority.open(folder.path);
});
afterAll(() => folder.remove());
beforeEach(() => {
  registry = new MemoryRegistry();
  nowMs = Date.now();
  ordered = [];
  issue = (host) => authority.issue([{ type: 'dns', value: host }]);
});
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

async function open(): Promise<AcmeCertificates> {
  const certificates = await AcmeCertificates.open({
    registry,
    keys: { require: () => Promise.resolve(ring) },
    orders: {
      issue: (host) => {
        ordered.push(host);
        return issue(host);
      },
    },
    isServed: (host) => host.endsWith('.test'),
    gatewayId: 'gateway-1',
    log: createLogger({ name: 'test', level: 'silent' }),
    nowMs: () => nowMs,
    sweepMs: 10,
  });
  opened.push(certificates);
  return certificates;
}

async function record(): Promise<CertificateRecord | undefined> {
  return (await registry.get<CertificateRecord>(registryKeys.certificate(HOST)))?.value;
}

describe('certificates of an ACME authority', () => {
  test('are ordered once, when their host is first asked for, and shared with other gateways', async () => {
    const [first, second] = [await open(), await open()];
    const found = await Promise.all([first.find(HOST), first.find(HOST), second.find(HOST)]);
    expect(found.every(Boolean)).toBe(true);
    expect(await (await open()).find(HOST)).toBeDefined();
    expect(ordered).toEqual([HOST]);
  });

  test('are not ordered for hosts that nothing answers for, nor for those of this machine', async () => {
    const certificates = await open();
    expect(await certificates.find('invented.example')).toBeUndefined();
    expect(await certificates.find('shop.gantry.localhost')).toBeUndefined();
    expect(ordered).toEqual([]);
  });

  test('have their keys sealed', async () => {
    await (await open()).find(HOST);
    const { sealedKey = new Uint8Array() } = (await record()) ?? {};
    expect(Buffer.from(sealedKey).includes('PRIVATE KEY')).toBe(false);
    expect(Buffer.from(ring.open(sealedKey, `the key of the certificate for ${HOST}`)).toString()).toContain(
      'PRIVATE KEY',
    );
  });

  test('are renewed when a third of their time is left, and serve meanwhile', async () => {
    const certificates = await open();
    const before = await certificates.find(HOST);
    nowMs += 59 * DAY_MS;
    expect(await certificates.find(HOST)).toBe(before);
    expect(ordered).toHaveLength(1);
    nowMs += 2 * DAY_MS;
    await vi.waitFor(() => expect(ordered).toHaveLength(2), { timeout: 20_000 });
    await vi.waitFor(async () => expect(await certificates.find(HOST)).not.toBe(before), { timeout: 20_000 });
  });

  test('that are not issued say why, and are tried again later and later', async () => {
    issue = () => Promise.reject(new Error('the authority could not reach us'));
    const certificates = await open();
    expect(await certificates.find(HOST)).toBeUndefined();
    expect((await record())?.failure).toEqual({
      ...{ message: 'the authority could not reach us', attempts: 1 },
      ...{ atMs: nowMs, retryAtMs: nowMs + 60_000 },
    });
    expect(await certificates.find(HOST)).toBeUndefined();
    expect(ordered).toHaveLength(1);
    nowMs += 60_000;
    await vi.waitFor(async () => expect((await record())?.failure?.attempts).toBe(2), { timeout: 20_000 });
    expect((await record())?.failure?.retryAtMs).toBe(nowMs + 180_000);
    issue = (host) => authority.issue([{ type: 'dns', value: host }]);
    nowMs += 180_000;
    await vi.waitFor(async () => expect((await record())?.certificate).toBeDefined(), { timeout: 20_000 });
    expect(await record()).not.toHaveProperty('failure');
  });

  test('whose gateway died while it ordered are ordered by another', async () => {
    const order = { gatewayId: 'gateway-0', untilMs: nowMs + 300_000 };
    registry.set(registryKeys.certificate(HOST), { name: HOST, order });
    const certificates = await open();
    expect(ordered).toEqual([]);
    nowMs += 300_000;
    await vi.waitFor(() => expect(ordered).toEqual([HOST]), { timeout: 20_000 });
    expect(await certificates.find(HOST)).toBeDefined();
  });
});
