import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Logger } from '@gantry/telemetry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Notice, Notifier } from './notifier.ts';

const NOTICE: Notice = {
  ...{ text: 'the run failed', event: 'run.failed', workspace: 'local', environment: 'main' },
  ...{ app: 'shop', function: 'tick', atMs: 1 },
};

describe('notices', () => {
  let server: Server;
  let url = '';
  let answers: number[] = [];
  let received: unknown[] = [];
  const warnings: unknown[] = [];
  const log = { warn: (...line: unknown[]) => void warnings.push(line) } as unknown as Logger;
  const notifier = (): Notifier => new Notifier({ url, log, pause: async () => undefined });

  beforeAll(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        received.push(JSON.parse(Buffer.concat(parts).toString()));
        response.writeHead(answers.shift() ?? 200).end('thanks');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret-part`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    received = [];
    answers = [];
  });

  it('are sent as JSON, with a text that chats show', async () => {
    await notifier().send(NOTICE);
    expect(received).toEqual([NOTICE]);
  });

  it('are sent again while they are refused, four times in all, and then given up without a word of the address', async () => {
    answers = [500, 503];
    await notifier().send(NOTICE);
    expect(received).toHaveLength(3);
    answers = [500, 500, 500, 500];
    await notifier().send(NOTICE);
    expect(received).toHaveLength(7);
    expect(JSON.stringify(warnings)).toContain('the answer was 500');
    expect(JSON.stringify(warnings)).not.toContain('secret-part');
  });

  it('do not pile up when nobody takes them', async () => {
    const stuck = Promise.withResolvers<void>();
    answers = Array.from({ length: 200 }, () => 500);
    const many = new Notifier({ url, log, pause: () => stuck.promise });
    const sent = Array.from({ length: 120 }, () => many.send(NOTICE));
    await Promise.all(sent.slice(100));
    answers = [];
    stuck.resolve();
    await Promise.all(sent);
    expect(JSON.stringify(warnings)).toContain('a notice is dropped: too many wait');
  });
});
