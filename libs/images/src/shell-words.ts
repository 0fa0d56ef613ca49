/** One word for a POSIX shell. */
export function quote(text: string): string {
  if (/^[\w@%+=:,./^~-]+$/.test(text) && !text.startsWith('~')) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
