import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import type { Cluster } from '../cluster/cluster.ts';
import type { Load } from './loads.ts';

const ANSWER_WITHIN_MS = 30_000;
const PAUSE_MS: [number, number] = [3_000, 8_000];

/**
 * Makes a new version of the load, with the same content, as a rollback does.
 *
 * @returns its number, or undefined if the server went away in the middle.
 * @throws AssertionError if the server refuses.
 */
export async function redeploy({ env }: Pick<Cluster, 'env'>): Promise<number | undefined> {
  try {
    const response = await fetch(`${env.GANTRY_SERVER_URL}/v1/apps/load/rollback?environment=main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${env.GANTRY_TOKEN}`, 'content-type': 'application/json' },
      body: '{"version":1}',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const reply = (await response.json()) as { version: number };
    if (response.status >= 500) return undefined;
    assert.equal(response.status, 200, JSON.stringify(reply));
    return reply.version;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return undefined;
  }
}

/** A redeploy may fail with its server; one that succeeds has a higher number. The other loads notice neither. */
export function redeploys(cluster: Pick<Cluster, 'env'>): Load {
  let live = 1;
  return async ({ random, ledger }) => {
    await ledger.take('redeploy', async () => {
      const version = await redeploy(cluster);
      if (version === undefined) return;
      assert.ok(version > live, `v${version} came after v${live}`);
      live = version;
    });
    await delay(random.integer(...PAUSE_MS));
  };
}
