// @ts-check
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';

const ROOT = new URL('../../../frontend/js/', import.meta.url);
const MODULES = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.js'));

/** The modules that each module imports. @type {Map<string, string[]>} */
const IMPORTS = new Map(MODULES.map((path) => [path, importsOf(path)]));

/** @param {string} path */
function importsOf(path) {
  const source = readFileSync(new URL(path, ROOT), 'utf8');
  return [...source.matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)';/gm)].map(([, target = '']) => posix.join(posix.dirname(path), target));
}

/**
 * The first cycle of imports that is reachable from a module.
 * @param {string} path
 * @param {readonly string[]} [route] the modules on the way to it
 * @returns {string[] | null}
 */
function cycleFrom(path, route = []) {
  if (route.includes(path)) return [...route.slice(route.indexOf(path)), path];
  for (const target of IMPORTS.get(path) ?? []) {
    const cycle = cycleFrom(target, [...route, path]);
    if (cycle) return cycle;
  }
  return null;
}

test('every imported module exists', () => {
  assert.ok(MODULES.length > 40);
  for (const [path, targets] of IMPORTS) assert.deepEqual(targets.filter((target) => !IMPORTS.has(target)), [], path);
});

test('modules do not import each other in a circle', () => {
  for (const path of ['upload/main.js', 'gallery/main.js', ...MODULES]) assert.equal(cycleFrom(path)?.join(' -> '), undefined);
});

test('shared modules do not import a page’s modules, nor one page the other’s', () => {
  for (const [path, targets] of IMPORTS) {
    const [folder = ''] = path.split('/');
    assert.deepEqual(targets.filter((target) => !target.startsWith(`${folder}/`) && !target.startsWith('shared/')), [], path);
  }
});
