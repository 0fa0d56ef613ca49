import { LocalBlocks, serveMounts } from '@gantry/mounts';

await serveMounts<{ folder: string }>(({ folder }) => new LocalBlocks(folder));
