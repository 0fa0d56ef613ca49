import { expect, test } from 'vitest';

import { sceneText } from './scene.ts';

test('a scene is the same text for the same seed, and another one for another', () => {
  const scene = { turns: 1, seed: 3, spheres: 5 };
  expect(sceneText(scene)).toBe(sceneText({ ...scene }));
  expect(sceneText(scene)).not.toBe(sceneText({ ...scene, seed: 4 }));
  expect(sceneText(scene).match(/^sphere/gm)).toHaveLength(5);
});
