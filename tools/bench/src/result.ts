/** One line of the benchmark table. */
export interface BenchResult {
  name: string;
  unit: string;
  value: number;
  /** What the value is held against, measured in the same run. */
  baseline: string;
  baselineValue: number;
  /** `value / baselineValue`. */
  ratio: number;
  /** Bound on the ratio, such as `<= 1.5`; on the value for `baseline: 'none'`; `none` if it is only reported. */
  target: string;
  ok: boolean;
}

export interface Measurement {
  name: string;
  unit: string;
  value: number;
  baseline: string;
  baselineValue: number;
}

const NO_TARGET = 'none';

/** Judges a measurement by the ratio to its baseline. */
export function judge(measurement: Measurement, bound: '<=' | '>=', limit: number): BenchResult {
  const ratio = measurement.value / measurement.baselineValue;
  const ok = bound === '<=' ? ratio <= limit : ratio >= limit;
  return { ...measurement, ratio, target: `ratio ${bound} ${limit}`, ok };
}

/** Reports a measurement beside its baseline, without a target. */
export function report(measurement: Measurement): BenchResult {
  return {
    ...measurement,
    ratio: measurement.value / measurement.baselineValue,
    target: NO_TARGET,
    ok: true,
  };
}

/** Judges a value by a fixed limit; the limit stands in for the baseline. */
export function judgeLimit(
  measured: Pick<Measurement, 'name' | 'unit' | 'value'>,
  limit: number,
): BenchResult {
  const { value } = measured;
  return {
    ...measured,
    baseline: 'limit',
    baselineValue: limit,
    ratio: value / limit,
    target: `value < ${limit}`,
    ok: value < limit,
  };
}

/** The table that `npm run bench` prints. */
export function formatTable(results: readonly BenchResult[]): string {
  const head = ['benchmark', 'gantry', 'unit', 'baseline', 'value', 'ratio', 'target', ''];
  const rows = results.map((result) => [
    result.name,
    formatNumber(result.value),
    result.unit,
    result.baseline,
    formatNumber(result.baselineValue),
    result.ratio.toFixed(2),
    result.target,
    result.target === NO_TARGET ? '' : result.ok ? 'ok' : 'MISSED',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function formatNumber(value: number): string {
  if (value >= 100) return Math.round(value).toString();
  return value.toPrecision(3);
}
