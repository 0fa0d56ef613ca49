import {
  WORKER_DEAD_AFTER_MS,
  type ContainerAddress,
  type TunnelRequest,
  type TunnelStatus,
  type WorkerStatus,
} from '@gantry/protocol';

/** A tunnel, and the container that it leads to. */
export interface KnownTunnel extends TunnelStatus {
  container: ContainerAddress;
}

export interface TunnelListener {
  /** It is there, or has got its port. */
  onChanged(tunnel: KnownTunnel): void;
  onClosed(name: string): void;
}

/** The tunnels that are open, as the workers' broadcasts tell. Those of silent workers are closed. */
export class TunnelDirectory {
  readonly #listener: TunnelListener;
  readonly #byName = new Map<string, KnownTunnel>();
  readonly #workers = new Map<string, { seenAtMs: number; names: Set<string> }>();

  constructor(listener: TunnelListener) {
    this.#listener = listener;
  }

  find(name: string): KnownTunnel | undefined {
    return this.#byName.get(name);
  }

  /** Takes over what a worker asks for: its next broadcast, which it sends right behind, says the same. */
  add({ tunnel, ...container }: TunnelRequest): KnownTunnel {
    const worker = this.#workers.get(container.workerId) ?? { seenAtMs: Date.now(), names: new Set() };
    this.#workers.set(container.workerId, worker);
    const known = { ...tunnel, container };
    worker.names.add(tunnel.name);
    this.#byName.set(tunnel.name, known);
    return known;
  }

  /** Takes over a worker's broadcast. */
  receive({ workerId, containers }: WorkerStatus, nowMs: number): void {
    const before = this.#workers.get(workerId)?.names ?? new Set();
    const names = new Set<string>();
    this.#workers.set(workerId, { seenAtMs: nowMs, names });
    for (const { containerId, httpSocketPath, tunnels = [] } of containers) {
      for (const tunnel of tunnels) {
        names.add(tunnel.name);
        this.#take({ ...tunnel, container: { workerId, containerId, httpSocketPath } });
      }
    }
    for (const name of before) if (!names.has(name)) this.#close(name);
  }

  /** Closes those of workers that have not been heard of for too long. */
  dropSilentWorkers(nowMs: number): void {
    for (const [workerId, { seenAtMs, names }] of this.#workers) {
      if (nowMs - seenAtMs <= WORKER_DEAD_AFTER_MS) continue;
      this.#workers.delete(workerId);
      for (const name of names) this.#close(name);
    }
  }

  #take(tunnel: KnownTunnel): void {
    const before = this.#byName.get(tunnel.name);
    this.#byName.set(tunnel.name, tunnel);
    if (!before || before.tcpPort !== tunnel.tcpPort) this.#listener.onChanged(tunnel);
  }

  #close(name: string): void {
    this.#byName.delete(name);
    this.#listener.onClosed(name);
  }
}
