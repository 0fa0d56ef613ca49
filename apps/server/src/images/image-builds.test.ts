import type { BuildStepOptions, LocalGpu } from '@gantry/containers';
import type { ImageState, LayerWork } from '@gantry/images';
import {
  type BaseStep,
  BuildError,
  type BuildStep,
  type ImageBuildEvent,
  type FunctionStep,
  type ImageRecord,
  registryKeys,
  type VolumeMount,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { beforeEach, describe, expect, it } from 'vitest';

import { MemoryRegistry } from '../testing/memory-registry.ts';
import { BuilderChoice } from './builder-choice.ts';
import { ImageBuilds, type ImageOrder } from './image-builds.ts';
import type { OpenStepStorage } from './step-storage.ts';

/** Layers that are named after what was done, and after how often. */
class FakeBuilder {
  readonly built: string[] = [];
  readonly secrets: unknown[] = [];
  readonly gpus: unknown[] = [];
  readonly mounts: unknown[] = [];
  failing: string | undefined;
  /** Steps wait until this resolves, or their signal ends them. */
  gate: Promise<void> = Promise.resolve();
  aborted = 0;

  close = async () => undefined;
  makeAhead = async ({ type }: LayerWork): Promise<boolean> => {
    this.built.push(type);
    return type === 'node';
  };

  async build(
    work: LayerWork,
    { below, secrets, gpus, mounts, signal, onLine }: BuildStepOptions,
  ): Promise<ImageState> {
    const name = work.type === 'run' ? work.commands.join() : work.type;
    onLine?.(`building ${name}`);
    const aborted = new Promise<never>((_, reject) =>
      signal?.addEventListener('abort', () => {
        this.aborted++;
        reject(signal.reason as Error);
      }),
    );
    aborted.catch(() => undefined);
    await Promise.race([this.gate, aborted]);
    if (name === this.failing)
      throw new BuildError('ended with code 1', {
        details: { lastLines: ['oh no', ...Object.values(secrets ?? {})] },
      });
    this.built.push(name);
    this.secrets.push(secrets);
    this.gpus.push(gpus?.map(({ index }) => index));
    this.mounts.push(mounts);
    const diffId = `${name}-${this.built.length}`;
    return {
      layers: [...(below?.layers ?? []), { digest: `sha256-${diffId}`, sizeBytes: 1, diffId }],
      config: below?.config ?? { env: {} },
    };
  }
}

/** Volumes whose ids are their environments and names, and what was done with them. */
class FakeStorage {
  readonly acts: string[] = [];
  ids: Record<string, string> = {};

  close = async () => undefined;

  async find({ volumes = [] }: FunctionStep, environment: string): Promise<VolumeMount[]> {
    return volumes.map((mount) => ({
      ...mount,
      environment,
      volumeId: this.ids[mount.name] ?? `${environment}/${mount.name}`,
    }));
  }

  async open(_step: FunctionStep, volumes: readonly VolumeMount[]): Promise<OpenStepStorage> {
    const named = volumes.map(({ name }) => name).join();
    this.acts.push(`open ${named}`);
    return {
      mounts: [{ source: '/copy', target: '/models' }],
      commit: async () => void this.acts.push(`commit ${named}`),
      [Symbol.asyncDispose]: async () => void this.acts.push(`close ${named}`),
    };
  }
}

class FakeLeases {
  readonly #held = new Set<string>();
  async acquire(name: string): Promise<number | undefined> {
    if (this.#held.has(name)) return undefined;
    this.#held.add(name);
    return 1;
  }
  renew = async () => 1;
  async release(name: string): Promise<void> {
    this.#held.delete(name);
  }
}

const run = (command: string, forceBuild?: true): BuildStep => ({
  type: 'run',
  commands: [command],
  ...(forceBuild ? { forceBuild } : {}),
});

const fill = (args = ''): BuildStep => ({
  ...{ type: 'function', name: 'fill', sourceDigest: 'sha256-f', args, timeoutMs: 1_000 },
  volumes: [{ path: '/models', name: 'models' }],
});

const BUNDLE = { path: 'bundle.mjs', digest: 'sha256-b', sizeBytes: 1 };

describe('image builds', () => {
  let builder: FakeBuilder;
  let registry: MemoryRegistry;
  let leases: FakeLeases;
  let storage: FakeStorage;
  let builds: ImageBuilds;
  let events: ImageBuildEvent[];
  let gpus: LocalGpu[];
  let nodeVersion: string;

  const server = (serverId: string) =>
    new ImageBuilds({
      ...{ messaging: { registry, leases }, serverId, builder, storage },
      chosen: new BuilderChoice({ registry, firstVersion: 1, nodeVersion }),
      findGpus: async () => gpus,
    });

  beforeEach(() => {
    builder = new FakeBuilder();
    registry = new MemoryRegistry();
    leases = new FakeLeases();
    storage = new FakeStorage();
    events = [];
    gpus = [];
    nodeVersion = '24.0.0';
    builds = server('se-1');
  });

  const order = (steps: BuildStep[], changes: Partial<ImageOrder> = {}): ImageOrder => ({
    manifest: {
      images: [
        { steps: [{ type: 'debian' }, ...steps], sites: steps.map(() => ({ file: 'app.ts', line: 7 })) },
      ],
      bundle: BUNDLE,
    },
    environment: 'main',
    openSecrets: async (refs) => (refs.length > 0 ? { TOKEN: 'x' } : {}),
    onEvent: (event) => events.push(event),
    ...changes,
  });

  /** Builds; resolves with what was run for it, and the image's id. */
  const build = async (steps: BuildStep[], changes: Partial<ImageOrder> = {}) => {
    const before = builder.built.length;
    const { ids } = await builds.build(order(steps, changes));
    return { id: ids[0] ?? '', ran: builder.built.slice(before) };
  };

  it('run each step once, and take it from then on from what is kept', async () => {
    const first = await build([run('a'), run('b')]);
    expect(first.ran).toEqual(['debian', 'node', 'a', 'b']);
    const again = await build([run('a'), run('b')]);
    expect(again).toEqual({ id: first.id, ran: [] });
    expect(events.filter(({ type }) => type === 'stepCached')).toHaveLength(4);
    const record = await registry.get<ImageRecord>(registryKeys.image(first.id));
    expect(record?.value.layers.map(({ diffId }) => diffId)).toEqual(['debian-1', 'node-2', 'a-3', 'b-4']);
  });

  it('begin with the same Debian and Node until somebody chooses, whatever the server has', async () => {
    const first = await build([run('a')]);
    nodeVersion = '24.9.9';
    builds = server('se-newer');
    expect(await build([run('a')])).toEqual({ id: first.id, ran: [] });

    await new BuilderChoice({ registry, firstVersion: 1, nodeVersion }).choose(2);
    expect((await build([run('a')])).ran).toEqual(['debian', 'node', 'a']);
  });

  it('have what images of Debian begin with made ahead', async () => {
    expect(await builds.makeBasesAhead(new AbortController().signal)).toBe(true);
    expect(builder.built).toEqual(['debian', 'node']);
  });

  it('go on from an image that was built before, with its settings', async () => {
    const { id } = await build([run('a'), { type: 'env', variables: { X: '1' } }]);
    const onIt = (base: string): Partial<ImageOrder> => {
      const steps: [BaseStep, BuildStep] = [{ type: 'image', id: base }, run('b')];
      return { manifest: { images: [{ steps, sites: [{ file: 'app.ts', line: 3 }] }], bundle: BUNDLE } };
    };
    const built = await build([], onIt(id));
    expect(built.ran).toEqual(['b']);
    const record = await registry.get<ImageRecord>(registryKeys.image(built.id));
    expect(record?.value.layers.map(({ diffId }) => diffId)).toEqual(['debian-1', 'node-2', 'a-3', 'b-4']);
    expect(record?.value.config.env).toEqual({ X: '1' });
    await expect(build([], onIt('im-none'))).rejects.toThrow('the image "im-none" (app.ts:3) does not exist');
  });

  it('run only what comes after a change, on any server', async () => {
    await build([run('a'), run('b'), { type: 'env', variables: { X: '1' } }, run('c')]);
    builds = server('se-2');
    expect((await build([run('a'), run('b'), { type: 'env', variables: { X: '1' } }, run('d')])).ran).toEqual(
      ['d'],
    );
    expect((await build([run('a'), run('z'), { type: 'env', variables: { X: '1' } }, run('d')])).ran).toEqual(
      ['z', 'd'],
    );
    // A variable may decide about what steps after it do.
    expect((await build([run('a'), run('b'), { type: 'env', variables: { X: '2' } }, run('c')])).ran).toEqual(
      ['c'],
    );
  });

  it('run a forced step and all after it each time, and use its last outcome when it is forced no more', async () => {
    const forced = [run('a'), run('b', true), run('c')];
    const plain = [run('a'), run('b'), run('c')];
    await build(plain);
    const first = await build(forced);
    expect(first.ran).toEqual(['b', 'c']);
    const second = await build(forced);
    expect(second.ran).toEqual(['b', 'c']);
    expect(await build(plain)).toEqual({ id: second.id, ran: [] });
  });

  it('run everything when a deploy forces it, after which images of other apps on the same base are built again', async () => {
    await build([run('a'), run('other')]);
    const forced = await build([run('a')], { forceBuild: true });
    expect(forced.ran).toEqual(['debian', 'node', 'a']);
    expect((await build([run('a'), run('other')])).ran).toEqual(['other']);
  });

  it('run everything for one deploy that ignores what is kept, and leave that as it is', async () => {
    const before = await build([run('a')]);
    const alone = await build([run('a')], { ignoreCache: true });
    expect(alone.ran).toEqual(['debian', 'node', 'a']);
    expect(alone.id).not.toBe(before.id);
    expect(await build([run('a')])).toEqual({ id: before.id, ran: [] });
  });

  it('are shared by deploys that come to the same step, and all hear its output', async () => {
    let open = (): void => undefined;
    builder.gate = new Promise((resolve) => (open = resolve));
    const heard: string[][] = [[], []];
    const all = [0, 1].map((number) =>
      builds.build(
        order([run('a')], {
          onEvent: (event) => event.type === 'output' && heard[number]?.push(event.text),
        }),
      ),
    );
    const elsewhere = server('se-2').build(order([run('a')]));
    await waitUntil(() => heard.every((lines) => lines.length > 0));
    open();
    const ids = (await Promise.all([...all, elsewhere])).map((built) => built.ids[0]);
    expect(new Set(ids).size).toBe(1);
    expect(builder.built).toEqual(['debian', 'node', 'a']);
    expect(heard.map(([first]) => first)).toEqual(['building debian', 'building debian']);
  });

  it('end when nobody waits for them any more, and not before', async () => {
    builder.gate = new Promise(() => undefined);
    const clients = [new AbortController(), new AbortController()];
    const all = clients.map(({ signal }) => builds.build(order([run('a')], { signal })));
    const ended = Promise.allSettled(all);
    await waitUntil(() => events.filter(({ type }) => type === 'output').length === 2);
    clients[0]?.abort();
    await expect(all[0]).rejects.toThrow();
    expect(builder.aborted).toBe(0);
    clients[1]?.abort();
    await ended;
    expect(builder.aborted).toBe(1);
    builder.gate = Promise.resolve();
    expect((await build([run('a')])).ran).toEqual(['debian', 'node', 'a']);
  });

  it('that fail say which step, where it was written and what it printed last, and keep the steps before it', async () => {
    builder.failing = 'b';
    await expect(build([run('a'), run('b'), run('c')])).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: 'the image step "run b" (app.ts:7) failed: ended with code 1',
      details: { lastLines: ['oh no'] },
    });
    expect(Object.keys(registry.snapshot()).filter((key) => key.startsWith('image.'))).toEqual([]);
    builder.failing = undefined;
    expect((await build([run('a'), run('b'), run('c')])).ran).toEqual(['b', 'c']);
  });

  it('open secrets only for the steps that name them, and only when they run', async () => {
    const step = { ...run('a'), secrets: [{ type: 'named' as const, name: 's' }] };
    await build([step as BuildStep]);
    expect(builder.secrets).toEqual([{}, {}, { TOKEN: 'x' }]);
    const closed = async () => Promise.reject(new Error('closed'));
    expect((await build([step as BuildStep], { openSecrets: closed })).ran).toEqual([]);
  });

  it('strike out the secrets of a step in what it prints and in how it fails', async () => {
    const secret = {
      ...run('echo sesame-31415'),
      secrets: [{ type: 'named' as const, name: 's' }],
    } as BuildStep;
    const openSecrets = async (refs: readonly unknown[]) =>
      refs.length > 0 ? { TOKEN: 'sesame-31415' } : {};
    await build([secret], { openSecrets });
    expect(events).toContainEqual({ type: 'output', text: 'building echo ***' });
    builder.failing = 'echo sesame-31415';
    const failing = build([{ ...secret, forceBuild: true } as BuildStep], { openSecrets });
    await expect(failing).rejects.toMatchObject({ details: { lastLines: ['oh no', '***'] } });
  });

  it('refuse a step whose secrets lack the token that it needs, before it runs', async () => {
    const step: BuildStep = {
      ...{ type: 'pip', packages: [], secrets: [{ type: 'named', name: 's' }] },
      privateRepositories: { gitUser: 'me', repositories: ['github.com/acme/tools', 'gitlab.com/acme/lib'] },
    };
    const failed = build([step], { openSecrets: async () => ({ GITHUB_TOKEN: 'x' }) });
    await expect(failed).rejects.toThrow('failed: no secret of it has GITLAB_TOKEN');
    expect(builder.built).not.toContain('run');
    const tokens = { GITHUB_TOKEN: 'x', GITLAB_TOKEN: 'y' };
    await expect(build([step], { openSecrets: async () => tokens })).resolves.toBeDefined();
  });

  it('that cannot begin with micromamba say where else it may come from', async () => {
    builder.failing = 'pull';
    const from = (base: BaseStep) =>
      builds.build(order([], { manifest: { images: [{ steps: [base], sites: [] }], bundle: BUNDLE } }));
    await expect(from({ type: 'micromamba' })).rejects.toMatchObject({
      hint: expect.stringContaining('Image.micromamba({ image: "registry.example.org/') as string,
    });
    await expect(from({ type: 'micromamba', reference: 'localhost:5000/a' })).rejects.toMatchObject({
      hint: expect.stringContaining('Its last lines say why') as string,
    });
    builder.failing = undefined;
  });

  it('give steps GPUs of the machine that builds, of the type that they ask for', async () => {
    gpus = ['L4', 'H100-80GB', 'H100-80GB'].map((type, index) => ({
      ...{ index, type, uuid: `GPU-${index}`, memoryMiB: 81_559 },
    }));
    await build([run('a'), { ...run('b'), gpu: 'H100:2' } as BuildStep]);
    expect(builder.gpus.slice(-2)).toEqual([undefined, [1, 2]]);
  });

  it('give a step the first of its wishes that the machine has, and name them all where it has none', async () => {
    gpus = ['L4', 'L4', 'T4'].map((type, index) => ({
      ...{ index, type, uuid: `GPU-${index}`, memoryMiB: 23_034 },
    }));
    await build([{ ...run('a'), gpu: ['H100', 'L4:3', 'T4', 'ANY'] } as BuildStep]);
    expect(builder.gpus.at(-1)).toEqual([2]);
    const asking = build([{ ...run('b'), gpu: ['H100:2', 'A100'] } as BuildStep]);
    await expect(asking).rejects.toThrow(
      'asks for H100:2 or A100, and the machine that builds images has L4, L4, T4',
    );
  });

  it('refuse a step that asks for more GPUs than the machine has, after the steps before it', async () => {
    const asking = build([run('a'), { ...run('b'), gpu: 'H100' } as BuildStep]);
    await expect(asking).rejects.toThrow('asks for H100, and the machine that builds images has none');
    expect(builder.built).toEqual(['debian', 'node', 'a']);
  });

  it('commit volumes of a step when it has done its work, and not when it failed', async () => {
    await build([fill()]);
    expect(storage.acts).toEqual(['open models', 'commit models', 'close models']);
    expect(builder.mounts.at(-1)).toEqual([{ source: '/copy', target: '/models' }]);
    storage.acts.length = 0;
    builder.failing = 'function';
    await expect(build([fill('other')])).rejects.toThrow('run fill()');
    expect(storage.acts).toEqual(['open models', 'close models']);
  });

  it('run a step again for another volume, be it of the same name, and not for the same one', async () => {
    await build([fill()]);
    expect((await build([fill()])).ran).toEqual([]);
    expect((await build([fill()], { environment: 'dev' })).ran).toEqual(['function']);
    storage.ids['models'] = 'vo-made-anew';
    expect((await build([fill()])).ran).toEqual(['function']);
    expect((await build([fill()])).ran).toEqual([]);
  });

  it('build nothing for functions without an image', async () => {
    expect(await builds.build(order([], { manifest: { bundle: BUNDLE } }))).toEqual({ ids: [] });
    expect(builder.built).toEqual([]);
  });
});
