import { describe, expect, it } from 'vitest';

import { type ThisProcess, useLittleMemory } from './small-memory.ts';

describe('a program that shall use little memory', () => {
  const startedBy = (change: Partial<ThisProcess>) => {
    const starts: { args: readonly string[]; env: Record<string, string> }[] = [];
    useLittleMemory({
      ...{
        execPath: '/bin/node',
        execArgv: [],
        argv: ['/bin/node', 'cli.mjs', 'gateway'],
        env: { HOME: '/root' },
      },
      execve: (_file, args, env) => void starts.push({ args, env }),
      ...change,
    });
    return starts;
  };

  it('starts itself again, once, with its own arguments and environment', () => {
    const [first] = startedBy({ execArgv: ['--no-warnings'] });
    expect(first?.args.slice(0, 2)).toEqual(['/bin/node', '--no-warnings']);
    expect(first?.args.slice(-2)).toEqual(['cli.mjs', 'gateway']);
    expect(first?.args).toContain('--max-semi-space-size=4');
    expect(first?.env).toMatchObject({ HOME: '/root', MALLOC_ARENA_MAX: '2' });
    expect(startedBy({ execArgv: first?.args.slice(1, -2) ?? [] })).toEqual([]);
  });

  it('leaves it to the operator who set limits', () => {
    expect(startedBy({ execArgv: ['--max-semi-space-size=32'] })).toEqual([]);
    expect(startedBy({ env: { NODE_OPTIONS: '--max_semi_space_size=32' } })).toEqual([]);
    expect(startedBy({ env: { MALLOC_ARENA_MAX: '8' } })[0]?.env['MALLOC_ARENA_MAX']).toBe('8');
  });

  it('goes on as it is where no program can become another', () => {
    expect(startedBy({ execve: undefined })).toEqual([]);
  });
});
