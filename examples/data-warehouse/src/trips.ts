const ZONES = ['airport', 'centre', 'harbour', 'university'];

/** A query that makes the trips of a month: always the same ones, as many each day as the month says. */
export function tripsOf(month: string, perDay: number): string {
  if (!/^\d{4}-\d{2}$/.test(month)) throw new RangeError(`"${month}" is no month, such as 2026-01`);
  const zones = ZONES.map((zone) => `'${zone}'`).join(', ');
  return `
    select
      day + to_minutes(((n * 7919) % 1440)::bigint) as started_at,
      list_value(${zones})[1 + (n * 3 + dayofmonth(day)) % ${ZONES.length}] as zone,
      (400 + (n * 104729) % 2600)::integer as fare_cents
    from
      generate_series(date '${month}-01', last_day(date '${month}-01'), interval 1 day) as days(day),
      range(${perDay}) as trips(n)`;
}
