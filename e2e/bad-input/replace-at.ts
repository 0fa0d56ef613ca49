/** A copy with the value of one property, counted through the whole tree, replaced. */
export function replaceAt(root: object, at: number, value: unknown): object {
  const copy = structuredClone(root);
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const collect = (holder: Record<string, unknown>) => {
    for (const [key, item] of Object.entries(holder)) {
      places.push([holder, key]);
      if (typeof item === 'object' && item !== null) collect(item as Record<string, unknown>);
    }
  };
  collect(copy as Record<string, unknown>);
  const place = places[at % places.length];
  if (place) place[0][place[1]] = value;
  return copy;
}
