import type { ImageState } from '@gantry/images';
import type { BuildStep } from '@gantry/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { noBuildsReason } from './image-builder.fixture.ts';
import { StepBench } from './step-bench.fixture.ts';

const MINUTES = 60_000;
const PROJECT = `[project]
name = "shop"
version = "1.0"
dependencies = ["iniconfig==2.0.0"]

[project.optional-dependencies]
web = ["toml==0.10.2"]
`;

describe.skipIf(noBuildsReason !== undefined)(
  `a step of pip${noBuildsReason ? ` (${noBuildsReason})` : ''}`,
  () => {
    let bench: StepBench;
    let python: ImageState;

    beforeAll(async () => {
      bench = await StepBench.open();
      python = await bench.image({ type: 'apt', packages: ['python3', 'python3-pip'] });
    }, 5 * MINUTES);
    afterAll(() => bench[Symbol.asyncDispose]());

    /** Those of a few packages that the image's Python has after the step. */
    async function installed(step: Omit<Extract<BuildStep, { type: 'pip' }>, 'type'>): Promise<string[]> {
      const state = await bench.on(python, { type: 'pip', ...step });
      const list = 'python3 -m pip list --format freeze --disable-pip-version-check';
      return await bench.output(
        state,
        `${list} | grep -E '^(iniconfig|toml|shop)=' || true; find /tmp -mindepth 1`,
      );
    }

    it(
      'installs packages by name, of a requirements file, and what a project depends on, but not the project',
      async () => {
        expect(await installed({ packages: ['iniconfig==2.0.0'] })).toEqual(['iniconfig==2.0.0']);
        const requirements = await bench.archive({ 'requirements.txt': '# a comment\ntoml==0.10.2\n' });
        expect(await installed({ packages: [], requirements })).toEqual(['toml==0.10.2']);
        const project = await bench.archive({ 'pyproject.toml': PROJECT });
        expect(
          await installed({ packages: [], requirements: project, optionalDependencies: ['web'] }),
        ).toEqual(['iniconfig==2.0.0', 'toml==0.10.2']);
      },
      3 * MINUTES,
    );

    it(
      'looks where its options say, and nowhere else',
      async () => {
        const lost = installed({ packages: ['toml'], extraOptions: '--no-index', findLinks: '/nowhere' });
        await expect(lost).rejects.toMatchObject({
          details: {
            lastLines: expect.arrayContaining([
              expect.stringContaining('No matching distribution found for toml'),
            ]) as string[],
          },
        });
      },
      MINUTES,
    );
  },
);
