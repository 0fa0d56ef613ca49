import { randomInt } from 'node:crypto';

import type { Messaging } from '@gantry/messaging';
import { type PrivateNetworkRecord, registryKeys } from '@gantry/protocol';

/** The 32 bits by which addresses of this workspace differ from those of others: chosen once, by whoever asks first. */
export async function workspaceNumber(
  registry: Pick<Messaging['registry'], 'get' | 'create'>,
): Promise<number> {
  const key = registryKeys.privateNetwork;
  for (;;) {
    const found = await registry.get<PrivateNetworkRecord>(key);
    if (found) return found.value.workspace;
    const record: PrivateNetworkRecord = { workspace: randomInt(2 ** 32) };
    if (await registry.create(key, record)) return record.workspace;
  }
}
