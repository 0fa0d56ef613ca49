import { shownOutput } from '../output.ts';
import { liveLines, type LiveLines } from './live-lines.ts';
import { isScreenTaken, screenOwner } from './screen.ts';

/** How far a map is. */
export interface MapCounts {
  /** Inputs that are over with, those that failed included. */
  done: number;
  failed: number;
  /** Inputs that are known of. */
  known: number;
  /** There are no others. */
  areAllKnown: boolean;
}

export interface ShownMap {
  /** How the line calls it, such as `square`. */
  label: string;
  /** What becomes of an input: `done`, or `queued`. */
  word: string;
  counts(): MapCounts;
}

/** Where the progress of maps is shown. */
export interface ProgressView {
  lines: Pick<LiveLines, 'isPossible' | 'add'>;
  /** Prints one line on standard error. */
  print(line: string): void;
}

/** Quicker ones are not shown. */
const FIRST_LINE_MS = 500;
/** Where lines cannot change, there is one so often; and one at the end of a map that took so long. */
const PLAIN_LINE_MS = 10_000;
const RATE_WINDOW_MS = 5_000;
/** One such letter in a bundle makes every letter of it take two bytes. */
const CHECK_MARK = String.fromCharCode(0x2713);

/**
 * Shows how far a map is until the returned function is called, where output is enabled; the counts are asked for now
 * and then, so the map itself does nothing for it.
 */
export function showMap(map: ShownMap, view: ProgressView = processView): () => void {
  if (!isShown()) return () => undefined;
  const startedAtMs = Date.now();
  const rate = new Rate(startedAtMs);
  const text = (): string | undefined => {
    if (!isShown()) return undefined;
    const counts = map.counts();
    return mapText(map, counts, rate.next(counts.done, Date.now()));
  };
  let removeLine: (() => void) | undefined;
  const timer = view.lines.isPossible
    ? setTimeout(() => (removeLine = view.lines.add(text)), FIRST_LINE_MS)
    : setInterval(() => printIf(text(), view), PLAIN_LINE_MS);
  timer.unref();
  return () => {
    clearTimeout(timer);
    removeLine?.();
    const tookMs = Date.now() - startedAtMs;
    const counts = map.counts();
    const isComplete = counts.areAllKnown && counts.done >= counts.known;
    if (isShown() && isComplete && tookMs >= PLAIN_LINE_MS)
      view.print(`${CHECK_MARK} ${mapText(map, counts)} ${(tookMs / 1000).toFixed(1)} s`);
  };
}

/** Such as `square: 30 of 1,000 done, 2 failed, 12/s`; what may still grow ends in a plus. */
export function mapText(
  { label, word }: Pick<ShownMap, 'label' | 'word'>,
  { done, failed, known, areAllKnown }: MapCounts,
  perSecond = 0,
): string {
  const all = areAllKnown && done >= known ? '' : ` of ${toCount(known)}${areAllKnown ? '' : '+'}`;
  const parts = [`${label}: ${toCount(done)}${all} ${word}`];
  if (failed > 0) parts.push(`${toCount(failed)} failed`);
  if (perSecond > 0)
    parts.push(`${perSecond < 10 ? perSecond.toFixed(1) : toCount(Math.round(perSecond))}/s`);
  return parts.join(', ');
}

function toCount(count: number): string {
  return count.toLocaleString('en-US');
}

function isShown(): boolean {
  return !isScreenTaken() && (screenOwner() !== undefined || shownOutput()?.showProgress === true);
}

function printIf(text: string | undefined, view: ProgressView): void {
  if (text !== undefined) view.print(text);
}

const processView: ProgressView = {
  get lines() {
    return liveLines();
  },
  print: (line) => void process.stderr.write(`${line}\n`),
};

/** How fast a count has grown lately. */
class Rate {
  readonly #samples: { atMs: number; count: number }[];

  constructor(startedAtMs: number) {
    this.#samples = [{ atMs: startedAtMs, count: 0 }];
  }

  /** Takes the count of now; returns by how much it grows in a second. */
  next(count: number, nowMs: number): number {
    this.#samples.push({ atMs: nowMs, count });
    while (nowMs - (this.#samples[1]?.atMs ?? nowMs) >= RATE_WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    if (!first || nowMs === first.atMs) return 0;
    return ((count - first.count) * 1000) / (nowMs - first.atMs);
  }
}
