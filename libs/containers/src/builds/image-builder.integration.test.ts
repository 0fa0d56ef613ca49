import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { imageId, type LayerWork } from '@gantry/images';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { BUILD_CACHE, buildAll, FolderStore, noBuildsReason, sharedBase } from './image-builder.fixture.ts';
import { ImageBuilder } from './image-builder.ts';
import { runTool } from './tool-process.ts';

const MINUTES = 60_000;

describe.skipIf(noBuildsReason !== undefined)(
  `image builds${noBuildsReason ? ` (${noBuildsReason})` : ''}`,
  () => {
    let folder: string;
    let store: FolderStore;
    let builder: ImageBuilder;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'gantry-builds-'));
      store = new FolderStore(BUILD_CACHE);
      // One storage for all tests, so that the base is unpacked once.
      builder = new ImageBuilder({ folder: join(BUILD_CACHE, 'builder'), store, machineCache: BUILD_CACHE });
      await sharedBase();
    }, 5 * MINUTES);

    afterAll(() => rm(folder, { recursive: true, force: true }));

    const run = async (commands: string[], secrets?: Record<string, string>) => {
      const below = await sharedBase();
      const lines: string[] = [];
      const state = await builder.build(
        { type: 'run', commands },
        { below, secrets, onLine: (line) => lines.push(line) },
      );
      return { state, lines };
    };

    it(
      'make a layer of each step, in the store, and tell what a step prints',
      async () => {
        const { state, lines } = await run(['echo "hello from $PWD"; echo content > /etc/made-by-step']);
        expect(lines).toEqual(['hello from /root']);
        expect(state.layers).toHaveLength(3);
        const root = join(folder, 'root');
        await unpack(store, state.layers.at(-1)?.digest ?? '', root);
        expect(await readFile(join(root, 'etc/made-by-step'), 'utf8')).toBe('content\n');
        expect(await imageId(state)).toMatch(/^im-[0-9A-Za-z]{22}$/);
      },
      MINUTES,
    );

    it(
      'give each command of a step a shell of its own, and end with the first that fails',
      async () => {
        const failing = run(['cd /tmp; echo one', 'pwd', 'echo last words; exit 7', 'echo never']);
        await expect(failing).rejects.toMatchObject({
          code: 'BUILD_FAILED',
          message: 'ended with code 7',
          details: { lastLines: ['one', '/root', 'last words'] },
        });
      },
      MINUTES,
    );

    it(
      'start each step with what the steps before it have set',
      async () => {
        const lines: string[] = [];
        const state = await buildAll(builder, {
          steps: [
            { type: 'debian' },
            { type: 'env', variables: { GREETING: 'a "quoted" $word', TWO: 'one\n"$2"' } },
            { type: 'workdir', path: '/srv/app' },
            { type: 'run', commands: ['echo "$GREETING" > greeting'] },
            {
              type: 'dockerfileCommands',
              lines: ['RUN echo "$GREETING$TWO" > again', 'ENV LATER=1', 'WORKDIR /srv'],
            },
          ],
        });
        expect(state.config).toMatchObject({
          env: { GREETING: 'a "quoted" $word', TWO: 'one\n"$2"', LATER: '1' },
          workdir: '/srv',
        });
        const work: LayerWork = { type: 'run', commands: ['pwd; cat app/greeting app/again'] };
        await builder.build(work, { below: state, onLine: (line) => lines.push(line) });
        expect(lines).toEqual(['/srv', 'a "quoted" $word', 'a "quoted" $wordone', '"$2"']);
      },
      2 * MINUTES,
    );

    it(
      'leave no trace of secrets, certificates and caches in a layer',
      async () => {
        const secret = 'swordfish-2718';
        const { state, lines } = await run(
          [
            'test "$TOKEN" = swordfish-2718 && test -d /dev/gantry && echo seen',
            'touch /dev/gantry/caches/x',
          ],
          { TOKEN: secret },
        );
        expect(lines).toEqual(['seen']);
        const root = join(folder, 'secret-root');
        await unpack(store, state.layers.at(-1)?.digest ?? '', root);
        const found = await runTool('grep', ['-rl', secret, root]).catch(() => '');
        expect(found).toBe('');
        expect(JSON.stringify(state.config)).not.toContain(secret);
        expect(await readdir(join(root))).not.toContain('dev');
        const left = await runTool('grep', ['-rl', secret, join(BUILD_CACHE, 'builder')]).catch(() => '');
        expect(left).toBe('');
      },
      MINUTES,
    );

    it(
      'give a step the devices and the driver of its GPUs, and keep nothing of them',
      async () => {
        const at = (name: string) => join(folder, 'gpus', name);
        await rm(at(''), { recursive: true, force: true });
        await mkdir(at('dev'), { recursive: true });
        // Any device does: this one reads as zeros.
        await runTool('mknod', ['-m', '666', at('dev/nvidia0'), 'c', '1', '5']);
        await writeFile(at('libcuda.so.1'), 'driver');
        const gpuSources = {
          ...{ cdiFolders: [], devFolder: at('dev'), programs: [] },
          libraries: () => [at('libcuda.so.1')],
        };
        const place = join(BUILD_CACHE, 'builder');
        const withGpus = new ImageBuilder({ folder: place, store, machineCache: BUILD_CACHE, gpuSources });
        const gpus = [{ index: 0, uuid: 'GPU-1', type: 'H100', memoryMiB: 1 }];
        const commands = [
          'head -c 3 /dev/nvidia0 | od -An -tx1 > /seen',
          'cat $LD_LIBRARY_PATH/libcuda.so.1 >> /seen; echo $CUDA_VISIBLE_DEVICES >> /seen',
        ];
        const state = await withGpus.build({ type: 'run', commands }, { below: await sharedBase(), gpus });
        const root = join(folder, 'gpu-root');
        await unpack(store, state.layers.at(-1)?.digest ?? '', root);
        expect(await readFile(join(root, 'seen'), 'utf8')).toBe(' 00 00 00\ndriverGPU-1\n');
        expect((await readdir(root)).filter((name) => ['dev', 'usr'].includes(name))).toEqual([]);
        expect(JSON.stringify(state.config)).not.toContain('GPU-1');
      },
      MINUTES,
    );

    it(
      'take what images begin with from earlier builds of the machine, unless told otherwise',
      async () => {
        const machineCache = join(folder, 'machine');
        const node = { type: 'node', version: process.versions.node } as const;
        const buildOn = (name: string, bases?: 'take' | 'replace') => {
          const place = join(folder, name);
          const ownStore = new FolderStore(join(place, 'store'));
          return new ImageBuilder({ folder: place, store: ownStore, machineCache }).build(node, { bases });
        };
        const first = await buildOn('first');
        const { PATH } = process.env;
        process.env['PATH'] = '/nowhere';
        try {
          expect(await buildOn('second')).toEqual(first);
          const { digest } = first.layers[0] as { digest: string };
          expect(await new FolderStore(join(folder, 'second', 'store')).has(digest)).toBe(true);
          await expect(buildOn('third', 'replace')).rejects.toThrow();
        } finally {
          process.env['PATH'] = PATH;
        }
      },
      MINUTES,
    );

    it(
      'end a step, with all that it started, when it takes too long',
      async () => {
        const below = await sharedBase();
        // As long as nothing else on this machine sleeps.
        const nap = `sleep ${600_000 + process.pid}`;
        const work: LayerWork = { type: 'run', commands: [`echo begun; ${nap} & ${nap}`] };
        await expect(builder.build(work, { below, timeoutMs: 2_000 })).rejects.toMatchObject({
          code: 'TIMED_OUT',
          message: 'took longer than 2 s',
        });
        const processes = await runTool('ps', ['axo', 'args']);
        expect(processes.split('\n').filter((line) => line === nap)).toEqual([]);
      },
      MINUTES,
    );

    it(
      'give steps no device of the machine to change the rights of, and an input that has ended',
      async () => {
        const rights = async () => (({ uid, mode }) => [uid, mode])(await stat('/dev/null'));
        const before = await rights();
        try {
          const { lines } = await run([
            'for path in /dev/null /proc/self/fd/0 /proc/self/fd/1; do chmod 0600 $path; chown 7 $path; done; :',
            'for fd in 0 1 2; do stat -L -c %F /proc/self/fd/$fd; done; wc -c < /dev/stdin',
          ]);
          expect(lines.at(-1)).toBe('0');
          expect(lines.join()).not.toContain('character');
          expect(await rights()).toEqual(before);
        } finally {
          await chown('/dev/null', 0, 0);
          await chmod('/dev/null', 0o666);
        }
      },
      MINUTES,
    );

    it(
      'keep steps from what listens on the machine alone',
      async () => {
        const { createServer } = await import('node:http');
        const server = createServer((_request, response) => response.end('inside')).listen(0, '127.0.0.1');
        await new Promise((resolve) => server.once('listening', resolve));
        const { port } = server.address() as { port: number };
        const script = `fetch('http://HOST:${port}').then(() => console.log('reached'), () => console.log('refused'))`;
        const { lines } = await run([
          `node -e "${script.replace('HOST', '127.0.0.1')}"`,
          `node -e "${script.replace('HOST', '10.0.2.2')}"`,
        ]);
        server.close();
        expect(lines).toEqual(['refused', 'refused']);
      },
      MINUTES,
    );

    it(
      'go on from layers in the store without their own storage, of which they keep no more than they may',
      async () => {
        const { state } = await run(['echo kept > /kept']);
        const lines: string[] = [];
        const other = new ImageBuilder({ folder: join(folder, 'other'), store, keepBytes: 1_000_000 });
        const work: LayerWork = { type: 'run', commands: ['cat /kept'] };
        const above = await other.build(work, { below: state, onLine: (line) => lines.push(line) });
        expect(lines).toEqual(['kept']);
        expect(above.layers.slice(0, -1)).toEqual(state.layers);
        await other.close();
        const kept = await readdir(join(folder, 'other', 'storage', 'overlay-images'));
        expect(kept).toEqual(['images.json', 'images.lock']);
      },
      2 * MINUTES,
    );
  },
);

async function unpack(store: FolderStore, digest: string, root: string): Promise<void> {
  await mkdir(root);
  await store.unpack(digest, root);
}
