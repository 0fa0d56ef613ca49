import { describe, expect, it } from 'vitest';

import { InputSlots } from './input-slots.ts';

describe('input slots', () => {
  it('let in as many as there are places, and the others in their order', () => {
    const slots = new InputSlots(2);
    const entered: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) slots.enter(() => entered.push(name));
    expect(entered).toEqual(['a', 'b']);
    slots.leave();
    expect(entered).toEqual(['a', 'b', 'c']);
    slots.leave();
    slots.leave();
    slots.enter(() => entered.push('e'));
    expect(entered).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
