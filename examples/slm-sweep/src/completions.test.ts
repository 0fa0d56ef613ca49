import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

import { save } from './checkpoints.ts';
import { completionServer } from './completions.ts';
import { begin, makeGrid, train } from './experiment.ts';

test('a server completes texts with the models that are saved, whole or token by token', async () => {
  await using folder = await temporaryDirectory('gantry-slm-');
  const [experiment] = makeGrid();
  if (!experiment) throw new Error('the grid is empty');
  const server = completionServer(folder.path).listen(0);
  try {
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = (body: object) =>
      fetch(`${url}/v1/completions`, { method: 'POST', body: JSON.stringify(body) });
    expect((await ask({ prompt: 'one day, ' })).status).toBe(404);
    await save(folder.path, await train(begin(experiment), { toStep: 100, shouldStop: () => false }));

    const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toEqual([experiment.name]);
    const wanted = { model: experiment.name, prompt: 'one day, ', max_tokens: 8, seed: 5 };
    type Completion = { choices: [{ text: string }] };
    const whole = (await (await ask(wanted)).json()) as Completion;
    expect(whole.choices[0].text).toHaveLength(8);
    const events = (await (await ask({ ...wanted, stream: true })).text()).trim().split('\n\n');
    const texts = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)) as Completion);
    expect(texts.map(({ choices }) => choices[0].text).join('')).toBe(whole.choices[0].text);
    expect(events.at(-1)).toBe('data: [DONE]');
    expect((await ask({ model: 'another' })).status).toBe(404);
  } finally {
    server.close();
  }
});
