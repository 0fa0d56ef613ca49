import { describe, expect, it } from 'vitest';

import { withoutHeredocs } from './dockerfile-heredocs.ts';

describe('a Dockerfile without here-documents', () => {
  it('is what it was where there are none', () => {
    const text =
      '# syntax=docker/dockerfile:1\nFROM a AS b\n\nRUN echo $((1 << 4)) \\\n  # why\n  && x\nCOPY a b\n';
    expect(withoutHeredocs(text)).toEqual({ text, files: {} });
  });

  it.each<[text: string, plain: string]>([
    ['RUN <<EOF\nset -e\necho "$A"\nEOF\nRUN x', 'RUN ["/bin/sh","-c","set -e\\necho \\"$A\\"\\n"]\nRUN x'],
    ['RUN --mount=target=/a <<-EOF\n\techo a\n\tEOF', 'RUN --mount=target=/a ["/bin/sh","-c","echo a\\n"]'],
    ['RUN python3 <<"EOF"\nprint(1)\nEOF', 'RUN ["/bin/sh","-c","python3 <<\\"EOF\\"\\nprint(1)\\nEOF"]'],
    ['RUN cat <<A <<B\n1\nA\n2\nB', 'RUN ["/bin/sh","-c","cat <<A <<B\\n1\\nA\\n2\\nB"]'],
    ['SHELL ["bash", "-c"]\nRUN <<E\nx\nE', 'SHELL ["bash", "-c"]\nRUN ["bash","-c","x\\n"]'],
    [
      'FROM a AS one\nSHELL ["b"]\nFROM one\nRUN <<E\nx\nE\nFROM a\nRUN <<E\nx\nE',
      'FROM a AS one\nSHELL ["b"]\nFROM one\nRUN ["b","x\\n"]\nFROM a\nRUN ["/bin/sh","-c","x\\n"]',
    ],
  ])('runs what %j runs', (text, plain) => {
    expect(withoutHeredocs(text)).toEqual({ text: `${plain}\n`, files: {} });
  });

  it('runs a script by the program that its first line names', () => {
    const { text } = withoutHeredocs('RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF');
    expect(text).toContain('"sh","#!/usr/bin/env python3\\nprint(1)\\n"]');
  });

  it('copies what they hold from the context, with the values of variables', () => {
    const { text, files } = withoutHeredocs(
      [
        'ARG V=1',
        'FROM a',
        'ARG V',
        'ENV NAME="two words" HALF=${V}.5',
        'COPY --chown=1 <<EOF <<"RAW" x /to/',
        '$V ${NAME}, $HALF \\$uri ${NONE:-d}${V:+e}',
        'EOF',
        '$V',
        'RAW',
      ].join('\n'),
    );
    expect(text).toContain('COPY --chown=1 .gantry-heredocs/1/EOF .gantry-heredocs/2/RAW x /to/\n');
    expect(files).toEqual({
      '.gantry-heredocs/1/EOF': '1 two words, 1.5 $uri de\n',
      '.gantry-heredocs/2/RAW': '$V\n',
    });
  });

  it('says which variable of a file only the base image may know', () => {
    expect(() => withoutHeredocs('FROM a\nCOPY <<EOF /a\n$PATH\nEOF')).toThrow(
      'the here-document "EOF" has $PATH, which no ENV or ARG before it sets',
    );
  });
});
