import { once } from 'node:events';
import { get } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';

import { registryKeys, type CertificateRecord } from '@gantry/protocol';
import { findPebbleProblem, freePort, startPebble, temporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { CertificateAuthority } from '../certificates/certificate-authority.ts';
import type { KeyPair } from '../certificates/issued-certificate.ts';
import { TestPlatform } from '../gateway.fixture.ts';

const problem = findPebbleProblem();
const PATIENCE = { timeout: 30_000, interval: 100 };

describe.skipIf(problem)(`a gateway with an ACME authority${problem ? ` (${problem})` : ''}`, () => {
  const stack = new AsyncDisposableStack();
  let platform: TestPlatform;
  let authorityTls: KeyPair;

  beforeAll(async () => {
    const folder = stack.use(await temporaryDirectory());
    const authority = await CertificateAuthority.open(folder.path);
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, authority.pem]);
    stack.defer(() => setDefaultCACertificates(before));
    const httpPort = await freePort();
    authorityTls = await authority.issue([{ type: 'dns', value: 'localhost' }]);
    const { directory } = stack.use(await startPebble({ ...authorityTls, httpPort }));
    const acme = { directory, email: 'ops@example.test', retryMs: 100, sweepMs: 100 };
    platform = stack.use(await TestPlatform.start({ acme, httpPort }));
    const { record } = await platform.serve({ run: () => 'hi' });
    const route = { functionId: record.id, appId: 'ap-test', method: '', ephemeral: false, createdAtMs: 0 };
    platform.setRoute({ ...route, host: 'shop.example.test' });
  });
  afterAll(() => stack.disposeAsync());

  async function issuerOf(servername: string, port = platform.port): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { issuer, subjectaltname } = socket.getPeerCertificate();
    socket.destroy();
    return `${subjectaltname} by ${String(issuer.CN)}`;
  }

  test('shows its certificate to the first visitor of a host, and on every gateway', async () => {
    await vi.waitFor(
      async () => expect(await issuerOf('shop.example.test')).toMatch(/^DNS:shop\.example\.test by Pebble/),
      PATIENCE,
    );
    const second = await platform.startSecondGateway();
    const port = Number(new URL(second.url).port);
    expect(await issuerOf('shop.example.test', port)).toMatch(/^DNS:shop\.example\.test by Pebble/);
    expect(platform.registry.keys().filter((key) => key.startsWith('acmechallenge'))).toEqual([]);
  });

  test('is asked in TLS where it has no port for plain HTTP, while visitors come as ever', async () => {
    const port = await freePort();
    await using pebble = await startPebble({ ...authorityTls, tlsPort: port });
    const acme = { directory: pebble.directory, retryMs: 100, sweepMs: 100 };
    await using other = await TestPlatform.start({ acme, port });
    const { record, host } = await other.serve({ run: () => 'hi' }, { maxInputs: 100 });
    const route = { functionId: record.id, appId: 'ap-test', method: '', ephemeral: false, createdAtMs: 0 };
    other.setRoute({ ...route, host: 'tls.example.test' });
    await vi.waitFor(async () => {
      const issuer = issuerOf('tls.example.test', port);
      expect((await other.ask(host)).json).toBe('hi');
      expect(await issuer).toMatch(/^DNS:tls\.example\.test by Pebble/);
    }, PATIENCE);
    expect(other.registry.keys().filter((key) => key.startsWith('acmechallenge'))).toEqual([]);
  });

  test('tells who asks in TLS by the whole first message, in however many pieces it comes', async () => {
    const record = { token: 'told', answer: 'told.thumbprint', host: 'pieces.example.test' };
    platform.registry.set(registryKeys.acmeChallenge(record.token), record);
    const raw = connectTcp({ host: '127.0.0.1', port: platform.port, noDelay: true });
    const pieces = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        const from = (at: number): void => {
          if (at >= chunk.length) return done();
          raw.write(chunk.subarray(at, at + 50), () => setImmediate(from, at + 50));
        };
        from(0);
      },
    });
    raw.on('data', (bytes: Buffer) => pieces.push(bytes));
    const options = { servername: record.host, ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false };
    const socket = connect({ socket: pieces, ...options });
    await once(socket, 'secureConnect');
    expect(socket.getPeerCertificate().subjectaltname).toBe(`DNS:${record.host}`);
    raw.destroy();
    platform.registry.set(registryKeys.acmeChallenge(record.token), undefined);
  });

  test('has nothing for those who ask for what no authority asked', async () => {
    const socket = connect({
      ...{ host: '127.0.0.1', port: platform.port, servername: 'shop.example.test' },
      ...{ ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false },
    });
    await expect(once(socket, 'secureConnect')).rejects.toThrow(/no.application.protocol/i);
  });

  test('serves with its own authority, and says why, where the other issues nothing', async () => {
    const directory = `https://localhost:${await freePort()}/dir`;
    await using other = await TestPlatform.start({ acme: { directory }, httpPort: 0 });
    const { record } = await other.serve({ run: () => 'hi' });
    const host = 'lonely.example.test';
    const route = { functionId: record.id, appId: 'ap-test', method: '', ephemeral: false, createdAtMs: 0 };
    other.setRoute({ ...route, host });
    expect(await issuerOf(host, other.port)).toMatch(/^DNS:lonely\.example\.test by Gantry/);
    await vi.waitFor(async () => {
      const found = await other.registry.get<CertificateRecord>(registryKeys.certificate(host));
      expect(found?.value.failure?.message).toContain('cannot be reached: ECONNREFUSED');
    }, PATIENCE);
  });

  test('answers at its plain port what is asked by nobody as before', async () => {
    const { httpPort } = platform;
    const [answer] = await once(get(`http://127.0.0.1:${httpPort}/.well-known/acme-challenge/x`), 'response');
    expect((answer as { statusCode: number }).statusCode).toBe(308);
  });
});
