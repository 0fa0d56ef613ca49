import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { openBuild } from '../deploy/build-input.ts';
import { builtTable } from '../deploy/function-table.ts';
import { buildWithSteps } from '../deploy/publish-app.ts';
import { createSteps } from '../deploy/steps.ts';

export const buildCommand: CommandSpec = {
  path: ['build'],
  summary: 'build an app without deploying it: a manifest and a bundle',
  details: 'Deploy the result later with "gantry deploy --manifest <folder>".',
  arguments: [{ usage: '<entry>', description: 'entry file, or the folder of a project' }],
  options: [
    { flags: '-o, --out <folder>', description: 'where to write it', fallback: 'dist/gantry' },
    {
      flags: '--image-files <file>',
      description: 'list the local files that images take along in this file',
    },
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry build src/app.ts', 'into dist/gantry'],
    ['gantry build --out build --json .', 'print the manifest'],
  ],
  async run({ terminal, cwd, env }, input) {
    const json = input.options.flag('json');
    const out = path.resolve(cwd, input.options.text('out') ?? 'dist/gantry');
    const steps = createSteps(terminal, { quiet: json });
    const app = await openBuild(input.arguments[0] ?? '', { cwd, env, out });
    const { manifest, imageFiles } = await buildWithSteps(app, steps);
    const list = input.options.text('imageFiles');
    if (list !== undefined)
      await writeFile(path.resolve(cwd, list), imageFiles.map((file) => `${file}\n`).join(''));
    if (json) return terminal.out(JSON.stringify(manifest, undefined, 2));
    terminal.note('');
    for (const line of builtTable(manifest, terminal.style)) terminal.out(`  ${line}`);
    terminal.note('');
    terminal.note(`  In ${path.relative(cwd, out) || '.'}`);
  },
};
