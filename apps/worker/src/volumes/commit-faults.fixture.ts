import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { type BlobStoreConfig, digestOf, openBlobStore } from '@gantry/blobs';
import { connectMessaging, volumeHeads } from '@gantry/messaging';
import { BLOCK_BYTES, type VolumeEntry } from '@gantry/protocol';
import { ANY_ENVIRONMENT, actAs } from '@gantry/testing';
import { blobPages, VolumeDirectory, VolumeStore } from '@gantry/volumes';

import { WorkerVolumes } from './worker-volumes.ts';

export interface WorkerSetup {
  natsUrl: string;
  blobs: BlobStoreConfig;
  /** Of its own. */
  folder: string;
  volumeId: string;
}

/** What is written of a lane: two files, which are in the volume together or not at all. */
export interface LaneRound {
  lane: string;
  round: number;
  sizeBytes: number;
}

export type WorkerRequest =
  /** Until when it surely holds the leases of what runs in its container, by the clock of the machine. */
  | { do: 'hold'; untilMs: number }
  /** Replaces both files of a lane in the container, and commits. */
  | ({ do: 'write' } & LaneRound)
  /** The same as a client does by way of a server. */
  | ({ do: 'upload' } & LaneRound)
  /** Shows the newest version; resolves to the round of a lane there. */
  | { do: 'reload'; lane: string }
  /** As before an input that was delivered before. */
  | { do: 'fence' };

export function contentOf({ lane, round, sizeBytes }: LaneRound): Buffer {
  return Buffer.alloc(sizeBytes, `${round} of ${lane}\n`);
}

/** 0 if there is none; -1 if it is not whole. */
async function roundIn(place: string, lane: string): Promise<number> {
  const content = await readFile(join(place, `${lane}-a`)).catch(() => undefined);
  if (!content) return 0;
  const round = Number.parseInt(content.subarray(0, 20).toString());
  return content.equals(contentOf({ lane, round, sizeBytes: content.length })) ? round : -1;
}

// A worker with one container that has one volume, to be killed or paused in the middle of whatever it does.
await actAs<WorkerSetup, WorkerRequest>(async ({ natsUrl, blobs: config, folder, volumeId }) => {
  const messaging = await connectMessaging({ url: natsUrl, name: 'worker' });
  const blobs = await openBlobStore(config);
  const pause = (ms: number): Promise<void> => delay(ms);
  const store = new VolumeStore({
    heads: volumeHeads(messaging.registry),
    pages: blobPages(blobs),
    nowMs: Date.now,
    pause,
    random: Math.random,
  });
  const { pieces } = new VolumeDirectory({
    ...{ registry: messaging.registry, store, blobs, pause },
    environments: ANY_ENVIRONMENT,
  });
  await mkdir(folder, { recursive: true });
  const inUse = { add: async () => undefined, remove: () => undefined, close: async () => undefined };
  const volumes = new WorkerVolumes({ folder, store, blobs, inUse, copies: true });
  await volumes.start();
  let heldUntilMs = Infinity;
  const { mounted, shown } = volumes.open({
    containerId: 'ta-1',
    mounts: [{ path: 'data', name: 'data', environment: 'main', volumeId }],
    assertOwn: () => {
      if (Date.now() > heldUntilMs) throw new Error('another worker has the inputs of this container');
    },
    onLost: () => undefined,
    pid: () => undefined,
  });
  const [volume] = mounted;
  const place = shown[0]?.folder ?? '';
  await volume?.open();

  const write = async (of: LaneRound): Promise<void> => {
    for (const name of ['a', 'b']) {
      const path = join(place, `${of.lane}-${name}`);
      await writeFile(`${path}.part`, contentOf(of));
      await rename(`${path}.part`, path);
    }
    await volume?.commit();
  };
  const upload = async (of: LaneRound): Promise<void> => {
    const content = contentOf(of);
    const parts = [content.subarray(0, BLOCK_BYTES), content.subarray(BLOCK_BYTES)].filter(
      ({ length }) => length > 0,
    );
    await pieces.putAll(parts);
    const entry: VolumeEntry = {
      ...{ type: 'file', mode: 0o644, mtimeMs: of.round, sizeBytes: content.length },
      blocks: parts.map((part) => digestOf(part)),
    };
    const checked = await pieces.check(['a', 'b'].map((name) => ({ path: `${of.lane}-${name}`, entry })));
    await store.commit(volumeId, () => checked);
  };
  return async (request) => {
    switch (request.do) {
      case 'hold':
        return void (heldUntilMs = request.untilMs);
      case 'write':
        return await write(request);
      case 'upload':
        return await upload(request);
      case 'reload':
        await volume?.reload();
        return await roundIn(place, request.lane);
      case 'fence':
        return await volume?.fence();
    }
  };
});
