import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';
import { describe, expect, it } from 'vitest';

import { aProject } from './project.fixture.ts';

const ROOT = join(import.meta.dirname, '../../..');
const GUIDE = join(ROOT, 'docs/guide');
const BUILD_LIMIT_MS = 120_000;

/** The code of a page: its blocks, one after the other. */
function codeOf(page: string): string {
  const text = readFileSync(join(GUIDE, page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code).join('\n');
}

const pages = readdirSync(GUIDE).filter((page) => page.endsWith('.md') && codeOf(page) !== '');

/** What the compiler says of pages, with the rules of this workspace. */
function mistakesIn(codes: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.base.json'), ts.sys.readFile) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => codes.has(path) || fileExists(path);
  host.readFile = (path) => codes.get(path) ?? readFile(path);
  host.getSourceFile = (path, version, ...rest) => {
    const code = codes.get(path);
    return code === undefined
      ? getSourceFile(path, version, ...rest)
      : ts.createSourceFile(path, code, version);
  };
  const program = ts.createProgram({ rootNames: [...codes.keys()], options, host });
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
}

describe('the code of the guide', () => {
  it('has the types that it says', { timeout: BUILD_LIMIT_MS }, () => {
    const codes = pages.map((page): [string, string] => [join(ROOT, 'examples', `${page}.ts`), codeOf(page)]);
    expect(mistakesIn(new Map(codes))).toEqual([]);
  });

  it.each(pages)('is an app that builds: %s', { timeout: BUILD_LIMIT_MS }, async (page) => {
    await using project = await aProject({ 'src/app.ts': codeOf(page) }, ['hono']);
    const { manifest } = await project.build();
    expect(manifest.appName).toBe(`guide-${page.replace('.md', '')}`);
    expect(manifest.functions.length).toBeGreaterThan(0);
  });
});
