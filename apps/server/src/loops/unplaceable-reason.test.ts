import { describe, expect, it } from 'vitest';

import { unplaceableReason } from './unplaceable-reason.ts';

type Waiting = Parameters<typeof unplaceableReason>[0];

function waiting(containers: number, options: Waiting['record']['spec']['options'] = {}): Waiting {
  const record = { spec: { options: { cpu: 1, memoryMiB: 512, ...options } } } as Waiting['record'];
  return { reason: 'noRoom', containers, record };
}

describe('why a function waits for a machine', () => {
  it('is told in words for one container and for several, with what shows who has the room', () => {
    expect(unplaceableReason(waiting(1), [])).toBe(
      'no machine has room for one more container (cpu 1, memoryMiB 512): gantry container list shows what runs there',
    );
    expect(unplaceableReason(waiting(2), [])).toBe(
      'no machine has room for 2 more containers (cpu 1, memoryMiB 512 each): gantry container list shows what runs there',
    );
  });

  it('counts gangs of a clustered function', () => {
    expect(unplaceableReason(waiting(1, { cluster: { size: 4 } }), [])).toContain(
      'have room for one more gang of 4 containers (cpu 1, memoryMiB 512 each)',
    );
  });

  it('is that there is no worker, where there is none', () => {
    expect(unplaceableReason({ ...waiting(1), reason: 'noWorker' }, [])).toBe('no worker is connected');
  });
});
