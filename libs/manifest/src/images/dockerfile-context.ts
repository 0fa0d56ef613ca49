import { type DockerfileInstruction, readDockerfile } from '@gantry/protocol';
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
  const sources = readDockerfile(text).flatMap(sourcesOf);
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

function sourcesOf({ word, rest }: DockerfileInstruction): string[] {
  const flags = /^(?:--\S+\s+)*/.exec(rest)?.[0] ?? '';
  if (word === 'RUN') return flags.split(/\s+/).flatMap(mountedOf);
  if ((word !== 'COPY' && word !== 'ADD') || /--from=/i.test(flags)) return [];
  const words = wordsOf(rest.slice(flags.length));
  return words.slice(0, -1).filter((source) => !/^(?:[a-z]+:\/\/|git@|\d*<<)/i.test(source));
}

/** What a flag of RUN mounts of the context. */
function mountedOf(flag: string): string[] {
  const [, text] = /^--mount=(.*)$/i.exec(flag) ?? [];
  if (text === undefined) return [];
  const parts = new Map(text.split(',').map((part) => [part.split('=')[0], part.split('=')[1]]));
  if ((parts.get('type') ?? 'bind') !== 'bind' || parts.has('from')) return [];
  return [parts.get('source') ?? parts.get('src') ?? '.'];
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
