import { expect, it } from 'vitest';

import type { ContainerRoot, StartOptions } from '../container-driver.ts';
import { planContainer } from './container-plan.ts';

const parts = {
  runnerPath: '/platform/runner.cjs',
  defaultRoot: { layer: '/default', mounts: [] },
  compiledLayers: [],
  platformLayer: '/platform-layer',
};

it('a runner runs in the Node of the platform, or in that which its image has for it', () => {
  const commandOf = (root?: ContainerRoot) => planContainer({ root } as StartOptions, parts).command;
  const root = { layers: ['/base'], env: {}, entrypoint: ['/enter'] };
  expect(commandOf().at(-2)).toBe('/opt/gantry/bin/node');
  expect(commandOf(root).slice(-3, -1)).toEqual(['/enter', '/opt/gantry/bin/node']);
  expect(commandOf({ ...root, node: '/usr/local/bin/node' }).slice(-3, -1)).toEqual([
    '/enter',
    '/usr/local/bin/node',
  ]);
});
