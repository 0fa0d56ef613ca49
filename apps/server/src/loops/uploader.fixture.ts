import { setTimeout as delay } from 'node:timers/promises';

import { openBlobStore } from '@gantry/blobs';
import { connectMessaging } from '@gantry/messaging';
import { ANY_ENVIRONMENT, actAs } from '@gantry/testing';
import { Pieces } from '@gantry/volumes';

import { openVolumes } from '../volumes/open-volumes.ts';
import { upload } from './test-uploads.fixture.ts';

export interface UploaderSetup {
  natsUrl: string;
  folder: string;
  volumeId: string;
}

export interface UploadRequest {
  round: number;
  /** One of the files has what it had in other rounds, which by then nobody may need any more. */
  isPartlyOld: boolean;
}

const PIECES = 4;
const PIECE_BYTES = 2 * 1024 * 1024;

// Uploads the files of a round, to be killed in the middle of it.
await actAs<UploaderSetup, UploadRequest>(async ({ natsUrl, folder, volumeId }) => {
  const messaging = await connectMessaging({ url: natsUrl, name: 'uploader' });
  const blobs = await openBlobStore({ type: 'disk', path: folder });
  const directory = openVolumes({ registry: messaging.registry, blobs, environments: ANY_ENVIRONMENT });
  // Half as long as servers wait, which is still more than a collection has between a look and a removal.
  const pieces = new Pieces(blobs, (ms) => delay(ms / 2));
  return async ({ round, isPartlyOld }) => {
    const contents = Array.from({ length: PIECES }, (_, index) =>
      isPartlyOld && index === 0 ? 'of many rounds\n' : `${index} of round ${round}\n`,
    );
    const files = new Map(
      contents.map((content, index) => [`f${index}`, Buffer.alloc(PIECE_BYTES, content)]),
    );
    await upload({ directory, pieces, volumeId, files, mtimeMs: round });
  };
});
