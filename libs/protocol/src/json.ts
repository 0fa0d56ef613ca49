/** Anything JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };

/** Whether a value has more levels of objects and arrays than that: whoever walks it by recursion asks first. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1));
}
