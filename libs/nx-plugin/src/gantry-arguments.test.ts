import { expect, test } from 'vitest';
import { gantryArguments, type GantryExecutorOptions } from './gantry-arguments.ts';

const OPTIONS = { entry: 'src/app.ts', manifest: 'dist/gantry' };

test.each<[Partial<GantryExecutorOptions> & Pick<GantryExecutorOptions, 'command'>, string[]]>([
  [{ command: 'build' }, ['build', 'src/app.ts', '--out', 'dist/gantry']],
  [{ command: 'deploy' }, ['deploy', '--manifest', 'dist/gantry']],
  [{ command: 'serve' }, ['serve', 'src/app.ts']],
  [{ command: 'run' }, ['run', 'src/app.ts']],
  [{ command: 'run', function: 'Greeter.greet' }, ['run', 'src/app.ts::Greeter.greet']],
])('%o becomes one argument each', (options, expected) => {
  expect(gantryArguments({ ...OPTIONS, ...options })).toEqual(expected);
});

test('passes on what the command line added, in order and unchanged', () => {
  const added = ['--n', '5', '--name=a b; rm -rf', '--no-loud'];

  expect(gantryArguments({ ...OPTIONS, command: 'run', __unparsed__: added })).toEqual([
    'run',
    'src/app.ts',
    ...added,
  ]);
});

test.each([[['--function', 'main', '--n', '5']], [['--n', '5', '--function=main', '--entry=src/app.ts']]])(
  'does not pass on its own options in %j',
  (unparsed) => {
    const options = { ...OPTIONS, command: 'run', function: 'main', __unparsed__: unparsed } as const;

    expect(gantryArguments(options)).toEqual(['run', 'src/app.ts::main', '--n', '5']);
  },
);
