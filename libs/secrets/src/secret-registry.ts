/** The part of the platform's key-value bucket that secrets are kept in. */
export interface SecretRegistry {
  get<T>(key: string): Promise<{ value: T; revision: number } | undefined>;
  /** False if the key exists. */
  create(key: string, value: unknown): Promise<boolean>;
  /** False if the key is no longer at `revision`. */
  update(key: string, value: unknown, revision: number): Promise<boolean>;
  put(key: string, value: unknown): Promise<number>;
  delete(key: string): Promise<void>;
  list<T>(pattern: string): Promise<{ key: string; value: T }[]>;
}
