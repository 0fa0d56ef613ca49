import { rulesOf, type Rule } from './validation.ts';

type Schema = Record<string, unknown>;

/** Rules of class-validator as JSON Schema says the same, by their names. Others say nothing that it could. */
const KEYWORDS: Record<string, (...constraints: unknown[]) => Schema> = {
  min: (minimum) => ({ minimum }),
  max: (maximum) => ({ maximum }),
  isPositive: () => ({ exclusiveMinimum: 0 }),
  isNegative: () => ({ exclusiveMaximum: 0 }),
  isDivisibleBy: (multipleOf) => ({ multipleOf }),
  isInt: () => ({ type: 'integer' }),
  isNotEmpty: () => ({ minLength: 1 }),
  minLength: (minLength) => ({ minLength }),
  maxLength: (maxLength) => ({ maxLength }),
  isLength: (minLength, maxLength) => ({ minLength, ...(maxLength === undefined ? {} : { maxLength }) }),
  matches: (pattern) => (pattern instanceof RegExp ? { pattern: pattern.source } : {}),
  isEmail: () => ({ format: 'email' }),
  isUrl: () => ({ format: 'uri' }),
  isUuid: () => ({ format: 'uuid' }),
  isDateString: () => ({ format: 'date-time' }),
  isIso8601: () => ({ format: 'date-time' }),
  isIn: (values) => ({ enum: values }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayMinSize: (minItems) => ({ minItems }),
  arrayMaxSize: (maxItems) => ({ maxItems }),
  arrayUnique: () => ({ uniqueItems: true }),
};

/** The schema of a field, with what the rules of its class say of it. */
export function withRules(schema: Schema, target: unknown, property: string): Schema {
  let told = schema;
  for (const rule of rulesOf(target, property)) {
    const { items } = told;
    // A rule for each item of a list is one for its items.
    if (rule.each && typeof items === 'object' && items)
      told = { ...told, items: { ...items, ...keywordsOf(rule, items) } };
    else if (!rule.each) told = { ...told, ...keywordsOf(rule, told) };
  }
  return told;
}

function keywordsOf({ name, constraints }: Rule, schema: object): Schema {
  // A reference is to a class, which has rules of its own.
  if (name === undefined || '$ref' in schema || !Object.hasOwn(KEYWORDS, name)) return {};
  const keywords = KEYWORDS[name]?.(...(constraints ?? [])) ?? {};
  const isOfText = 'minLength' in keywords && 'type' in schema && schema.type !== 'string';
  return isOfText ? {} : keywords;
}
