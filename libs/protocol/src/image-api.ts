import type { WireError } from './errors.ts';

/** Ids of the images of one deploy. */
export interface BuiltImages {
  /** In the order of the manifest. */
  ids: string[];
}

/** An image that was built, and is kept. */
export interface ImageSummary {
  id: string;
  builtAtMs: number;
}

/** What a client hears while images are built, one JSON object a line; empty lines only say that the server lives. */
export type ImageBuildEvent =
  /** Followed by `output` of that step, then `stepDone`. */
  | { type: 'step'; image: number; title: string }
  | { type: 'stepCached'; image: number; title: string }
  /** One line that the step printed. */
  | { type: 'output'; text: string }
  | { type: 'stepDone'; title: string; durationMs: number }
  /** The last one; without images where containers have none. */
  | { type: 'built'; images: BuiltImages | undefined }
  | { type: 'failed'; error: WireError };
