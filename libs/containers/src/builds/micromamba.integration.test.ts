import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ImageState } from '@gantry/images';
import type { BaseStep } from '@gantry/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { BUILD_CACHE, noBuildsReason, sharedBase } from './image-builder.fixture.ts';
import { startRegistry, type TestRegistry } from './registry.fixture.ts';
import { StepBench } from './step-bench.fixture.ts';

const MINUTES = 60_000;

/**
 * Stands in for micromamba: keeps what it is asked for, and installs a program of the name of each package. What the real one
 * makes of these words is not tested here.
 */
const STAND_IN = `#!/bin/bash
echo "$*" >> /opt/conda/asked
[ "$1" = install ] || exit 0
shift
mkdir -p /opt/conda/bin
while [ $# -gt 0 ]; do
  case "$1" in
    --yes) ;;
    --name | --channel) shift ;;
    --file) cp "$2" /opt/conda/spec; shift ;;
    *) name=\${1%%[=<>]*}; printf '#!/bin/sh\\necho %s is there\\n' "$name" > "/opt/conda/bin/$name"; chmod +x "/opt/conda/bin/$name" ;;
  esac
  shift
done
`;
const ACTIVE = `#!/bin/bash
[ "$MAMBA_DOCKERFILE_ACTIVATE" != 1 ] || PATH=/opt/conda/bin:$PATH
`;

describe.skipIf(noBuildsReason !== undefined)(
  `images with micromamba${noBuildsReason ? ` (${noBuildsReason})` : ''}`,
  () => {
    let bench: StepBench;
    let registry: TestRegistry;
    let base: BaseStep;

    beforeAll(async () => {
      bench = await StepBench.open();
      const files = await bench.archive({
        'bin/micromamba': STAND_IN,
        'bin/entrypoint': `${ACTIVE}exec "$@"`,
        'bin/shell': `${ACTIVE}exec bash -o pipefail -c "$@"`,
      });
      const published = await bench.on(
        await sharedBase(),
        { type: 'files', archive: files, remotePath: '/usr/local' },
        {
          type: 'run',
          commands: ['chmod +x /usr/local/bin/*; rm -rf /usr/local/bin/node; mkdir -p /opt/conda'],
        },
      );
      registry = await startRegistry({
        layers: published.layers.map(({ digest, diffId }) => ({
          bytes: readFileSync(join(BUILD_CACHE, digest)),
          diffId: diffId.replace('-', ':'),
        })),
        config: {
          Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'ENV_NAME=base', 'MAMBA_ROOT_PREFIX=/opt/conda'],
          Entrypoint: ['/usr/local/bin/entrypoint'],
          Shell: ['/usr/local/bin/shell'],
          WorkingDir: '/tmp',
          User: 'mambauser',
        },
      });
      base = { type: 'micromamba', reference: `${registry.host}/owner/tiny:1`, pythonVersion: '3.12' };
    }, 5 * MINUTES);
    afterAll(async () => {
      await registry?.[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    });

    const asked = (state: ImageState) => bench.output(state, 'cat /opt/conda/asked');

    it(
      'have Node, and see what micromamba has installed in the steps after it',
      async () => {
        const install = {
          type: 'micromambaInstall' as const,
          packages: ['gdal>=3'],
          channels: ['conda-forge', 'b'],
        };
        const state = await bench.whole(base, install);
        expect(await bench.output(state, 'node --version', 'gdal', 'python', 'pwd')).toEqual([
          process.version,
          'gdal is there',
          'python is there',
          '/root',
        ]);
        expect(state.config).toMatchObject({
          entrypoint: ['/usr/local/bin/entrypoint'],
          env: { MAMBA_DOCKERFILE_ACTIVATE: '1', MAMBA_ROOT_PREFIX: '/opt/conda' },
        });
        expect(await asked(state)).toEqual([
          'install --yes --name base --channel conda-forge python=3.12 pip',
          'clean --all --yes',
          'install --yes --name base --channel conda-forge --channel b gdal>=3',
          'clean --all --yes',
        ]);
      },
      3 * MINUTES,
    );

    it(
      'install what a file says, which is in no layer, by the channels that it names',
      async () => {
        const files = await bench.archive({ 'env.yaml': 'dependencies: [gdal]\n' });
        const step = {
          type: 'micromambaInstall' as const,
          packages: [],
          specFile: { name: 'env.yaml' },
          files,
        };
        const state = await bench.whole(base, step);
        expect((await asked(state)).slice(2)).toEqual([
          'install --yes --name base --file /dev/gantry/files/env.yaml',
          'clean --all --yes',
        ]);
        const look = 'cat /opt/conda/spec; ls /dev/gantry/files 2> /dev/null || echo none';
        expect(await bench.output(state, look)).toEqual(['dependencies: [gdal]', 'none']);
      },
      3 * MINUTES,
    );

    it(
      'are what such a step needs: any other says so',
      async () => {
        const step = bench.on(await sharedBase(), { type: 'micromambaInstall', packages: ['gdal'] });
        await expect(step).rejects.toMatchObject({
          details: { lastLines: ['the image has no micromamba: begin with Image.micromamba()'] },
        });
      },
      MINUTES,
    );
  },
);
