import type { FleetContainer } from './fleet-container.ts';

/** Containers of one gang that are known. */
interface Gang<T> {
  size: number;
  members: Map<string, T>;
  /** Its leader ended as it was to: the others are to follow, and need not be killed. */
  isOver: boolean;
}

/** Which containers belong together. */
export class Gangs<T extends FleetContainer> {
  readonly #gangs = new Map<string, Gang<T>>();
  /** Those that lack somebody. */
  readonly #short = new Set<string>();

  add(container: T): void {
    if (!container.gang) return;
    const { leader, size } = container.gang;
    let gang = this.#gangs.get(leader);
    if (!gang) this.#gangs.set(leader, (gang = { size, members: new Map(), isOver: false }));
    gang.members.set(container.containerId, container);
    this.#count(leader, gang);
  }

  remove(container: T): void {
    const leader = container.gang?.leader;
    const gang = leader === undefined ? undefined : this.#gangs.get(leader);
    if (leader === undefined || !gang) return;
    gang.members.delete(container.containerId);
    this.#count(leader, gang);
  }

  /** Its leader ends without need, and the others after it. */
  noteOver(leader: string): void {
    const gang = this.#gangs.get(leader);
    if (gang) gang.isOver = true;
  }

  /** All of the gang that a container is in, or that container alone. */
  of(container: T): Iterable<T> {
    const gang = container.gang && this.#gangs.get(container.gang.leader);
    return gang ? gang.members.values() : [container];
  }

  leaderOf(container: T): T | undefined {
    const { gang } = container;
    return gang ? this.#gangs.get(gang.leader)?.members.get(gang.leader) : container;
  }

  /** What is left of gangs that lack somebody. Each is named once, and again when another one is gone. */
  takeShort(): { left: T[]; isOver: boolean; reason: string }[] {
    const taken = [...this.#short].flatMap((leader) => this.#gangs.get(leader) ?? []);
    this.#short.clear();
    return taken.map(({ size, members, isOver }) => {
      const left = [...members.values()];
      const ranks = new Set(left.map(({ gang }) => gang?.rank));
      const gone = Array.from({ length: size }, (_, rank) => rank).filter((rank) => !ranks.has(rank));
      const reason = `of its gang of ${size}, ${gone.length === 1 ? 'rank' : 'ranks'} ${gone.join(', ')} ended, or was lost`;
      return { left, isOver, reason };
    });
  }

  #count(leader: string, { size, members }: Gang<T>): void {
    if (members.size === 0) this.#gangs.delete(leader);
    if (members.size === 0 || members.size === size) this.#short.delete(leader);
    else this.#short.add(leader);
  }
}
