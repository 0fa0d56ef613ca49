import type { ImageConfig, ImageLayer } from '@gantry/protocol';

/** Changes when the same definition would come out otherwise: then every image is built anew. */
export const BUILDER_VERSION = 1;

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_CHARS = 22;

/** What is in place after a step. */
export interface ImageState {
  /** Lowest first. */
  layers: readonly ImageLayer[];
  config: ImageConfig;
}

/**
 * Names the result of a step before it is there: 64 hex digits of what is below and of what is done. So a result is
 * found again as long as nothing below it was built anew with another outcome.
 */
export async function stepKey(below: ImageState | undefined, definition: string): Promise<string> {
  return await hex(canonical([BUILDER_VERSION, below && content(below), definition]));
}

/** The id of an image is that of its content: what has one is never changed. */
export async function imageId(state: ImageState): Promise<string> {
  const digits = await hex(canonical(content(state)));
  let rest = BigInt(`0x${digits}`);
  let id = '';
  while (id.length < ID_CHARS) {
    id += BASE62[Number(rest % 62n)];
    rest /= 62n;
  }
  return `im-${id}`;
}

/** JSON with the properties of objects in order, without those that are undefined. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, held: unknown) =>
    typeof held === 'object' && held !== null && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).sort(([left], [right]) => (left < right ? -1 : 1)))
      : held,
  );
}

function content({ layers, config }: ImageState): unknown {
  return { layers: layers.map(({ diffId }) => diffId), config };
}

async function hex(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
