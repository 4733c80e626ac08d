// @ts-check
/** A result document in a few words, on the screen and for screen readers. */

import { LIMITS } from './error-messages.js';
import { groupsOf } from './findings.js';
import { count, sentence, shorten } from './format.js';
import { tellingLabels } from './result.js';

/** @typedef {import('./api-types.js').ResultDocument} ResultDocument */

/** @type {Record<string, string>} */
const TEXT_OF = { DailyLimitReached: LIMITS.service, OwnerDailyLimitReached: LIMITS.owner };

/** How many labels are named. */
const MAX_NAMES = 3;

/**
 * The findings on one line, such as `Person, Car, Tree + 1`.
 * @param {ResultDocument | null} document
 */
export function summaryLine(document) {
  const parts = document ? phrases(document, (more) => ` + ${more}`) : [];
  if (parts.length === 0) parts.push('No results');
  if (document?.status === 'partial') parts.push('partially analysed');
  return parts.join(' · ');
}

/**
 * The findings as phrases to be read aloud.
 * @param {ResultDocument} document
 * @returns {string[]} empty when there are no findings
 */
export function spokenSummary(document) {
  return phrases(document, (more) => ` and ${more} more`);
}

/**
 * Why a document is incomplete or has no results.
 * @param {ResultDocument} document
 * @returns {{title: string, reasons: {analysis?: string, text: string}[]}}
 */
export function failureReasons({ status, errors = [] }) {
  const reasons = errors.map(({ analysis, code, message }) => ({ analysis, text: TEXT_OF[code] ?? sentence(message) }));
  if (status === 'partial') return { title: 'Partially analysed', reasons };
  return {
    title: 'This picture could not be analysed',
    reasons: reasons.length > 0 ? reasons : [{ text: 'The result gives no reason. Try another picture.' }],
  };
}

/**
 * Unsafe content comes first, because the end of a line may be cut off.
 * @param {ResultDocument} document
 * @param {(more: number) => string} andMore says how many names are left out
 * @returns {string[]}
 */
function phrases(document, andMore) {
  const groups = groupsOf(document);
  const findingsOf = (/** @type {string} */ id) => groups.find((group) => group.id === id)?.findings ?? [];
  const phrase = (/** @type {readonly {name: string}[]} */ findings, prefix = '', max = 1) => {
    const names = [...new Set(findings.map(({ name }) => shorten(name)))];
    return names.length > 0 && `${prefix}${names.slice(0, max).join(', ')}${names.length > max ? andMore(names.length - max) : ''}`;
  };

  const unsafe = findingsOf('moderation');
  // The most specific names say the most; Rekognition returns their parents as well.
  const parents = new Set(unsafe.flatMap(({ facts }) => facts.flatMap(({ values }) => values)));
  const named = [...tellingLabels(document).map((name) => ({ name })), ...findingsOf('custom'), ...findingsOf('celebrities')];
  const faces = findingsOf('faces').length;
  const people = findingsOf('equipment').length;
  return [
    phrase(unsafe.filter(({ name }) => !parents.has(name)), 'Unsafe: '),
    phrase(named, '', MAX_NAMES),
    ...(named.length > 0 ? [] : [faces > 0 && count(faces, 'face'), phrase(findingsOf('text'), 'Text: '), people > 0 && count(people, 'person', 'people')]),
  ].filter((part) => part !== false);
}
