import { onePerGateway } from '../injection.ts';

/** Upper ends in seconds, as request durations are spread. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150];

/** A number that is looked up when it is asked for, or several under labels, such as `gpu="0"`; left out if there are none. */
export interface Gauge {
  name: string;
  help: string;
  read(): number | readonly (readonly [labels: string, value: number])[];
}

/** Counts requests, for `/metrics`. Names no app. */
@onePerGateway()
export class RequestMetrics {
  readonly #byStatus = new Map<number, number>();
  readonly #counts = BUCKETS.map(() => 0);
  readonly #gauges: Gauge[] = [];
  #requests = 0;
  #sumSeconds = 0;
  #open = 0;

  addGauge(gauge: Gauge): void {
    this.#gauges.push(gauge);
  }

  begin(): void {
    this.#open += 1;
  }

  end(status: number, durationMs: number): void {
    const seconds = durationMs / 1_000;
    this.#open -= 1;
    this.#requests += 1;
    this.#sumSeconds += seconds;
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
    const bucket = BUCKETS.findIndex((end) => seconds <= end);
    if (bucket >= 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** In the text format of Prometheus. */
  render(): string {
    const lines: string[] = [];
    const metric = (name: string, type: string, help: string): void => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    };
    metric('gantry_gateway_requests_total', 'counter', 'Requests that have ended, by status.');
    for (const [status, count] of [...this.#byStatus].sort(([left], [right]) => left - right)) {
      lines.push(`gantry_gateway_requests_total{status="${status}"} ${count}`);
    }
    const duration = 'gantry_gateway_request_duration_seconds';
    metric(duration, 'histogram', 'How long requests took, from their head to the end of the answer.');
    let below = 0;
    for (const [index, end] of BUCKETS.entries()) {
      below += this.#counts[index] ?? 0;
      lines.push(`${duration}_bucket{le="${end}"} ${below}`);
    }
    lines.push(`${duration}_bucket{le="+Inf"} ${this.#requests}`);
    lines.push(`${duration}_sum ${this.#sumSeconds}`, `${duration}_count ${this.#requests}`);
    const open = {
      name: 'gantry_gateway_requests_open',
      help: 'Requests that run or wait.',
      read: () => this.#open,
    };
    for (const { name, help, read } of [open, ...this.#gauges]) {
      const value = read();
      const samples =
        typeof value === 'number'
          ? [[name, value]]
          : value.map(([labels, each]) => [`${name}{${labels}}`, each]);
      if (samples.length > 0) metric(name, 'gauge', help);
      for (const [sample, each] of samples) lines.push(`${sample} ${each}`);
    }
    return `${lines.join('\n')}\n`;
  }
}
