import { parseText, type ParameterSpec, type TypeSpec } from '@gantry/protocol';

import { missing, type FieldProblem } from './field-problem.ts';

/**
 * Reads one argument from text values of the same name: query parameters or form fields.
 *
 * Absent and optional gives undefined, so that the method's own default applies.
 */
export function readTextArgument(
  parameter: ParameterSpec,
  texts: readonly string[],
  report: { place: string; problems: FieldProblem[] },
): unknown {
  const { name, type, optional } = parameter;
  const isList = type.type === 'array';
  if (texts.length === 0) {
    if (!optional && !parameter.rest) report.problems.push(missing(report.place, name));
    return undefined;
  }
  if (!isList)
    return readText(texts.at(-1) ?? '', type, { loc: [report.place, name], problems: report.problems });
  return texts.map((text, index) =>
    readText(text, type.items, { loc: [report.place, name, index], problems: report.problems }),
  );
}

function readText(
  text: string,
  type: TypeSpec,
  at: { loc: (string | number)[]; problems: FieldProblem[] },
): unknown {
  const parsed = parseText(text, type);
  if (parsed.ok) return parsed.value;
  at.problems.push({ loc: at.loc, msg: parsed.message, type: parsed.kind });
  return undefined;
}

/** Reads an object whose fields are query parameters, or of a form, as plain data for the class to be built from. */
export function readTextFields(
  fields: readonly ParameterSpec[],
  texts: URLSearchParams,
  report: { place: string; problems: FieldProblem[] },
): Record<string, unknown> {
  if (fields.length === 0) return Object.fromEntries(texts);
  const plain: Record<string, unknown> = {};
  for (const field of fields) {
    // Whether an absent field is a mistake shows only once the class has filled in its defaults.
    const optional = { ...field, optional: true };
    const value = readTextArgument(optional, texts.getAll(field.name), report);
    if (value !== undefined) plain[field.name] = value;
  }
  return plain;
}
