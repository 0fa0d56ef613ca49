/** Entries that cannot be deployed, and what the refusal says. */
export const WRONG_SOURCES: Record<string, [source: string, message: string]> = {
  'syntax.ts': ['export const a = (', 'syntax error'],
  'empty.ts': ['', 'no app is made here'],
  'none.ts': ['export const a = 1;', 'no app is made here'],
  'two.ts': ['new App("a"); new App("b");', '2 apps are made here'],
  'name.ts': ['new App("bad\\nname");', String.raw`the app name "bad\nname" is not valid`],
  'throws.ts': ['new App("a"); throw new Error("at import");', 'at import'],
  'undefined.ts': ['new App("a"); throw undefined;', 'failed while it was loading'],
  'exits.ts': ['new App("a"); process.exit(0);', 'ended the process with code 0'],
  'waits.ts': ['new App("a"); await new Promise(() => {});', 'while it was loading'],
  'loops.ts': ['new App("a"); for (;;);', 'did not finish loading'],
  'noise.ts': [
    String.raw`new App("a"); process.stdout.write("\x1b[2J\x00\x07"); process.exit(3);`,
    'ended the process with code 3',
  ],
  'binary.ts': ['\u0000\u0001\uFFFD(', 'binary.ts'],
};
