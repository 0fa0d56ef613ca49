import {
  type CreditMessage,
  InvalidError,
  newCallId,
  newSessionKey,
  type ServerMessage,
  subjects,
  type ValuesMessage,
} from '@gantry/protocol';
import { startNats, waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CallSession, connectMessaging, type FunctionDirectory, type Messaging } from './index.ts';

type Nats = Awaited<ReturnType<typeof startNats>>;

describe('a session with values of generators, over a real nats-server', () => {
  let nats: Nats;
  let messaging: Messaging;
  let worker: Messaging;

  beforeAll(async () => {
    nats = await startNats();
    messaging = await connectMessaging({ url: nats.url, name: 'server' });
    worker = await connectMessaging({ url: nats.url, name: 'worker' });
    await messaging.ensureStreams();
  });

  afterAll(async () => {
    await messaging.close();
    await worker.close();
    await nats.stop();
  });

  function openSession() {
    const sessionKey = newSessionKey();
    const sent: ServerMessage[] = [];
    const session = new CallSession({
      messaging,
      functions: {} as FunctionDirectory,
      sessionKey,
      send: (message) => sent.push(message),
    });
    return { session, sent, callId: newCallId(sessionKey) };
  }

  function valuesOf(callId: string, first = 0): ValuesMessage {
    return { type: 'values', callId, inputId: 'in-1', first, values: [new Uint8Array([1])], source: 'wk-1' };
  }

  it('says how far a consumer is to the worker that has its values, or to all', async () => {
    const { session, callId } = openSession();
    const credits: [string, CreditMessage][] = [];
    worker.subscribe<CreditMessage>('gantry.credit.>', (message, subject) =>
      credits.push([subject, message]),
    );
    worker.subscribe<CreditMessage>(subjects.credits, (message, subject) => credits.push([subject, message]));
    await waitUntil(() => {
      session.receive({ type: 'pull', callId, taken: 16, source: 'wk-1' });
      session.receive({ type: 'pull', callId, taken: 16, againFrom: 20 });
      return credits.length >= 2;
    });
    expect(credits[0]).toMatchObject([subjects.credit('wk-1'), { callId, taken: 16 }]);
    expect(credits[1]).toMatchObject([subjects.credits, { callId, taken: 16, againFrom: 20 }]);
    session.close();
  });

  it('passes on the values of its own calls, once it was asked about one', async () => {
    const { session, sent, callId } = openSession();
    const other = newCallId(newSessionKey());
    session.receive({ type: 'pull', callId, taken: 0, againFrom: 0 });
    await waitUntil(() => {
      worker.publish(subjects.values(other), valuesOf(other));
      worker.publish(subjects.values(callId), valuesOf(callId));
      return sent.length > 0;
    });
    expect(sent.every((message) => message.type === 'values' && message.callId === callId)).toBe(true);
    session.close();
  });

  it('refuses what is no question about a call of its own', () => {
    const { session, callId } = openSession();
    const foreign = newCallId(newSessionKey());
    const refused = [
      { type: 'pull', callId: foreign, taken: 0 },
      { type: 'pull', callId, taken: -1 },
      { type: 'pull', callId, taken: 0, againFrom: Number.NaN },
      { type: 'pull', callId, taken: 0, source: 'wk-1.>' },
    ] as const;
    for (const message of refused) expect(() => session.receive(message)).toThrow(InvalidError);
    session.close();
  });
});
