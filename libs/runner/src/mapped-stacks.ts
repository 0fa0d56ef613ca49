import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * From now on, stacks name places in the sources of a bundle, by the map beside it. The map is read for the first
 * stack that is looked at: Node's own support would read it at once, which costs every container more memory and time
 * than all else that it loads.
 *
 * @param bundle - URL of the bundle, as stacks have it.
 */
export function mapStacks(bundle: string): void {
  let map: SourceMap | undefined;
  let isRead = false;
  Error.prepareStackTrace = (error, sites) => {
    const frames = sites.map((site) => {
      if (site.getFileName() !== bundle) return String(site);
      if (!isRead) map = readMap(bundle);
      isRead = true;
      return mapped(site, bundle, map);
    });
    return [headOf(error), ...frames].join('\n    at ');
  };
}

function readMap(bundle: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(new URL(`${bundle}.map`), 'utf8')) as SourceMapPayload);
  } catch {
    // Then the places in the bundle have to do.
    return undefined;
  }
}

function mapped(site: NodeJS.CallSite, bundle: string, map: SourceMap | undefined): string {
  const text = String(site);
  const [line, column] = [site.getLineNumber(), site.getColumnNumber()];
  if (map === undefined || line === null || column === null) return text;
  // It counts from 0, stacks from 1.
  const entry = map.findEntry(line - 1, column - 1);
  if (!('originalSource' in entry)) return text;
  const source = fileURLToPath(new URL(entry.originalSource, bundle));
  const place = `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  return text.replace(`${bundle}:${line}:${column}`, () => place);
}

/** The first line of a stack, as Node writes it: errors of its own have their code in it. */
function headOf(error: Error): string {
  try {
    const { code } = error as { code?: unknown };
    const isOfNode = typeof code === 'string' && code.startsWith('ERR_');
    return isOfNode ? `${error.name} [${code}]: ${error.message}` : Error.prototype.toString.call(error);
  } catch {
    return '<error>';
  }
}
