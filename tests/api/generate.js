/** Writes the types of the API to `generated/api.d.ts`, from its OpenAPI document: `node generate.js OPENAPI_JSON_OR_URL`. */

import { mkdirSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error('usage: generate.js OPENAPI_JSON_OR_URL');
const folder = new URL('generated/', import.meta.url);
mkdirSync(folder, { recursive: true });
const url = new URL(source, new URL('./', `file://${process.cwd()}/`));
writeFileSync(new URL('api.d.ts', folder), astToString(await openapiTS(url)));
