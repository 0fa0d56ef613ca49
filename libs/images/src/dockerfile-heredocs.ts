import { BuildError, type DockerfileInstruction, type Heredoc, readDockerfile } from '@gantry/protocol';

import { Variables } from './dockerfile-variables.ts';

/** A Dockerfile without here-documents, and the files of its context that hold what was in them, by their paths. */
export interface PlainDockerfile {
  text: string;
  files: Readonly<Record<string, string>>;
}

/** What is in effect at a line of a stage. */
interface Stage {
  shell: readonly string[];
  variables: Variables;
}

const HEREDOC_FOLDER = '.gantry-heredocs';
const DEFAULT_SHELL = ['/bin/sh', '-c'];
/** Runs what is in its first argument as a program of its own. */
const RUN_SCRIPT =
  'script=$(mktemp) && printf %s "$1" > "$script" && chmod 700 "$script" && "$script"; ' +
  'code=$?; rm -f "$script"; exit $code';

/**
 * Says the same without here-documents, which buildah knows from 1.33 on only: commands become words of RUN, and
 * files are copied from the context.
 *
 * @throws BuildError where a variable is in a file whose value only the base image knows
 */
export function withoutHeredocs(text: string): PlainDockerfile {
  const files: Record<string, string> = {};
  const stages = new Map<string, Stage>();
  const globals = new Variables();
  let stage: Stage = { shell: DEFAULT_SHELL, variables: globals };
  const lines = readDockerfile(text).map((instruction) => {
    const { word, rest, source, heredocs } = instruction;
    if (word === 'FROM') {
      const [base = '', name] = rest.replace(/^(?:--\S+\s+)*/, '').split(/\s+as\s+/i);
      const below = stages.get(base.toLowerCase());
      stage = {
        shell: below?.shell ?? DEFAULT_SHELL,
        variables: new Variables({ globals, below: below?.variables }),
      };
      if (name !== undefined) stages.set(name.trim().toLowerCase(), stage);
    } else if (word === 'SHELL') stage.shell = JSON.parse(rest) as string[];
    else if (word === 'ARG' || word === 'ENV') stage.variables.read(word, rest);
    else if (heredocs.length > 0) {
      return word === 'RUN' ? commandOf(instruction, stage.shell) : copyOf(instruction, stage, files);
    }
    return source;
  });
  return { text: `${lines.join('\n')}\n`, files };
}

function commandOf({ rest, heredocs }: DockerfileInstruction, shell: readonly string[]): string {
  const flags = /^(?:--\S+\s+)*/.exec(rest)?.[0] ?? '';
  const command = rest.slice(flags.length);
  const [first] = heredocs as [Heredoc];
  const isWhole = command.trim() === first.marker;
  if (isWhole && first.text.startsWith('#!')) {
    return `RUN ${flags}${JSON.stringify([...DEFAULT_SHELL, RUN_SCRIPT, 'sh', first.text])}`;
  }
  const script = isWhole ? first.text : [command, ...heredocs.map(({ source }) => source)].join('\n');
  return `RUN ${flags}${JSON.stringify([...shell, script])}`;
}

function copyOf(
  { word, rest, heredocs }: DockerfileInstruction,
  { variables }: Stage,
  files: Record<string, string>,
): string {
  let written = rest;
  for (const { marker, name, isQuoted, text } of heredocs) {
    const path = `${HEREDOC_FOLDER}/${Object.keys(files).length + 1}/${name}`;
    files[path] = isQuoted ? text : variables.expand(text, (variable) => unknownIn(name, variable));
    written = written.replace(marker, path);
  }
  return `${word} ${written}`;
}

function unknownIn(name: string, variable: string): BuildError {
  return new BuildError(`the here-document "${name}" has $${variable}, which no ENV or ARG before it sets`, {
    hint: `Set it there, write \\$${variable} for the text itself, or <<"${name}" where nothing is a variable.`,
  });
}
