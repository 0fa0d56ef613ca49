import type { DeployRequest, FunctionRecord } from '@gantry/protocol';
import { createLogger } from '@gantry/telemetry';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { type Fate, MemoryRegistry } from '../testing/memory-registry.ts';
import { fn, manifest } from '../testing/test-client.ts';
import { Deployer } from './deployer.ts';

const MAIN = { id: 'main', name: 'main', webSuffix: '', createdAtMs: 0 };
const web = { type: 'endpoint' as const, method: 'GET' as const, docs: false };

function request(names: string[], description: string): DeployRequest {
  const functions = names.map((name) => fn(name, {}, name === 'page' ? web : undefined));
  return { manifest: manifest(functions, { appName: 'shop', sdkVersion: description }), environment: 'main' };
}

describe('a deploy that fails half-way', () => {
  let registry: MemoryRegistry;
  let deployer: Deployer;
  let retired: string[];
  let retireError: Error | undefined;

  function setUp(): void {
    registry = new MemoryRegistry();
    retired = [];
    retireError = undefined;
    const log = createLogger({ name: 'server', level: 'silent' });
    deployer = new Deployer({
      messaging: {
        registry,
        leases: { acquire: async () => 1, release: async () => undefined, touch: async () => undefined },
      },
      blobs: { has: async () => true },
      images: { resolve: async () => undefined },
      config: { workspace: 'local', domain: 'gantry.localhost', gatewayUrl: 'https://gantry.localhost', log },
      serverId: 'se-1',
      environments: {
        idOf: async () => MAIN.id,
        nameOf: () => MAIN.name,
        find: async () => MAIN,
        refresh: async () => ({ value: { environments: [MAIN], deleted: [] }, revision: 1 }),
      },
      secrets: {
        check: async () => undefined,
        keep: async () => undefined,
        discard: async () => undefined,
      },
      volumes: { check: async () => undefined, open: async () => new Map() },
      domains: { check: async () => undefined },
      workers: { statuses: () => [], ask: () => undefined, onStatus: () => ({ stop: () => undefined }) },
      stopper: {
        freeRoutes: async () => undefined,
        retire: async (record: FunctionRecord) => {
          if (retireError) throw retireError;
          retired.push(record.spec.name);
        },
      },
    });
  }

  beforeEach(() => {
    vi.useRealTimers();
    setUp();
  });

  /** Deploys while one write, counted from here, fails; false if the deploy needed no such write. */
  async function failAt(write: number, fate: Fate): Promise<boolean> {
    const first = registry.writes;
    registry.fateOf = (number) => (number - first === write ? fate : 'done');
    const failed = await deployer.deploy(request(['f', 'g', 'page'], 'new')).then(
      () => false,
      () => true,
    );
    registry.fateOf = () => 'done';
    return failed;
  }

  it.each<[string, boolean, Fate]>([
    ['a running version', true, 'lost'],
    ['a running version', true, 'answerLost'],
    ['nothing, for a new app,', false, 'lost'],
    ['nothing, for a new app,', false, 'answerLost'],
  ])('leaves %s as it was, whichever write fails (%#)', async (_what, isRunning, fate) => {
    let failures = 0;
    for (let write = 0; ; write++) {
      setUp();
      if (isRunning) await deployer.deploy(request(['f', 'page'], 'old'));
      const before = registry.snapshot();
      if (!(await failAt(write, fate))) break;
      failures++;
      expect(registry.snapshot()).toEqual(before);
    }
    // Deployment, three functions, the app; a new one also its name and route.
    expect(failures).toBe(isRunning ? 5 : 7);
  });

  it('is taken back as soon as the registry answers again', async () => {
    await deployer.deploy(request(['f', 'g'], 'old'));
    const before = registry.snapshot();
    vi.useFakeTimers();
    const first = registry.writes;
    registry.fateOf = (number) => (number - first >= 2 ? 'answerLost' : 'done');
    const failing = expect(deployer.deploy(request(['f', 'g'], 'new'))).rejects.toThrow('no answer');
    await vi.advanceTimersByTimeAsync(3_000);
    await failing;
    registry.fateOf = () => 'done';
    await vi.advanceTimersByTimeAsync(2_000);
    expect(registry.snapshot()).toEqual(before);
  });

  it('has succeeded when only the retirement of what is gone fails, which is tried again', async () => {
    await deployer.deploy(request(['f', 'g'], 'old'));
    vi.useFakeTimers();
    retireError = new Error('registry: no answer in time');
    expect(await deployer.deploy(request(['f'], 'new'))).toMatchObject({ version: 2 });
    retireError = undefined;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(retired).toEqual(['g']);
  });
});
