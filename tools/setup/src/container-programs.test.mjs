import { afterEach, expect, test, vi } from 'vitest';
import { installWhatIsThere } from './container-programs.mjs';

afterEach(() => vi.restoreAllMocks());

/** As apt-get does it: all of them, or none. */
function system(known) {
  const calls = [];
  const installed = [];
  const install = async (...names) => {
    calls.push(names);
    if (!names.every((name) => known.includes(name))) throw new Error('Unable to locate package');
    installed.push(...names);
  };
  return { calls, installed, install };
}

test('packages are installed in one go', async () => {
  const { calls, install } = system(['a', 'b']);
  await installWhatIsThere(['a', 'b'], install);
  await installWhatIsThere([], install);
  expect(calls).toEqual([['a', 'b']]);
});

test('one that the system does not have keeps none of the others away, and is named', async () => {
  const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const { installed, install } = system(['a', 'c']);
  await installWhatIsThere(['a', 'b', 'c'], install);
  expect(installed).toEqual(['a', 'c']);
  expect(said.mock.calls.flat().join('')).toMatch(/b could not be installed.*Unable to locate package/);
});
