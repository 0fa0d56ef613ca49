import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type LayerWork, planImage } from '@gantry/images';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { BUILD_CACHE, noBuildsReason, sharedBase } from './image-builder.fixture.ts';
import { startRegistry } from './registry.fixture.ts';
import { StepBench } from './step-bench.fixture.ts';

const MINUTES = 60_000;

describe.skipIf(noBuildsReason !== undefined)(
  `steps of images${noBuildsReason ? ` (${noBuildsReason})` : ''}`,
  () => {
    let bench: StepBench;
    beforeAll(async () => {
      bench = await StepBench.open();
    }, 5 * MINUTES);
    afterAll(() => bench[Symbol.asyncDispose]());

    it(
      'install packages of Debian, and leave no lists of them',
      async () => {
        const state = await bench.image({ type: 'apt', packages: ['hello'] });
        expect(await bench.output(state, 'hello', 'ls /var/lib/apt/lists')).toEqual(['Hello, world!']);
      },
      2 * MINUTES,
    );

    it(
      'install npm packages where all code finds them, and their programs by name',
      async () => {
        const state = await bench.image({ type: 'npm', packages: ['is-odd@3.0.1', 'semver@7.7.2'] });
        const script = `import('is-odd').then(({ default: isOdd }) => console.log(isOdd(3)))`;
        const lines = await bench.output(
          state,
          `mkdir -p /srv/deep && cd /srv/deep && node -e "${script}"`,
          'semver 1.2.3',
        );
        expect(lines).toEqual(['true', '1.2.3']);
      },
      2 * MINUTES,
    );

    it(
      'install just what a lock file says',
      async () => {
        const dependencies = { 'is-number': '6.0.0' };
        const integrity =
          'sha512-Wu1VHeILBK8KAWJUAiSZQX94GmOE45Rg6/538fKwiloUu21KncEkYGPqob2oSZ5mUT73vLGrHQjKw3KMPwfDzg==';
        const lock = {
          name: 'x',
          lockfileVersion: 3,
          packages: {
            '': { name: 'x', dependencies },
            'node_modules/is-number': { version: '6.0.0', integrity },
          },
        };
        const files = await bench.archive({
          'package.json': JSON.stringify({ name: 'x', dependencies }),
          'package-lock.json': JSON.stringify(lock),
        });
        const state = await bench.image({ type: 'npmCi', files });
        expect(await bench.output(state, 'node -p "require(\'is-number/package.json\').version"')).toEqual([
          '6.0.0',
        ]);
      },
      2 * MINUTES,
    );

    it(
      'install what a lock file of pnpm says, by the pnpm of that time',
      async () => {
        const dependencies = { 'is-odd': '3.0.1' };
        const lock = `lockfileVersion: '9.0'
settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false
importers:
  .:
    dependencies:
      is-odd:
        specifier: 3.0.1
        version: 3.0.1
packages:
  is-number@6.0.0:
    resolution: {integrity: sha512-Wu1VHeILBK8KAWJUAiSZQX94GmOE45Rg6/538fKwiloUu21KncEkYGPqob2oSZ5mUT73vLGrHQjKw3KMPwfDzg==}
    engines: {node: '>=0.10.0'}
  is-odd@3.0.1:
    resolution: {integrity: sha512-CQpnWPrDwmP1+SMHXZhtLtJv90yiyVfluGsX5iNCVkrhQtU3TQHsUWPG9wkdk9Lgd5yNpAg9jQEo90CBaXgWMA==}
    engines: {node: '>=4'}
snapshots:
  is-number@6.0.0: {}
  is-odd@3.0.1:
    dependencies:
      is-number: 6.0.0
`;
        const json = JSON.stringify({ name: 'x', dependencies, devDependencies: {} });
        const files = await bench.archive({ 'package.json': json, 'pnpm-lock.yaml': lock });
        const state = await bench.image({ type: 'pnpm', files });
        expect(await bench.output(state, 'node -p "require(\'is-odd\')(3)"; find /tmp -mindepth 1')).toEqual([
          'true',
        ]);
      },
      2 * MINUTES,
    );

    it(
      'copy local files to a place, relative to the working directory or not',
      async () => {
        const files = await bench.archive({ 'a.txt': 'A', 'sub/b.txt': 'B' });
        const state = await bench.image(
          { type: 'workdir', path: '/srv' },
          { type: 'files', archive: files, remotePath: 'data' },
          { type: 'files', archive: files, remotePath: '/' },
        );
        expect(
          await bench.output(state, 'cat data/a.txt data/sub/b.txt /a.txt; stat -c %u data/a.txt'),
        ).toEqual(['ABA0']);
      },
      2 * MINUTES,
    );

    it(
      'do what lines of a Dockerfile say, with files beside them',
      async () => {
        const context = await bench.archive({ 'greeting.txt': 'hi' });
        const lines = [
          'COPY greeting.txt /opt/',
          'USER nobody',
          'RUN id -un > /tmp/who',
          'ENTRYPOINT ["/opt/start"]',
        ];
        const state = await bench.image({ type: 'dockerfileCommands', lines, context });
        expect(state.config.entrypoint).toEqual(['/opt/start']);
        // Steps after it are those of root again.
        expect(await bench.output(state, 'cat /opt/greeting.txt; echo; cat /tmp/who; id -un')).toEqual([
          'hi',
          'nobody',
          'root',
        ]);
      },
      2 * MINUTES,
    );

    it(
      'run and copy the here-documents of a Dockerfile, and copy what was chosen for it',
      async () => {
        const context = await bench.archive({ '.dockerignore': '*', 'chosen.txt': 'chosen' });
        const lines = [
          'ARG PORT=80',
          'RUN <<EOF',
          'echo "from $PORT" > /one',
          'cd /nowhere || echo on >> /one',
          'EOF',
          'COPY --chmod=755 <<EOF chosen.txt /opt/',
          '#!/bin/sh',
          'echo $PORT \\$1',
          'EOF',
        ];
        const state = await bench.image({ type: 'dockerfileCommands', lines, context });
        expect(await bench.output(state, 'cat /one /opt/chosen.txt; echo; /opt/EOF x')).toEqual([
          'from 80',
          'on',
          'chosen',
          '80 x',
        ]);
      },
      2 * MINUTES,
    );

    it(
      'say that a disk is full, whatever was printed after that',
      async () => {
        const words = 'dd if=/dev/zero of=/dev/shm/x bs=1M; for n in $(seq 30); do echo trace; done; exit 2';
        const run: LayerWork = { type: 'run', commands: [words] };
        await expect(bench.builder.build(run, { below: await sharedBase() })).rejects.toMatchObject({
          message: 'ended with code 2, as its disk is full',
          hint: expect.stringContaining('Free some') as string,
        });
      },
      MINUTES,
    );

    it(
      'say why a line of a Dockerfile cannot be done, and leave nothing mounted',
      async () => {
        const mounted = async () =>
          (await readFile('/proc/self/mountinfo', 'utf8'))
            .split('\n')
            .flatMap((line) => line.split(' ')[4] ?? [])
            .filter((path) => path.startsWith(BUILD_CACHE) && path.endsWith('/merged'));
        const before = await mounted();
        const text = 'FROM scratch AS empty\nFROM scratch\nCOPY --from=empty /nothing /to';
        const work: LayerWork = { type: 'dockerfile', isWhole: true, text };
        await expect(bench.builder.build(work, {})).rejects.toMatchObject({
          details: {
            lastLines: expect.arrayContaining([
              expect.stringMatching(/"?\/nothing"?:.*no such file/),
            ]) as string[],
          },
        });
        // Of other builds, mounts come and go.
        const left = async () => (await mounted()).filter((path) => !before.includes(path));
        await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: 20_000 });
      },
      MINUTES,
    );

    it(
      'give secrets to all that a Dockerfile runs, and leave no trace of them',
      async () => {
        const below = await sharedBase();
        const secret = 'sesame-31415';
        const work: LayerWork = {
          type: 'dockerfile',
          isWhole: false,
          text: 'RUN test "$TOKEN" = sesame-31415 && echo ok > /ok',
        };
        const state = await bench.builder.build(work, { below, secrets: { TOKEN: secret } });
        const root = await bench.unpackTop(state);
        expect(await readFile(join(root, 'ok'), 'utf8')).toBe('ok\n');
        expect(await bench.filesWith(secret, root)).toBe('');
        expect(JSON.stringify(state.config)).not.toContain(secret);
      },
      MINUTES,
    );

    it(
      'fail when what they run is killed, and say by which signal',
      async () => {
        const below = await sharedBase();
        const killed = { code: 'BUILD_FAILED', message: 'ended with code 137 (SIGKILL)' };
        const run: LayerWork = { type: 'run', commands: ['kill -9 $$'] };
        await expect(bench.builder.build(run, { below })).rejects.toMatchObject(killed);
        const text = `RUN ["perl", "-e", "kill 9, $$"]`;
        const dockerfile: LayerWork = { type: 'dockerfile', isWhole: false, text };
        await expect(bench.builder.build(dockerfile, { below })).rejects.toMatchObject(killed);
      },
      MINUTES,
    );

    it(
      'begin with an image of a registry, and with what it says about processes',
      async () => {
        await using registry = await startRegistry();
        const reference = `${registry.host}/owner/tiny:1`;
        const state = await bench.builder.build({ type: 'pull', reference }, {});
        expect(state.layers).toHaveLength(1);
        expect(state.config).toMatchObject({
          env: { FROM_REGISTRY: 'a=b' },
          workdir: '/work',
          entrypoint: ['/entry'],
          cmd: ['x'],
        });
        const root = await bench.unpackTop(state);
        expect(await readFile(join(root, 'from-registry'), 'utf8')).toBe('hello\n');
      },
      MINUTES,
    );

    it(
      'begin with an image of a registry on this machine in a Dockerfile, too',
      async () => {
        await using registry = await startRegistry();
        const text = `ARG BASE=${registry.host}/owner/tiny:1\nFROM \${BASE}\nENV LATER=1\n`;
        const state = await bench.builder.build({ type: 'dockerfile', isWhole: true, text }, {});
        expect(state.config.env).toMatchObject({ FROM_REGISTRY: 'a=b', LATER: '1' });
      },
      MINUTES,
    );

    it(
      'take an image in eStargz whole, as any other',
      async () => {
        await using registry = await startRegistry({ compression: 'estargz' });
        const work: LayerWork = { type: 'pull', reference: `${registry.host}/owner/tiny:1` };
        const state = await bench.builder.build(work, {});
        const root = await bench.unpackTop(state);
        expect(await readFile(join(root, 'from-registry'), 'utf8')).toBe('hello\n');
      },
      MINUTES,
    );

    it(
      'show credentials to a private registry, and keep them nowhere',
      async () => {
        const credentials = { username: 'me', password: 'hush-271828' };
        await using registry = await startRegistry({ credentials });
        const work: LayerWork = { type: 'pull', reference: `${registry.host}/owner/tiny:1` };
        await expect(bench.builder.build(work, {})).rejects.toThrow(/unauthorized|authentication required/i);
        const state = await bench.builder.build(work, { credentials });
        expect(JSON.stringify(state)).not.toContain('hush');
        expect(await bench.filesWith('hush-271828', join(BUILD_CACHE, 'builder'))).toBe('');
      },
      MINUTES,
    );

    it(
      'refuse an image for other machines',
      async () => {
        await using registry = await startRegistry({ architecture: 's390x' });
        const work: LayerWork = { type: 'pull', reference: `${registry.host}/owner/tiny:1` };
        await expect(bench.builder.build(work, {})).rejects.toThrow('the image is for s390x');
      },
      MINUTES,
    );

    it(
      'bring the Python that is asked for, if it is that of the image or its distribution',
      async () => {
        const below = await sharedBase();
        const python = (addPython: string): LayerWork => {
          const base = { type: 'registry' as const, reference: 'debian', addPython };
          const added = planImage({ steps: [base] }, { nodeVersion: '24' }).steps.at(-1);
          if (added?.kind !== 'layer') throw new Error('nothing was planned');
          return added.work;
        };
        const said = /the packages of this image have Python 3.*not the 2\.7/;
        await expect(bench.builder.build(python('2.7'), { below })).rejects.toMatchObject({
          details: { lastLines: expect.arrayContaining([expect.stringMatching(said)]) as string[] },
        });
        const state = await bench.builder.build(python('3'), { below });
        expect(await bench.output(state, 'python -m pip --version | cut -d" " -f1')).toEqual(['pip']);
        // What is there already is not installed a second time.
        expect((await bench.heard(python('3'), { below: state })).lines).toEqual([]);
      },
      3 * MINUTES,
    );

    it(
      'bring another version of Node',
      async () => {
        const state = await bench.builder.build(
          { type: 'node', version: '22' },
          { below: await sharedBase() },
        );
        expect(await bench.output(state, 'node -v | cut -d. -f1', 'npm -v | cut -d. -f1')).toEqual([
          'v22',
          '10',
        ]);
        const none: LayerWork = { type: 'node', version: '99' };
        await expect(bench.builder.build(none, { below: state })).rejects.toThrow('"node-linux-');
      },
      3 * MINUTES,
    );
  },
);
