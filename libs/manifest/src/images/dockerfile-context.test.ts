import { describe, expect, it } from 'vitest';

import { copiedFiles } from './dockerfile-context.ts';

describe('the files that a Dockerfile copies', () => {
  it.each<[text: string, sources: string[]]>([
    ['FROM a\nRUN cp x y', []],
    ['COPY a.txt /a', ['a.txt']],
    ['copy a.txt b/ ./c/ /to/', ['a.txt', 'b/', './c/']],
    ['ADD --chown=1:1 --link a.tar /to', ['a.tar']],
    ['COPY --from=build /x /y', []],
    ['ADD https://example.com/a.tgz /to', []],
    ['COPY ["with space.txt", "b", "/to"]', ['with space.txt', 'b']],
    ['COPY a \\\n  # not this\n  b \\\n\n  /to\nCOPY c /to', ['a', 'b', 'c']],
    ['# COPY a /to', []],
    ['RUN <<EOF\nCOPY a /to\nEOF\nCOPY b /to', ['b']],
    ['COPY <<EOF /to\nCOPY a /to\nEOF', []],
    ['COPY a', []],
    ['RUN echo $((1 << 4)) <<< "x"\nCOPY b /to', ['b']],
    ['RUN <<A cat && <<-"B" cat\n1\nA\n\tCOPY a /to\n\tB\nCOPY b /to', ['b']],
    ['RUN --mount=type=bind,source=a.json,target=/a --mount=type=cache,target=/c make', ['a.json']],
    ['RUN --mount=from=build,source=/x,target=/a make', []],
  ])('%j names %j', (text, sources) => {
    expect(copiedFiles(text).sources).toEqual(sources);
  });

  it.each<[source: string, takes: string[], not: string[]]>([
    ['src', ['src', 'src/a/b.ts'], ['lib/src', 'src2']],
    ['./src/../lib/', ['lib/a.ts'], ['src/a.ts']],
    ['*.json', ['a.json'], ['src/a.json']],
    ['src/*/index.ts', ['src/a/index.ts'], ['src/index.ts', 'src/a/b/index.ts']],
    ['.', ['a', 'b/c'], []],
    ['$DIR/a', ['a', 'b/c'], []],
  ])('%s: some and not others', (source, takes, not) => {
    const copied = copiedFiles(`COPY ${source} /to`);

    expect(takes.map((path) => copied.takes(path))).toEqual(takes.map(() => true));
    expect(not.map((path) => copied.takes(path))).toEqual(not.map(() => false));
  });

  it('are searched for only where they can be', () => {
    const copied = copiedFiles('COPY package.json src/*/index.ts lib/deep/file /to');

    expect(['src', 'src/a', 'lib', 'lib/deep'].map((folder) => copied.leadsTo(folder))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['node_modules', 'src/a/b', 'lib/other'].map((folder) => copied.leadsTo(folder))).toEqual([
      false,
      false,
      false,
    ]);
    expect(copiedFiles('COPY src /to').leadsTo('src/a/b')).toBe(true);
  });
});
