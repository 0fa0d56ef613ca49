import {
  encodeFrame,
  newCallId,
  newId,
  newSessionKey,
  type ParameterSpec,
  valueName,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fn, TestClient } from './testing/test-client.ts';
import { TestPlatform } from './testing/test-platform.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(async () => {
  await platform.stop();
});

describe('sessions', () => {
  it('speaks the subprotocol and welcomes the client', async () => {
    const session = await platform.client.session();
    expect(session.protocol).toBe('gantry');
    expect(session.received[0]).toMatchObject({ type: 'welcome', workspace: 'local' });
    session.send({ type: 'ping' });
    await session.waitFor('pong');
    session.close();
  });

  it('accepts inputs, starts a container, and sends the outputs', async () => {
    const { functionId } = await platform.deployFresh();
    const session = await platform.client.session();
    const { callId, inputIds } = session.submit(functionId, [1, 2, 3]);
    const outputs = await session.waitFor('output', 3);
    expect(outputs.map(({ inputId }) => inputId).sort()).toEqual([...inputIds].sort());
    expect(outputs.every((output) => output.callId === callId)).toBe(true);
    const third = outputs.find(({ index }) => index === 2);
    expect([...((third?.outcome as { value: Uint8Array }).value ?? [])]).toEqual([3]);
    expect(
      session
        .of('accepted')
        .flatMap((message) => message.inputIds)
        .sort(),
    ).toEqual([...inputIds].sort());
    const starts = platform.worker.commands.filter(
      (command) => command.type === 'start' && command.pool === functionId,
    );
    expect(starts.length).toBeGreaterThan(0);
    expect(starts[0]).toMatchObject({ fence: expect.any(Number), record: { id: functionId } });
    session.close();
  });

  it('sends a call again to a session that awaits it, its own or another', async () => {
    const { functionId } = await platform.deployFresh();
    const first = await platform.client.session();
    const { callId } = first.submit(functionId, [5, 6]);
    await first.waitFor('output', 2);
    first.close();
    for (const key of [first.key, newSessionKey()]) {
      const later = await platform.client.session(key);
      later.send({ type: 'await', requestId: 1, callId });
      expect((await later.waitFor('output', 2)).map(({ index }) => index).sort()).toEqual([0, 1]);
      later.close();
    }
  });

  it('delivers the outputs of a call that is still running to a session that awaits it', async () => {
    const { functionId } = await platform.deployFresh();
    let release: (() => void) | undefined;
    platform.worker.handler = (delivery) => {
      release = () => {
        const { inputId, callId, index, attempt } = delivery.message;
        const times = { startedAtMs: 1, finishedAtMs: 2, containerId: 'ta-1' };
        const outcome = { type: 'value' as const, value: new Uint8Array([9]) };
        void platform.messaging.outputs
          .store({ inputId, callId, index, attempt, outcome, ...times })
          .then(() => delivery.ack());
      };
      return undefined;
    };
    const caller = await platform.client.session();
    const { callId } = caller.submit(functionId, [1]);
    await waitUntil(() => release !== undefined);
    const other = await platform.client.session();
    other.send({ type: 'await', requestId: 1, callId }, { type: 'ping' });
    await other.waitFor('pong');
    await new Promise((resolve) => setTimeout(resolve, 100));
    release?.();
    await other.waitFor('output');
    await caller.waitFor('output');
    platform.worker.handler = ({ message }) => ({ type: 'value', value: message.args });
    caller.close();
    other.close();
  });

  it('rejects what cannot run, each with its own error', async () => {
    const { functionId } = await platform.deployFresh();
    const session = await platform.client.session();
    const digest = `sha256-${'0'.repeat(64)}`;
    const stale = valueName(digest, Date.now() - 8 * 24 * 3600 * 1000);
    const cases: [Record<string, unknown>, string][] = [
      [{ functionId: newId('fu') }, 'NotFoundError'],
      [{ method: 'other' }, 'NotFoundError'],
      [{ parameters: { lang: 'eng' } }, 'InvalidError'],
      [{ callId: newCallId('zzzzzz') }, 'InvalidError'],
      [{ callId: 'fc-1' }, 'InvalidError'],
      [{ kind: 'other' }, 'InvalidError'],
      [{ inputs: 'none' }, 'InvalidError'],
      [{ inputs: [null] }, 'InvalidError'],
      [{ inputs: [{ inputId: newId('in'), index: -1, args: new Uint8Array() }] }, 'InvalidError'],
      [{ inputs: [{ inputId: newId('in'), index: 0, args: 'text' }] }, 'InvalidError'],
      [{ inputs: [{ inputId: newId('in'), index: 0, args: new Uint8Array(600_000) }] }, 'InvalidError'],
      [
        { inputs: [{ inputId: newId('in'), index: 0, args: { blob: digest, sizeBytes: 9 } }] },
        'InvalidError',
      ],
      [{ inputs: [{ inputId: newId('in'), index: 0, args: { blob: stale, sizeBytes: 9 } }] }, 'InvalidError'],
    ];
    for (const [changes] of cases) session.submit(functionId, [1], changes);
    const rejected = await session.waitFor('rejected', cases.length);
    expect(rejected.map(({ error }) => error.name).sort()).toEqual(cases.map(([, name]) => name).sort());
    session.close();
  });

  it('says when a call does not exist, or is too old', async () => {
    const session = await platform.client.session();
    const old = newCallId('abcdef', Date.now() - 8 * 24 * 3600 * 1000);
    session.send({ type: 'await', requestId: 1, callId: newCallId('abcdef') });
    session.send({ type: 'await', requestId: 2, callId: old });
    session.send({ type: 'await', requestId: 3, callId: 'nonsense' });
    session.send({ type: 'cancel', requestId: 4, callId: newCallId('abcdef') });
    const answers = await session.waitFor('answer', 4);
    const names = new Map(answers.map(({ requestId, error }) => [requestId, error?.name]));
    expect([1, 2, 3, 4].map((id) => names.get(id))).toEqual([
      'NotFoundError',
      'OutputExpiredError',
      'InvalidError',
      'NotFoundError',
    ]);
    session.close();
  });

  it('answers waiting inputs of a cancelled call as cancelled', async () => {
    const { functionId } = await platform.deployFresh([fn('slow', { maxContainers: 1 })]);
    platform.worker.handler = () => undefined;
    const session = await platform.client.session();
    const { callId, inputIds } = session.submit(functionId, [1, 2, 3]);
    await waitUntil(() => session.of('accepted').flatMap((message) => message.inputIds).length === 3);
    session.send({ type: 'cancel', requestId: 7, callId });
    expect(await session.waitFor('answer')).toEqual([{ type: 'answer', requestId: 7 }]);
    const outputs = await session.waitFor('output', 3);
    expect(new Set(outputs.map(({ inputId }) => inputId))).toEqual(new Set(inputIds));
    expect(
      outputs.every(({ outcome }) => outcome.type === 'failure' && outcome.failure.code === 'CANCELLED'),
    ).toBe(true);
    expect(await platform.messaging.inputs.openInputs(callId)).toBe(0);
    platform.worker.handler = ({ message }) => ({ type: 'value', value: message.args });
    session.close();
  });

  it('keeps callers from piling up more than the limit, but for spawns', async () => {
    const { functionId } = await platform.deployFresh([fn('full', { region: ['nowhere'] })]);
    const session = await platform.client.session();
    const args = Array.from({ length: 1_000 }, () => 1);
    session.submit(functionId, args);
    session.submit(functionId, args);
    await waitUntil(() => session.of('accepted').flatMap((message) => message.inputIds).length === 2_000);
    session.submit(functionId, [1]);
    const [rejected] = await session.waitFor('rejected');
    expect(rejected?.error).toMatchObject({
      name: 'ResourceExhaustedError',
      details: { retryAfterMs: 1_000 },
    });
    const { inputIds } = session.submit(functionId, [1], { kind: 'spawn' });
    await waitUntil(() =>
      session.of('accepted').some((message) => message.inputIds.includes(inputIds[0] ?? '')),
    );
    session.close();
  });

  it('counts what waits in all pools of a function, also what came through another server', async () => {
    const lang: ParameterSpec = { name: 'lang', type: { type: 'string' }, optional: false };
    const { functionId } = await platform.deployFresh([
      { ...fn('split', { region: ['nowhere'] }), parameters: [lang] },
    ]);
    const session = await platform.client.session();
    const submit = (value: string, inputs: number) =>
      session.submit(functionId, Array(inputs).fill(1), { parameters: { lang: value } });
    for (const value of ['deu', 'eng', 'fra', 'ita']) submit(value, 480);
    await waitUntil(() => session.of('accepted').flatMap(({ inputIds }) => inputIds).length === 1_920);
    submit('spa', 81);
    const [rejected] = await session.waitFor('rejected');
    expect(rejected?.error.message).toContain('1920 inputs of the function wait already, 2000 may');

    const other = await platform.startAnotherServer();
    const elsewhere = await new TestClient(other.url).session();
    elsewhere.submit(functionId, [1], { parameters: { lang: 'fra' } });
    await elsewhere.waitFor('accepted');
    elsewhere.close();
    await other.stop();
    await new Promise((resolve) => setTimeout(resolve, 300));
    submit('por', 81);
    expect((await session.waitFor('rejected', 2))[1]?.error.message).toContain('1921 inputs');
    session.close();
  });
  it('keeps to the limit when several sessions submit in the same moment', async () => {
    const { functionId } = await platform.deployFresh([fn('crowded', { region: ['nowhere'] })]);
    const sessions = await Promise.all([1, 2, 3].map(() => platform.client.session()));
    const args = Array.from({ length: 100 }, () => 1);
    for (let round = 0; round < 10; round++) {
      for (const session of sessions) session.submit(functionId, args, { kind: 'map' });
    }
    const answered = (type: 'accepted' | 'rejected'): number =>
      sessions.flatMap((session) => session.of(type).flatMap((message) => message.inputIds)).length;
    await waitUntil(() => answered('accepted') + answered('rejected') === 3_000);

    expect(answered('accepted')).toBe(2_000);
    for (const session of sessions) session.close();
  });

  it.each([
    ['text', 'hello', 'binary'],
    ['bytes that are no frame', new Uint8Array([0xff, 0xff, 0x00]), ''],
    ['a frame that is no array', encodeFrame({ type: 'ping' }), 'array'],
    ['an unknown message', encodeFrame([{ type: 'dance' }]), 'dance'],
    ['nothing', encodeFrame([null]), 'undefined'],
  ])('ends a session that sends %s, with a reason, and lives on', async (_what, data, reason) => {
    const session = await platform.client.session();
    session.sendRaw(data);
    await waitUntil(() => session.closed !== undefined);
    expect(session.closed?.code).toBe(1008);
    expect(session.closed?.reason).toContain(reason);
    expect((await platform.client.request('GET', '/v1/hello')).status).toBe(200);
  });
});

describe('replaced options', () => {
  it('that ask for more than any machine has are refused, as a deploy of them is', async () => {
    const { functionId } = await platform.deployFresh([fn('f')]);
    const session = await platform.client.session();
    session.submit(functionId, [1, 2], { options: { cpu: 5_000 } });
    const [rejected] = await session.waitFor('rejected');
    expect(rejected?.inputIds).toHaveLength(2);
    expect(rejected?.error).toMatchObject({
      name: 'InvalidError',
      message: expect.stringMatching(/^"f" fits on no machine: .*cpu/) as string,
    });
    session.submit(functionId, [3], { options: { cpu: 0.5 } });
    expect((await session.waitFor('output')).at(-1)?.outcome.type).toBe('value');
    session.close();
  });
});
