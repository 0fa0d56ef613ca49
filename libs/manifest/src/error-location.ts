import { SourceMap } from 'node:module';
import { pathToFileURL } from 'node:url';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';

import type { SourceSite } from '@gantry/protocol';

import type { Bundle } from './bundle.ts';
import type { EvaluationError } from './evaluated-app.ts';
import { toBuildError } from './mistake.ts';
import { displayPath, type Project } from './project.ts';

interface EvaluationPlace {
  bundle: Bundle;
  /** Where the bundle was evaluated. */
  folder: string;
  project: Project;
}

interface MappedSite extends SourceSite {
  column: number;
}

interface MappedStack {
  lines: string[];
  /** The innermost line of the user's own sources. */
  site: MappedSite | undefined;
}

const LOADING = {
  what: 'the app failed while it was loading',
  hint: 'The build imports the app to read its registrations; make module level code work without its platform.',
};

/** Translates stacks of an evaluated bundle into the user's terms. */
export class StackMap {
  readonly #map: SourceMap;
  readonly #names: string[];
  readonly #entry: string;

  constructor({ bundle, folder, project }: EvaluationPlace) {
    this.#map = new SourceMap(JSON.parse(bundle.map));
    const paths = [folder, realpathSync(folder)].map((path) => join(path, 'bundle.mjs'));
    this.#names = paths.flatMap((path) => [pathToFileURL(path).href, path]);
    this.#entry = displayPath(project, project.entry);
  }

  /** The line of the user's that a stack leads to; the entry's first where it leads to none. */
  siteOf(stack: string): SourceSite {
    const { file, line } = this.#read(stack).site ?? { file: this.#entry, line: 1 };
    return { file, line };
  }

  /** Says what a bundle threw: the line of the user's source, and their own stack. */
  locate(error: EvaluationError, during: { what: string; hint: string } = LOADING): Error {
    const { lines, site } = this.#read(error.stack);
    const place = { file: site?.file ?? this.#entry, line: site?.line, column: site?.column };
    if (error.isGantry) {
      const hint = error.hint ?? 'Correct this registration.';
      return toBuildError([{ ...place, what: error.message, hint }]);
    }
    const stack = lines.length === 0 ? '' : `\n${lines.join('\n')}`;
    const what = `${during.what}: ${error.name}: ${error.message}${stack}`;
    return toBuildError([{ ...place, what, hint: during.hint }]);
  }

  #read(stack: string): MappedStack {
    const lines: string[] = [];
    let site: MappedSite | undefined;
    for (const text of stack.split('\n').filter((line) => /^\s+at /.test(line))) {
      const frame = mapFrame(text, this.#names, this.#map);
      if (!frame) continue;
      lines.push(`    ${frame.text}`);
      if (!frame.file.includes('node_modules/'))
        site ??= { file: frame.file, line: frame.line, column: frame.column };
    }
    return { lines, site };
  }
}

function mapFrame(
  text: string,
  names: readonly string[],
  map: SourceMap,
): { text: string; file: string; line: number; column: number } | undefined {
  const name = names.find((candidate) => text.includes(candidate));
  if (name === undefined) return undefined;
  const position = /:(\d+):(\d+)\)?$/.exec(text);
  if (!position) return undefined;
  const origin = map.findEntry(Number(position[1]) - 1, Number(position[2]) - 1);
  if (!('originalSource' in origin) || !origin.originalSource) return undefined;
  const line = origin.originalLine + 1;
  const column = origin.originalColumn + 1;
  const place = `${origin.originalSource}:${line}:${column}`;
  const caller = /^\s+at (?:async )?(.+) \(/.exec(text)?.[1];
  return {
    text: caller === undefined ? `at ${place}` : `at ${caller} (${place})`,
    file: origin.originalSource,
    line,
    column,
  };
}
