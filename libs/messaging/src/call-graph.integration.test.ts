import {
  ContainerError,
  FunctionTimeoutError,
  InputCancellation,
  InternalFailure,
  newCallId,
  newId,
  NotFoundError,
  toWireError,
  type FunctionRecord,
  type GantryError,
  type InputStatus,
  type Outcome,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { FunctionDirectory } from './function-directory.ts';
import type { Messaging } from './index.ts';
import { type OwnMessaging, startMessaging } from './messaging.fixture.ts';
import { readCallGraph } from './read-call-graph.ts';
import { newInput, outputOf, sessionKey } from './sample-inputs.ts';

let own: OwnMessaging;
let messaging: Messaging;

const functions = {
  get: (id: string) =>
    id === 'fu-shop'
      ? ({ spec: { name: 'shop', site: { file: 'src/app.ts', line: 3 } } } as unknown as FunctionRecord)
      : undefined,
} as FunctionDirectory;

beforeAll(async () => {
  own = await startMessaging();
  ({ messaging } = own);
});
afterAll(() => own[Symbol.asyncDispose]());

async function submit(changes: Parameters<typeof newInput>[0] = {}) {
  const pool = newId('fu');
  await messaging.inputs.ensurePool(pool);
  const input = newInput({ functionId: 'fu-shop', ...changes });
  await messaging.inputs.submit(pool, input);
  return input;
}

describe('the graph of a call', () => {
  it('shows pending and finished inputs, and below each the calls that its code made', async () => {
    const root = await submit({ method: '' });
    const child = await submit({ method: 'read' });
    const grandchild = await submit({ functionId: 'fu-gone' });
    messaging.links.add(root.inputId, child.callId);
    messaging.links.add(root.inputId, child.callId);
    messaging.links.add(child.inputId, grandchild.callId);
    await messaging.outputs.store({
      ...outputOf(child),
      functionId: 'fu-shop',
      method: 'read',
      containerId: 'ta-1',
    });
    await messaging.outputs.store({
      ...outputOf(grandchild),
      functionId: 'fu-gone',
      method: '',
      containerId: '',
      outcome: { type: 'failure', failure: toWireError(new InputCancellation('cancelled')) },
    });
    await waitUntil(async () => (await messaging.links.callsOf(child.inputId)).length === 1);

    expect(await readCallGraph(messaging, functions, root.callId)).toEqual([
      {
        inputId: root.inputId,
        functionCallId: root.callId,
        status: 'PENDING',
        functionName: 'shop',
        moduleName: 'src/app.ts',
        children: [
          {
            inputId: child.inputId,
            functionCallId: child.callId,
            containerId: 'ta-1',
            status: 'SUCCESS',
            functionName: 'shop.read',
            moduleName: 'src/app.ts',
            children: [
              {
                inputId: grandchild.inputId,
                functionCallId: grandchild.callId,
                status: 'TERMINATED',
                functionName: 'fu-gone',
                children: [],
              },
            ],
          },
        ],
      },
    ]);
  });

  it('tells the ends of inputs apart', async () => {
    const failure = (error: GantryError): Outcome => ({ type: 'failure', failure: toWireError(error) });
    const error: Outcome = { type: 'error', error: new Uint8Array() };
    const ends: [Outcome, containerId: string, InputStatus][] = [
      [{ type: 'value', value: new Uint8Array() }, 'ta-1', 'SUCCESS'],
      [error, 'ta-1', 'FAILURE'],
      [error, '', 'INIT_FAILURE'],
      [failure(new FunctionTimeoutError('late')), 'ta-1', 'TIMEOUT'],
      [failure(new InputCancellation('cancelled')), '', 'TERMINATED'],
      [failure(new ContainerError('did not load')), '', 'INIT_FAILURE'],
      [failure(new ContainerError('crashed its containers')), 'ta-1', 'FAILURE'],
      [failure(new InternalFailure('broken')), 'ta-1', 'FAILURE'],
    ];
    for (const [outcome, containerId, status] of ends) {
      const input = await submit();
      await messaging.outputs.store({ ...outputOf(input), outcome, containerId });
      expect(await readCallGraph(messaging, functions, input.callId)).toMatchObject([{ status }]);
    }
  });

  it('of a call that does not exist is refused', async () => {
    await expect(readCallGraph(messaging, functions, newCallId(sessionKey))).rejects.toThrow(NotFoundError);
  });
});
