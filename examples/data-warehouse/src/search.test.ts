import { describe, expect, it } from 'vitest';

import { parseModel } from './models.ts';
import { passagesOf, search } from './search.ts';

const daily = {
  model: parseModel('daily', '-- Trips of each day.\nselect 1'),
  rows: 1_460,
  sample: [{ day: 'x' }],
};
const zones = {
  model: parseModel('zones', "-- What each zone brings in.\nfrom {{ ref('daily') }}"),
  rows: 4,
  sample: [],
};
const passages = passagesOf([daily, zones]);

describe('a search', () => {
  it('finds what holds the rarest words of the question first', () => {
    expect(search(passages, 'What do the zones bring in?')[0]).toMatchObject({
      page: 'zones',
      text: 'What each zone brings in.',
    });
    expect(search(passages, 'which columns are in daily')[0]?.text).toBe('daily has the columns day.');
    expect(search(passages, 'what is zones made from?')[0]?.text).toBe(
      'zones has 4 rows and is made from daily.',
    );
  });

  it('finds nothing where no word is known, nor in nothing', () => {
    expect(search(passages, 'ünknown')).toEqual([]);
    expect(search([], 'zones')).toEqual([]);
  });
});
