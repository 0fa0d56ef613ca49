/** Script of the documentation page; `API` is the OpenAPI document. Runs in browsers, hence plain JavaScript. */
export const DOCS_SCRIPT = String.raw`
(() => {
  'use strict';
  const path = Object.keys(API.paths)[0];
  const verb = Object.keys(API.paths[path])[0];
  const operation = API.paths[path][verb];
  const body = operation.requestBody;
  const bodyType = body && Object.keys(body.content)[0];
  const bodySchema = body && resolve(body.content[bodyType].schema);

  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === 'on') for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
      else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? '' : value);
    }
    node.append(...children.filter((child) => child !== undefined && child !== ''));
    return node;
  }
  function resolve(schema) {
    return schema.$ref ? API.components.schemas[schema.$ref.split('/').pop()] : schema;
  }
  function typeName(schema) {
    if (schema.$ref) return schema.$ref.split('/').pop();
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
    if (schema.anyOf) return schema.anyOf.map(typeName).join(' | ');
    if (schema.prefixItems) return '[' + schema.prefixItems.map(typeName).join(', ') + ']';
    if (schema.type === 'array') {
      const item = typeName(schema.items || {});
      return (item.includes(' | ') ? '(' + item + ')' : item) + '[]';
    }
    if (schema.additionalProperties && !schema.properties) return 'map of ' + typeName(schema.additionalProperties);
    return schema.format || (schema.contentEncoding ? 'base64' : schema.type) || 'any';
  }
  function limits(schema) {
    const least = schema.minimum ?? schema.minLength ?? schema.minItems;
    const most = schema.maximum ?? schema.maxLength ?? schema.maxItems;
    const one = (most ?? least) === 1 ? '' : 's';
    const unit = schema.type === 'array' ? ' item' + one : schema.type === 'string' ? ' character' + one : '';
    const pattern = schema.pattern === undefined ? '' : ', /' + schema.pattern + '/';
    if (least === undefined && most === undefined) return pattern;
    if (most === undefined) return ', at least ' + least + unit + pattern;
    return ', ' + (least === undefined ? 'at most ' + most : least + ' to ' + most) + unit + pattern;
  }
  const EXAMPLES = { 'date-time': new Date(0).toISOString(), email: 'ada@example.org', uri: location.origin + '/' };
  function example(schema, depth) {
    if (schema.default !== undefined) return schema.default;
    const real = resolve(schema);
    if (real.enum) return real.enum[0];
    if (EXAMPLES[real.format]) return EXAMPLES[real.format];
    switch (real.type) {
      case 'integer': case 'number': return real.minimum ?? (real.exclusiveMinimum === 0 ? 1 : 0);
      case 'boolean': return false;
      case 'string': return 'string'.padEnd(real.minLength ?? 0, '.').slice(0, real.maxLength);
      case 'array': return depth > 4 ? [] : [example(real.items, depth + 1)];
      default: {
        if (depth > 4) return {};
        const fields = Object.entries(real.properties || {});
        return Object.fromEntries(fields.map(([name, field]) => [name, example(field, depth + 1)]));
      }
    }
  }

  function row(name, schema, required, description) {
    const fallback = schema.default === undefined ? '' : ' = ' + JSON.stringify(schema.default);
    return el('div', { class: 'row' },
      el('span', { class: 'name' }, name, required ? el('i', { title: 'required' }, '*') : ''),
      el('span', {}, el('span', { class: 'type' }, typeName(schema) + limits(schema) + fallback),
        description ? el('div', { class: 'soft' }, description) : ''));
  }
  function fieldRows(schema) {
    const required = new Set(schema.required || []);
    return Object.entries(schema.properties || {})
      .map(([name, field]) => row(name, field, required.has(name), field.description));
  }
  function card(title, ...children) {
    return children.length ? el('section', {}, el('h2', {}, title), ...children) : '';
  }

  function inputFor(schema, required) {
    if (schema.enum || schema.type === 'boolean') {
      const values = schema.enum || ['true', 'false'];
      const options = values.map((value) => el('option', { selected: value === schema.default }, String(value)));
      return el('select', {}, required ? '' : el('option', { value: '' }, ''), ...options);
    }
    if (schema.format === 'binary') return el('input', { type: 'file' });
    if (schema.type === 'array' && schema.items.format === 'binary') return el('input', { type: 'file', multiple: true });
    const value = schema.default === undefined ? undefined : String(schema.default);
    return el('input', { placeholder: typeName(schema), spellcheck: 'false', value });
  }
  function labelled(name, required, input) {
    return el('label', {}, el('span', { class: 'name' }, name, required ? el('i', {}, '*') : ''), input);
  }

  const inputs = operation.parameters.map((parameter) => ({
    name: parameter.name, in: parameter.in, list: parameter.schema.type === 'array', required: parameter.required,
    input: inputFor(parameter.schema, parameter.required),
  }));
  const formInputs = bodyType === 'multipart/form-data'
    ? Object.entries(bodySchema.properties || {}).map(([name, schema]) => {
        const required = (bodySchema.required || []).includes(name);
        return { name, required, input: inputFor(schema, required) };
      })
    : [];
  const bodyInput = bodyType === 'application/json'
    ? el('textarea', { spellcheck: 'false' })
    : bodyType === 'application/octet-stream' ? el('input', { type: 'file' }) : undefined;
  if (bodyType === 'application/json') bodyInput.value = JSON.stringify(example(body.content[bodyType].schema, 0), null, 2);

  function address() {
    const query = new URLSearchParams();
    let filled = path;
    for (const { name, input, list, in: place } of inputs) {
      if (place === 'path') filled = filled.replace('{' + name + '}', encodeURIComponent(input.value));
      if (place !== 'query') continue;
      const values = list ? input.value.split(',') : [input.value];
      for (const value of values) if (value !== '') query.append(name, value.trim());
    }
    return filled + (query.size ? '?' + query : '');
  }
  const isFilledHeader = (parameter) => parameter.in === 'header' && parameter.input.value !== '';
  function requestOptions() {
    const options = { method: verb.toUpperCase(), headers: {} };
    for (const { name, input } of inputs.filter(isFilledHeader)) options.headers[name] = input.value;
    if (bodyType === 'application/json') {
      if (bodyInput.value.trim() !== '') {
        options.body = bodyInput.value;
        options.headers['content-type'] = bodyType;
      }
    } else if (bodyType === 'multipart/form-data') {
      options.body = new FormData();
      for (const { name, input } of formInputs) {
        if (input.type !== 'file') { if (input.value !== '') options.body.append(name, input.value); }
        else for (const file of input.files) options.body.append(name, file);
      }
    } else if (bodyInput) {
      options.body = bodyInput.files[0];
    }
    return options;
  }

  const result = el('div', {});
  const button = el('button', { type: 'submit' }, 'Send request');
  async function send(event) {
    event.preventDefault();
    button.disabled = true;
    const started = performance.now();
    const output = el('pre', {}, '…');
    const status = el('div', { class: 'status' }, el('span', { class: 'soft' }, 'waiting'));
    result.replaceChildren(status, output);
    try {
      const response = await fetch(address(), requestOptions());
      const showStatus = (suffix) => status.replaceChildren(
        el('span', { class: response.ok ? 'good' : 'bad' }, response.status + ' ' + response.statusText),
        el('span', { class: 'soft' }, Math.round(performance.now() - started) + ' ms' + suffix));
      showStatus(' so far');
      output.textContent = await readBody(response, output);
      showStatus('');
    } catch (error) {
      output.textContent = String(error);
      output.className = 'bad';
    } finally {
      button.disabled = false;
    }
  }
  async function readBody(response, output) {
    const reader = response.body && response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (let step; reader && !(step = await reader.read()).done;) output.textContent = (text += step.value);
    try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
  }

  const [answerType, answer] = Object.entries(operation.responses['200'].content)[0];
  const answerSchema = answer.schema && resolve(answer.schema);
  const answerRows = answerSchema ? fieldRows(answerSchema) : [];

  const classes = Object.entries(API.components.schemas)
    .filter(([name, schema]) => name !== 'ValidationError' && name !== 'HTTPValidationError' && schema !== bodySchema && schema !== answerSchema);
  const curl = () => {
    const line = ['curl -X ' + verb.toUpperCase() + " '" + location.origin + address() + "'"];
    for (const { name, input } of inputs.filter(isFilledHeader)) line.push("-H '" + name + ': ' + input.value.replaceAll("'", "'\\''") + "'");
    if (bodyType === 'application/json') {
      line.push("-H 'content-type: application/json'", "-d '" + bodyInput.value.replace(/\s*\n\s*/g, ' ').replaceAll("'", "'\\''") + "'");
    }
    return line.join(' \\\n  ');
  };
  const command = el('pre', {}, curl());

  const form = el('form', { on: { submit: send, input: () => { command.textContent = curl(); } } },
    ...inputs.map(({ name, required, input }) => labelled(name, required, input)),
    ...formInputs.map(({ name, required, input }) => labelled(name, required, input)),
    bodyInput ? labelled('body', body.required, bodyInput) : '', button, result);

  document.getElementById('page').replaceChildren(
    el('header', {}, el('h1', {}, API.info.title),
      API.info.description ? el('p', { class: 'soft' }, API.info.description) : '',
      el('div', { class: 'route' }, el('span', { class: 'verb' }, verb.toUpperCase()),
        el('code', {}, location.origin + path), el('a', { href: '/openapi.json' }, 'openapi.json'))),
    el('div', { class: 'grid' },
      el('div', {},
        ...[['Path', 'path'], ['Query', 'query'], ['Headers', 'header']].map(([title, place]) => card(title,
          ...operation.parameters.filter((p) => p.in === place).map((p) => row(p.name, p.schema, p.required, p.description)))),
        body ? card('Body · ' + bodyType, ...(fieldRows(bodySchema).length ? fieldRows(bodySchema)
          : [el('span', { class: 'type' }, typeName(body.content[bodyType].schema))])) : '',
        card('Answer · ' + answerType, ...(answerRows.length ? answerRows
          : [el('span', { class: 'type' }, answer.schema ? typeName(answer.schema) : 'bytes')])),
        ...classes.map(([name, schema]) => card(name, ...fieldRows(schema))),
        card('From a terminal', command)),
      card('Try it', form)));
})();
`;
