import { SourceMap } from 'node:module';
import { pathToFileURL } from 'node:url';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';

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

/** Says in the user's terms what a bundle threw: the line of their source, and their own stack. */
export function locateError(error: EvaluationError, place: EvaluationPlace): Error {
  const { lines, site } = mapStack(error, place);
  const file = site?.file ?? displayPath(place.project, place.project.entry);
  if (error.isGantry) {
    return toBuildError([
      { file, line: site?.line, what: error.message, hint: error.hint ?? 'Correct this registration.' },
    ]);
  }
  const stack = lines.length === 0 ? '' : `\n${lines.join('\n')}`;
  const what = `the app failed while it was loading: ${error.name}: ${error.message}${stack}`;
  const hint =
    'The build imports the app to read its registrations; make module level code work without its platform.';
  return toBuildError([{ file, line: site?.line, what, hint }]);
}

function mapStack(
  error: EvaluationError,
  { bundle, folder }: EvaluationPlace,
): { lines: string[]; site: { file: string; line: number } | undefined } {
  const map = new SourceMap(JSON.parse(bundle.map));
  const paths = [folder, realpathSync(folder)].map((path) => join(path, 'bundle.mjs'));
  const names = paths.flatMap((path) => [pathToFileURL(path).href, path]);
  const lines: string[] = [];
  let site: { file: string; line: number } | undefined;
  for (const text of error.stack.split('\n').filter((line) => /^\s+at /.test(line))) {
    const frame = mapFrame(text, names, map);
    if (!frame) continue;
    lines.push(`    ${frame.text}`);
    if (!frame.file.includes('node_modules/')) site ??= { file: frame.file, line: frame.line };
  }
  return { lines, site };
}

function mapFrame(
  text: string,
  names: readonly string[],
  map: SourceMap,
): { text: string; file: string; line: number } | undefined {
  const name = names.find((candidate) => text.includes(candidate));
  if (name === undefined) return undefined;
  const position = /:(\d+):(\d+)\)?$/.exec(text);
  if (!position) return undefined;
  const origin = map.findEntry(Number(position[1]) - 1, Number(position[2]) - 1);
  if (!('originalSource' in origin) || !origin.originalSource) return undefined;
  const line = origin.originalLine + 1;
  const place = `${origin.originalSource}:${line}:${origin.originalColumn + 1}`;
  const caller = /^\s+at (?:async )?(.+) \(/.exec(text)?.[1];
  return {
    text: caller === undefined ? `at ${place}` : `at ${caller} (${place})`,
    file: origin.originalSource,
    line,
  };
}
