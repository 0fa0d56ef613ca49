import { expect, test } from 'vitest';

import { Evaluator } from './evaluation.ts';
import { aProject } from './project.fixture.ts';

test('a bundle that never finishes loading is given up', async () => {
  await using project = await aProject({ 'src/app.ts': '' });
  await using evaluator = new Evaluator({ root: project.root, entry: `${project.root}/src/app.ts` }, 300);
  const bundle = {
    code: 'setInterval(() => {}, 1000); await new Promise(() => {});',
    map: '{}',
    userFiles: [],
    external: [],
    remote: [],
  };

  const evaluating = evaluator.evaluate(bundle);

  await expect(evaluating).rejects.toThrow('src/app.ts: the app did not finish loading within 0.3 s');
});

test('a rule that never says which files to leave out is given up', async () => {
  await using project = await aProject({ 'src/app.ts': '' });
  await using evaluator = new Evaluator({ root: project.root, entry: `${project.root}/src/app.ts` }, 2_000);
  const rule = '{ matches: () => { for (;;); }, prunes: false }';
  const code = `globalThis[Symbol.for('gantry.ignores')] = [${rule}];`;
  const map = '{"version":3,"sources":[],"names":[],"mappings":""}';
  await evaluator.evaluate({ code, map, userFiles: [], external: [], remote: [] });

  await expect(evaluator.ignored(0, ['a'])).rejects.toThrow(
    'src/app.ts: the app did not finish saying which files to leave out within 2 s',
  );
});
