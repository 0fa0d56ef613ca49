import {
  type InlineSecretsRecord,
  registryKeys,
  type SealingKeyRecord,
  type SecretRecord,
} from '@gantry/protocol';

import { type KeyRing, keyIdOf } from './key-ring.ts';
import { inlineContext, namedContext, openValues, sealValues } from './sealed-values.ts';
import type { SecretRegistry } from './secret-registry.ts';

/**
 * Seals with the first key what an older one sealed, so that the older one can be taken away. Resolves with how many
 * records it wrote. What somebody else changes meanwhile is sealed with the first key already.
 */
export async function resealSecrets(registry: SecretRegistry, ring: KeyRing): Promise<number> {
  const isOld = (sealed: Uint8Array) => keyIdOf(sealed) !== ring.id;
  const again = (sealed: Uint8Array, context: string) =>
    isOld(sealed) ? sealValues(ring, openValues(ring, sealed, context), context) : sealed;
  const work = { registry, isOld };
  const named = await rewrite<SecretRecord>(work, registryKeys.allSecrets, {
    sealedOf: (record) => [record.sealed],
    resealed: (record) => ({ ...record, sealed: again(record.sealed, namedContext(record)) }),
  });
  const inline = await rewrite<InlineSecretsRecord>(work, registryKeys.allInlineSecrets, {
    sealedOf: ({ secrets }) => secrets.map(({ sealed }) => sealed),
    resealed: (record) => ({
      ...record,
      secrets: record.secrets.map(({ index, sealed }) => ({
        index,
        sealed: again(sealed, inlineContext(record.appId, index)),
      })),
    }),
  });
  const known = await registry.get<SealingKeyRecord>(registryKeys.sealingKey);
  if (known && known.value.id !== ring.id) {
    await registry.update(registryKeys.sealingKey, { id: ring.id }, known.revision);
  }
  return named + inline;
}

interface Work {
  registry: SecretRegistry;
  isOld(sealed: Uint8Array): boolean;
}

interface Shape<T> {
  sealedOf(record: T): Uint8Array[];
  resealed(record: T): T;
}

async function rewrite<T>({ registry, isOld }: Work, pattern: string, shape: Shape<T>): Promise<number> {
  let written = 0;
  for (const { key } of await registry.list<T>(pattern)) {
    const present = await registry.get<T>(key);
    if (!present || !shape.sealedOf(present.value).some(isOld)) continue;
    if (await registry.update(key, shape.resealed(present.value), present.revision)) written++;
  }
  return written;
}
