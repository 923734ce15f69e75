/** The OpenAPI 3.1 document, generated from the table of routes and their schemas. Pure. */
import { z } from 'zod';
import { PROTOCOL_VERSION } from '../../wire/topics.ts';
import type { AnswerDoc, Route } from './route.ts';
import { type SchemaName, schemas } from './schemas.ts';

type Json = Record<string, unknown>;

const TAGS = {
  deploy: 'Plan and deploy flows.',
  applications: 'What runs, and its life.',
  gateways: 'The fleet.',
  operations: 'Long work, and live events.',
  dag: "ECHO's original face.",
  orchestrator: 'The orchestrator itself.',
};

export function openApiDocument(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = openApiPath(route.path);
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'ECHO',
      version: `${PROTOCOL_VERSION}.0`,
      summary: 'One Node-RED flow over many gateways.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{}, { bearer: [] }, { key: [] }, { basic: [] }],
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        basic: { type: 'http', scheme: 'basic' },
      },
      responses: {
        Problem: { description: 'Refused, with what, where and what to do.', content: problemContent },
        Accepted: {
          description: 'The work goes on; `Location` says where to look.',
          headers: { Location: { schema: { type: 'string' } } },
          content: { 'application/json': { schema: ref('Operation') } },
        },
      },
    },
  };
}

export const openApiPath = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

function operation(route: Route): Json {
  const errors =
    route.errors === undefined ? '' : `Errors: ${route.errors.map((code) => `\`${code}\``).join(', ')}.`;
  const description = [route.description, errors, route.long ? LONG : undefined].filter(Boolean).join('\n\n');
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    ...(description === '' ? {} : { description }),
    ...(route.open ? { security: [] } : {}),
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.bodySchema === undefined ? {} : { requestBody: requestBody(route, route.bodySchema) }),
    responses: responses(route),
  };
}

const LONG =
  'May take seconds. `Prefer: respond-async` (or `?async=1`) answers 202 at once. `Accept: application/x-ndjson` ' +
  'answers lines: `{"type":"progress","progress":…}` while it goes on, then `{"type":"result","status":…,"result":…}` ' +
  'or `{"type":"error","problem":…}`.';

/** `POST /api/v1/apps/:id/stop` → `postAppsIdStop`. */
function operationId({ method, path }: Route): string {
  const words = path.replace('/api/v1', '').match(/\w+/g) ?? [];
  return method + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
}

function parameters(schema: z.ZodObject | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => {
    const {
      description,
      $schema: _,
      ...json
    } = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' });
    const required = place === 'path' || !field.safeParse(undefined).success;
    return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: json };
  });
}

function requestBody({ bodyOptional }: Route, schema: SchemaName): Json {
  return { required: !bodyOptional, content: { 'application/json': { schema: ref(schema) } } };
}

function responses(route: Route): Json {
  const out: Json = {};
  for (const [status, answer] of Object.entries(route.answers))
    out[status] = response(Number(status), answer, route.long === true);
  if (route.long) out['202'] = { $ref: '#/components/responses/Accepted' };
  out.default = { $ref: '#/components/responses/Problem' };
  return out;
}

function response(status: number, { description, schema, list, type }: AnswerDoc, long: boolean): Json {
  if (status === 204) return { description };
  if (schema === 'ProblemDocument') return { description, content: problemContent };
  const shape = schema === undefined ? {} : list ? { type: 'array', items: ref(schema) } : ref(schema);
  const content: Json = {
    [type ?? 'application/json']: { schema: type === undefined ? shape : { type: 'string' } },
  };
  if (long) content['application/x-ndjson'] = { schema: { type: 'string' } };
  return { description, content };
}

const ref = (name: SchemaName): Json => ({ $ref: `#/components/schemas/${name}` });
const problemContent: Json = { 'application/problem+json': { schema: ref('ProblemDocument') } };

function componentSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of Object.entries(schemas)) registry.add(schema, { id: name });
  const generated = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    io: 'input',
    unrepresentable: 'any',
  });
  return Object.fromEntries(
    Object.entries(generated.schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  );
}
