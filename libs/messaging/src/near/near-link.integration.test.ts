import { connect } from 'node:net';
import { join } from 'node:path';

import { Actor, startNats } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { connectMessaging, type Messaging } from '../messaging.ts';
import { NearDesk } from './near-desk.ts';
import type { EchoRequest, EchoSetup } from './near-link.fixture.ts';
import { NearLink } from './near-link.ts';
import type { NearAddress } from './near-messages.ts';

const PROGRAM = join(import.meta.dirname, 'near-link.fixture.ts');
const UNTIL = { timeout: 60_000, interval: 20 };
const stack = new AsyncDisposableStack();
let natsUrl: string;
let messaging: Messaging;
let subjectsUsed = 0;

beforeAll(async () => {
  natsUrl = stack.use(await startNats()).url;
  messaging = await connectMessaging({ url: natsUrl, name: 'asker' });
  stack.defer(() => messaging.close());
});
afterAll(() => stack.disposeAsync());

/** A process that answers requests with its name, and how many requests of the subject went through NATS. */
async function withEcho(test: (echo: Echo) => Promise<void>): Promise<void> {
  const echo = new Echo(`near.test.${++subjectsUsed}`);
  try {
    await test(echo);
  } finally {
    await echo.close();
  }
}

class Echo {
  readonly subject: string;
  throughNats = 0;
  readonly #actors: Actor<EchoRequest>[] = [];
  readonly #wiretap: { stop(): void };

  constructor(subject: string) {
    this.subject = subject;
    this.#wiretap = messaging.subscribe(subject, () => this.throughNats++);
  }

  async start(name: string): Promise<Actor<EchoRequest>> {
    const setup: EchoSetup = { natsUrl, subject: this.subject, name };
    const actor = await Actor.start<EchoRequest>(PROGRAM, setup);
    this.#actors.push(actor);
    await actor.ask('answer');
    return actor;
  }

  ask(message: unknown = 'hello'): Promise<[string, unknown]> {
    return messaging.request(this.subject, message, { nearby: true, timeoutMs: 30_000 });
  }

  /** Asks until it is answered by a process, without NATS. */
  async untilNear(name: string): Promise<void> {
    await expect
      .poll(async () => {
        const before = this.throughNats;
        const answer = await this.ask().catch(() => ['']);
        await messaging.flush();
        return this.throughNats === before && answer[0];
      }, UNTIL)
      .toBe(name);
  }

  async close(): Promise<void> {
    this.#wiretap.stop();
    for (const actor of this.#actors) await actor.kill();
  }
}

describe.skipIf(process.platform !== 'linux')(
  'a request to another process of the machine',
  { timeout: 120_000 },
  () => {
    it('does not go through NATS, once it is known where that answers', async () => {
      await withEcho(async (echo) => {
        await echo.start('one');
        await echo.untilNear('one');
        const before = echo.throughNats;
        const large = Buffer.alloc(3_000_000, 7);
        const [first, second, third] = await Promise.all(
          [1, { two: null }, large].map((each) => echo.ask(each)),
        );
        expect([first, second]).toEqual([
          ['one', 1],
          ['one', { two: null }],
        ]);
        expect(large.equals(third?.[1] as Uint8Array)).toBe(true);
        await expect(echo.ask('fail')).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          message: 'as asked',
        });
        expect(echo.throughNats).toBe(before);
      });
    });

    it('brings operations on dicts and queues as they are, also to a process of an earlier version', async () => {
      const request = { op: 'one', operation: { do: 'dict.get', id: 'di-1', key: '"a"' } };
      const asked: unknown[] = [];
      const desk = await NearDesk.open((message) => {
        asked.push(message);
        return { value: new Uint8Array([1, 2]) };
      });
      const { name = '', secret = Buffer.alloc(0), takesPacked } = desk?.address ?? {};
      expect(takesPacked).toBe(true);
      for (const address of [
        { name, secret, takesPacked: true },
        { name, secret },
      ]) {
        const link = new NearLink(() => Promise.resolve(address));
        const answered = await vi.waitUntil(() => link.ask(request, 5_000), UNTIL);
        expect(Buffer.from((answered as { value: Uint8Array }).value)).toEqual(Buffer.of(1, 2));
        link.close();
      }
      expect(asked).toEqual([request, request]);
      desk?.close();
    });

    it('fails when it is not answered in time', async () => {
      await withEcho(async (echo) => {
        await echo.start('one');
        await echo.untilNear('one');
        const options = { nearby: true, timeoutMs: 1 };
        await expect(messaging.request(echo.subject, 'never', options)).rejects.toMatchObject({
          name: 'GantryTimeoutError',
        });
      });
    });

    it('fails as one to be sent again when that process is killed, and the next ones go to who answers then', async () => {
      await withEcho(async (echo) => {
        const one = await echo.start('one');
        await echo.untilNear('one');
        const asked = echo.ask('never');
        asked.catch(() => undefined);
        await one.kill();
        await expect(asked).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        await echo.start('two');
        await echo.untilNear('two');
      });
    });

    it('is given up when that process stands still, and the next ones go to who answers then', async () => {
      await withEcho(async (echo) => {
        const one = await echo.start('one');
        await echo.untilNear('one');
        one.pause();
        await expect(echo.ask()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        await echo.start('two');
        await echo.untilNear('two');
      });
    });

    it('goes elsewhere when that process says that it must not answer, or answers no more', async () => {
      await withEcho(async (echo) => {
        const one = await echo.start('one');
        await echo.untilNear('one');
        await expect(echo.ask('refuse')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        await echo.untilNear('one');
        await echo.start('two');
        await one.ask('stop');
        await echo.untilNear('two');
      });
    });

    it('is not answered to who does not know the secret of the socket', async () => {
      await withEcho(async (echo) => {
        await echo.start('one');
        const { name, secret } = await messaging.request<NearAddress>(`${echo.subject}.near`, null);
        expect(secret).toHaveLength(32);
        const socket = connect(`\0${name}`);
        const received: Buffer[] = [];
        socket.on('data', (data: Buffer) => received.push(data));
        const closed = new Promise((resolve) => socket.once('close', resolve));
        // A frame of one question, without the secret before it.
        const body = Buffer.from([0x81, 0xa2, 0x62, 0x69, 0x64, 0x01, 0x67, ...Buffer.from('message'), 0x01]);
        const header = Buffer.alloc(4);
        header.writeUInt32BE(body.length, 0);
        socket.write(Buffer.concat([header, body]));
        await closed;
        expect(received).toEqual([]);
      });
    });
  },
);
