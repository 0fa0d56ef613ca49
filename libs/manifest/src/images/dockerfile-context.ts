import { FilePatternMatcher } from 'gantry/internal';

/** The part of a folder that the COPY and ADD lines of a Dockerfile take. */
export interface CopiedFiles {
  copiesAny: boolean;
  /** As written, without what other stages or the network give. */
  sources: readonly string[];
  /** True for a path that one of them takes, itself or with its folder. */
  takes(path: string): boolean;
  /** True for a folder in which there may be something to take. */
  leadsTo(folder: string): boolean;
}

const WILDCARD = /[*?[\\]/;

/** Reads from the lines of a Dockerfile what they copy from their context. */
export function copiedFiles(text: string): CopiedFiles {
  const sources = instructionsOf(text).flatMap(sourcesOf);
  const clean = sources.map((source) => segmentsOf(source).join('/'));
  // What a variable stands for is known to the builder alone.
  const isAll = clean.some((source, at) => source === '' || sources[at]?.includes('$'));
  const matcher = new FilePatternMatcher(...clean);
  return {
    copiesAny: sources.length > 0,
    sources: isAll ? [] : sources,
    takes: (path) => isAll || matcher.matches(path),
    leadsTo: (folder) => isAll || matcher.matches(folder) || clean.some((source) => mayHold(folder, source)),
  };
}

/** True if a file that one source takes is among these paths. */
export function isTaken(source: string, paths: readonly string[]): boolean {
  const matcher = new FilePatternMatcher(segmentsOf(source).join('/'));
  return paths.some((path) => matcher.matches(path));
}

/** Whole instructions: continued lines are joined, comments and the bodies of here-documents left out. */
function instructionsOf(text: string): string[] {
  const found: string[] = [];
  let open = '';
  let endWord: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (endWord !== undefined) {
      if (line.trim() === endWord) endWord = undefined;
      continue;
    }
    if (line.trim().startsWith('#') || (open !== '' && line.trim() === '')) continue;
    const isContinued = /\\\s*$/.test(line);
    open += isContinued ? line.replace(/\\\s*$/, ' ') : line;
    if (isContinued) continue;
    found.push(open.trim());
    endWord = /<<-?\s*["']?(\w+)["']?/.exec(open)?.[1];
    open = '';
  }
  if (open.trim() !== '') found.push(open.trim());
  return found;
}

function sourcesOf(instruction: string): string[] {
  const [, rest = ''] = /^(?:COPY|ADD)\s+(.*)$/is.exec(instruction) ?? [];
  const flags = /^(?:--\S+\s+)*/.exec(rest)?.[0] ?? '';
  if (/--from=/i.test(flags)) return [];
  const words = wordsOf(rest.slice(flags.length));
  return words.slice(0, -1).filter((word) => !/^(?:[a-z]+:\/\/|git@|<<)/i.test(word));
}

function wordsOf(text: string): string[] {
  if (text.startsWith('[')) {
    try {
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list)) return list.map(String);
    } catch {
      // Docker takes it for words, too.
    }
  }
  return text.split(/\s+/).filter((word) => word !== '');
}

function segmentsOf(source: string): string[] {
  const kept: string[] = [];
  for (const part of source.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return kept;
}

function mayHold(folder: string, source: string): boolean {
  const [parts, wanted] = [folder.split('/'), source.split('/')];
  if (parts.length >= wanted.length) return false;
  return parts.every((part, at) => part === wanted[at] || WILDCARD.test(wanted[at] ?? ''));
}
