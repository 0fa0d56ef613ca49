import { serveMounts } from '@gantry/mounts';

import { openVolumeBlocks } from './volume-blocks.ts';

// The program that serves mounted volumes, beside the worker: reads of user code do not hold up the worker, nor the
// other way round.
void serveMounts(openVolumeBlocks);
