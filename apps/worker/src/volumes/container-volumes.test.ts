import type { MountedVolume } from '@gantry/mounts';
import { type Environments, GantryError, InvalidError, NotFoundError } from '@gantry/protocol';
import { createLogger } from '@gantry/telemetry';
import { ANY_ENVIRONMENT } from '@gantry/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ContainerVolumes } from './container-volumes.ts';
import type { VolumeUser } from './worker-volumes.ts';

let assertOwn: () => void;
let holdsLeases: boolean;
let commits: (() => Promise<boolean>)[];
let said: string[];
const onCutOff = vi.fn();

function volumesOf(
  changes: Partial<MountedVolume['mount']> = {},
  environments: Pick<Environments, 'idOf'> = ANY_ENVIRONMENT,
): ContainerVolumes {
  const mount = { path: '/models', name: 'models', environment: 'main', volumeId: 'vo-1', ...changes };
  const volume = {
    mount,
    commit: async () => {
      assertOwn();
      return (await commits.shift()?.()) ?? false;
    },
    close: async () => undefined,
  } as unknown as MountedVolume;
  return new ContainerVolumes(
    {
      ...{ containerId: 'ta-1', mounts: [mount], environment: 'main', graceMs: 60_000, onCutOff },
      log: createLogger({ name: 'test', level: 'silent' }),
      environments,
      holdsLeases: () => holdsLeases,
      onLost: () => undefined,
      pid: () => undefined,
      say: (text) => said.push(text),
    },
    {
      open: (user: VolumeUser) => {
        assertOwn = () => user.assertOwn();
        return { mounted: [volume], shown: [] };
      },
    },
  );
}

const commit = { type: 'volume', requestId: 1, act: 'commit', name: 'models' } as const;

beforeEach(() => {
  vi.useRealTimers();
  [holdsLeases, commits, said] = [true, [], []];
  onCutOff.mockReset();
});

describe('a container whose inputs may run elsewhere', () => {
  it('is ended, and commits nothing from then on', async () => {
    const volumes = volumesOf();
    expect(await volumes.act(commit)).toBeUndefined();
    holdsLeases = false;
    expect(await volumes.act(commit)).toMatchObject({ code: 'CONFLICT' });
    holdsLeases = true;
    expect(await volumes.act(commit)).toMatchObject({ code: 'CONFLICT' });
    expect(onCutOff).toHaveBeenCalledTimes(1);
    await volumes.finish();
    expect(said).toEqual([expect.stringContaining('was cut off')]);
  });

  it('goes on where it can only read', () => {
    volumesOf({ readOnly: true }).cutOff();
    expect(onCutOff).not.toHaveBeenCalled();
  });
});

it('a volume is found where it was when the container began, whatever its environment is called by now', async () => {
  let name = 'dev';
  const idOf = async (asked: string) => {
    if (asked === name || asked === 'en-1') return 'en-1';
    if (asked === 'main') return 'main';
    throw new NotFoundError(`there is no environment "${asked}"`);
  };
  const volumes = volumesOf({ environment: 'dev' }, { idOf });
  expect(await volumes.act({ ...commit, environment: 'dev' })).toBeUndefined();
  name = 'staging';
  expect(await volumes.act({ ...commit, environment: 'staging' })).toBeUndefined();
  expect(await volumes.act({ ...commit, environment: 'dev' })).toMatchObject({
    message: 'there is no environment "dev"',
  });
  expect(await volumes.act(commit)).toMatchObject({ code: 'NOT_FOUND' });
});

describe('the last commit', () => {
  it('is tried again while the store is out, and not where that would not help', async () => {
    vi.useFakeTimers();
    const out = () => Promise.reject(new GantryError('UNAVAILABLE', 'the store is out'));
    commits = [out, out, async () => true];
    const finished = volumesOf().finish();
    await vi.advanceTimersByTimeAsync(2_500);
    await finished;
    expect([commits.length, said]).toEqual([0, []]);
    commits = [() => Promise.reject(new InvalidError('a name that no volume takes')), async () => true];
    await volumesOf().finish();
    expect([commits.length, said.length]).toEqual([1, 1]);
  });
});

describe('commits that nobody asks for', () => {
  it('come every 5 s while something runs, and once more until nothing has changed', async () => {
    vi.useFakeTimers();
    let count = 0;
    const changed = async () => (count++, true);
    commits = [changed, changed, changed];
    const volumes = volumesOf();
    volumes.running(1);
    await vi.advanceTimersByTimeAsync(10_100);
    expect(count).toBe(2);
    volumes.running(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([count, vi.getTimerCount()]).toEqual([3, 0]);
  });
});
