import ts from 'typescript';
import { describe, expect, test } from 'vitest';

import { findRegistrations, importedNames } from './registration-calls.ts';
import { injectSites } from './site-injection.ts';

const SDK = "import { App } from 'gantry';\n";

function inject(text: string): string | undefined {
  const source = ts.createSourceFile('app.ts', text, ts.ScriptTarget.ESNext, true);
  const calls = findRegistrations(source, importedNames(source));
  return injectSites(source, { calls, errorClasses: [], file: 'src/app.ts' })?.code;
}

describe('registrations', () => {
  test('get the constant they are assigned to, the file and the line', () => {
    expect(inject(`${SDK}const app = new App();\nexport const f = app.function({}, () => 1);`)).toContain(
      'app.function({}, () => 1, {"name":"f","file":"src/app.ts","line":3})',
    );
  });

  test('of a class get the name of the class', () => {
    expect(inject(`${SDK}@app.cls({ cpu: 1 })\nclass Ocr {}`)).toContain(
      '@app.cls({ cpu: 1 }, {"name":"Ocr","file":"src/app.ts","line":2})',
    );
  });

  test('without options keep the place of the options free', () => {
    expect(inject(`${SDK}@app.cls()\nclass Ocr {}`)).toContain('@app.cls(undefined, {"name":"Ocr"');
  });

  test('survive a trailing comma', () => {
    expect(inject(`${SDK}const f = app.function(\n  () => 1,\n);`)).toContain(
      '() => 1, {"name":"f","file":"src/app.ts","line":2},\n)',
    );
  });

  test('are found on an app of another module', () => {
    expect(
      inject("import { app } from './app.ts';\nexport const main = app.localEntrypoint(() => 1);"),
    ).toContain('"name":"main"');
  });

  test('without a name leave it out', () => {
    expect(inject(`${SDK}app.function(() => 1);`)).toContain('{"file":"src/app.ts","line":2}');
  });

  test('are not seen in calls on what a package exports', () => {
    expect(inject(`${SDK}import { it } from 'some-package';\nit.function(() => 1);`)).toBeUndefined();
  });

  test('are not seen in files that know neither the SDK nor an app', () => {
    expect(inject('const tool = make();\ntool.function(() => 1);')).toBeUndefined();
  });
});
