import { describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { registeredApps } from './registry.ts';
import { Cron, Period } from './schedule.ts';

describe('Cron', () => {
  it('writes its fields and its zone into the manifest', () => {
    expect(new Cron(' 5  4 * * *').toJSON()).toEqual({ type: 'cron', expression: '5 4 * * *' });
    expect(new Cron('5 4 * * *', { timeZone: 'Asia/Tokyo' }).toJSON()).toMatchObject({
      timeZone: 'Asia/Tokyo',
    });
  });

  it.each([
    [() => new Cron('5 4 * *'), 'no cron expression with five fields'],
    [() => new Cron('@daily'), 'no cron expression with five fields'],
    [() => new Cron('5 4 * * *', { timeZone: 'Mars/Olympus' }), '"Mars/Olympus" is no time zone'],
    [() => new Cron('5 4 * * *', { timezone: 'UTC' } as object), 'there is no option "timezone"'],
  ])('refuses %s', (make, message) => {
    expect(make).toThrow(message);
  });
});

describe('Period', () => {
  it('writes the units that count, largest first', () => {
    expect(JSON.stringify(new Period({ seconds: 1.5, days: 1, hours: 0 }))).toBe(
      '{"type":"period","days":1,"seconds":1.5}',
    );
  });

  it.each([
    [() => new Period({}), 'at least one second'],
    [() => new Period({ days: 0, seconds: 0 }), 'at least one second'],
    [() => new Period({ seconds: 0.2 }), 'at least one second'],
    [() => new Period({ days: -1 }), 'days must be a whole number from 0, not -1'],
    [() => new Period({ hours: 1.5 }), 'hours must be a whole number from 0, not 1.5'],
    [() => new Period({ seconds: Infinity }), 'seconds must be a number from 0'],
    [() => new Period({ day: 1 } as object), 'there is no option "day"'],
  ])('refuses %s', (make, message) => {
    expect(make).toThrow(message);
  });
});

describe('the option schedule', () => {
  it('is recorded with the function', () => {
    const app = new App('scheduled');
    app.function({ name: 'f', schedule: new Period({ hours: 5 }) }, async () => undefined);
    const registered = registeredApps().at(-1)?.functions[0];
    expect(JSON.parse(JSON.stringify(registered?.options))).toMatchObject({
      schedule: { type: 'period', hours: 5 },
    });
  });

  it('is refused on classes', () => {
    const app = new App('scheduled-class');
    const decorate = app.cls({ schedule: new Period({ hours: 5 }) } as object);
    expect(() => decorate(class Job {})).toThrow('class "Job": a class cannot have a schedule');
  });

  it('takes nothing but a Cron or a Period', () => {
    const app = new App('scheduled-text');
    const options = { name: 'f', schedule: '0 8 * * *' as unknown as Cron };
    expect(() => app.function(options, async () => undefined)).toThrow('schedule must be a Cron or a Period');
  });
});
