import { toDuration, toSize } from '../terminal/units.ts';

const WIDTH = 24;

/** How far a transfer is. */
export interface TransferProgress {
  doneBytes: number;
  totalBytes: number;
  doneFiles: number;
  totalFiles: number;
}

/** One line: a bar, how much of it all, how fast, and how long it takes yet. */
export function progressLine(
  { doneBytes, totalBytes, doneFiles, totalFiles }: TransferProgress,
  elapsedMs: number,
): string {
  const share = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 0;
  const filled = Math.round(share * WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
  const bytesPerMs = elapsedMs > 0 ? doneBytes / elapsedMs : 0;
  const left = totalBytes > doneBytes && bytesPerMs > 0 ? (totalBytes - doneBytes) / bytesPerMs : undefined;
  return [
    bar,
    `${toSize(doneBytes)} of ${toSize(totalBytes)}`,
    ...(totalFiles > 1 ? [`${doneFiles} of ${totalFiles} files`] : []),
    `${toSize(bytesPerMs * 1000)}/s`,
    ...(left === undefined ? [] : [`${toDuration(left)} left`]),
  ].join('  ');
}
