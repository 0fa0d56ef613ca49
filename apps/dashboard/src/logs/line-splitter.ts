/** Puts pieces of a stream together to lines. */
export class LineSplitter {
  #rest = '';

  /** The lines that are complete now, without their ends. */
  add(piece: string): string[] {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines;
  }
}
