import { App } from 'gantry';

const app = new App('placed');

const surroundings = (...names: string[]) => names.map((name) => process.env[name] ?? null);

export const plain = app.function(async (...names: string[]) => surroundings(...names));

export const two = app.function({ gpu: 'a100:2' }, async (...names: string[]) => surroundings(...names));

/** There is no machine with the first one. */
export const second = app.function({ gpu: ['B200', 'T4-16GB'] }, async (...names: string[]) =>
  surroundings(...names),
);

/** Two of these hold different ones at the same time. */
export const one = app.function(
  { gpu: 'any', env: { CUDA_VISIBLE_DEVICES: 'all of them' } },
  async (holdMs: number) => {
    const fromMs = Date.now();
    await new Promise((resolve) => setTimeout(resolve, holdMs));
    return { gpu: process.env['CUDA_VISIBLE_DEVICES'], fromMs, untilMs: Date.now() };
  },
);

export const near = app.function({ region: ['eu'], cloud: 'Own' }, async () => 'near');

export const far = app.function({ gpu: 'B200', region: 'eu' }, async () => 'far');
