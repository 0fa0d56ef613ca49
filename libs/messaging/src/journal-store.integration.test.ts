import { RequestSizeError } from '@gantry/protocol';
import { startNats } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectMessaging, type JournalStore, type Messaging } from './index.ts';

type Nats = Awaited<ReturnType<typeof startNats>>;

let nats: Nats;
let messaging: Messaging;
let journals: JournalStore;

beforeAll(async () => {
  nats = await startNats({ syncAlways: true });
  messaging = await connectMessaging({ url: nats.url, name: 'test', onError: () => undefined });
  await messaging.ensureStreams();
  journals = messaging.journals;
});

afterAll(async () => {
  await messaging.close();
  await nats.stop();
});

const body = (byte: number) => new Uint8Array([byte]);

async function bytesOf(id: string): Promise<number[]> {
  const bytes: number[] = [];
  for await (const { data } of journals.read(id)) bytes.push(data[0] ?? -1);
  return bytes;
}

describe('a journal', () => {
  it('is read in the order in which it was appended, apart from others', async () => {
    const first = await journals.append('di-a', body(1), { after: 0, messageId: 'a1' });
    await journals.append('di-b', body(9), { after: 0, messageId: 'b1' });
    const second = await journals.append('di-a', body(2), { after: first, messageId: 'a2' });
    expect(await bytesOf('di-a')).toEqual([1, 2]);
    expect([...((await journals.readAt(second)) ?? [])]).toEqual([2]);
  });

  it('takes no message of a writer that has not seen the last one', async () => {
    const first = await journals.append('di-c', body(1), { after: 0, messageId: 'c1' });
    await journals.append('di-c', body(2), { after: first, messageId: 'c2' });
    const late = journals.append('di-c', body(3), { after: first, messageId: 'c3' });
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await bytesOf('di-c')).toEqual([1, 2]);
  });

  it('takes a message once, also when it is sent again after its answer was lost', async () => {
    const first = await journals.append('di-d', body(1), { after: 0, messageId: 'd1' });
    expect(await journals.append('di-d', body(1), { after: 0, messageId: 'd1' })).toBe(first);
    expect(await bytesOf('di-d')).toEqual([1]);
  });

  it('refuses at once what is larger than a message may be', async () => {
    const appended = journals.append('di-large', new Uint8Array(9 * 1024 ** 2), {
      after: 0,
      messageId: 'e1',
    });
    await expect(appended).rejects.toThrow(RequestSizeError);
  });

  it('is trimmed from its beginning, and goes on', async () => {
    const first = await journals.append('di-e', body(1), { after: 0, messageId: 'e1' });
    const second = await journals.append('di-e', body(2), { after: first, messageId: 'e2' });
    await journals.trim('di-e', second);
    expect(await bytesOf('di-e')).toEqual([2]);
    expect(await journals.readAt(first)).toBeUndefined();
    await journals.append('di-e', body(3), { after: second, messageId: 'e3' });
    expect(await bytesOf('di-e')).toEqual([2, 3]);
    await journals.remove('di-e');
    expect(await bytesOf('di-e')).toEqual([]);
  });

  it('outlasts a nats-server that is killed while messages are on their way', async () => {
    let after = 0;
    const appendTen = async (from: number): Promise<void> => {
      for (let byte = from; byte < from + 10; byte++) {
        after = await journals.append('di-f', body(byte), { after, messageId: `f${byte}` });
      }
    };
    await appendTen(0);
    const going = appendTen(10);
    nats.kill();
    await nats.restart();
    await going;
    expect(await bytesOf('di-f')).toEqual(Array.from({ length: 20 }, (_, byte) => byte));
  });
});
