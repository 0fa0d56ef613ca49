/** Where layers and archives of files are kept, by digest: the part of a blob store that builds need. */
export interface LayerStore {
  has(digest: string): Promise<boolean>;
  get(digest: string): Promise<AsyncIterable<Uint8Array>>;
  put(digest: string, source: AsyncIterable<Uint8Array>): Promise<void>;
}
