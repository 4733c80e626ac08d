import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { FIXED, type Prices, costs, table } from '../lib/costs.ts';
import { all, synth } from './support.ts';

const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const prices = JSON.parse(read('../prices.json')) as Prices;

test('the guide has the cost table and its date', () => {
  const guide = read('../../docs/deploy.md');
  expect(guide).toContain(table(prices));
  expect(guide).toContain(prices.asOf);
});

test('the cost model counts every metric that an alarm watches', () => {
  const metrics = all(synth(), 'AWS::CloudWatch::Alarm').flatMap((alarm) => alarm.Metrics?.filter((one: any) => one.MetricStat) ?? [alarm]);
  expect(metrics).toHaveLength(FIXED.alarmMetrics);
});

test('the cost model counts the secrets', () => {
  expect(all(synth(), 'AWS::SecretsManager::Secret')).toHaveLength(FIXED.secrets);
});

test('each price tier applies to its own range only', () => {
  const labels = (pictures: number) => costs(prices, pictures)[0]!.usd;
  expect(labels(1000)).toBeCloseTo(1);
  expect(labels(1_000_000)).toBeCloseTo(1000);
  expect(labels(2_000_000)).toBeCloseTo(1800);
  expect(labels(100_000_000)).toBeCloseTo(1000 + 4 * 800 + 30 * 600 + 65 * 250);
});

test('label prices match the ones in result documents', () => {
  const documents = JSON.parse(read('../../crates/pipeline/src/recognition/prices.json')) as { asOf: string; usdPerMillionImages: Record<string, number> };
  expect(prices.asOf).toBe(documents.asOf);
  expect(prices.rekognition.labels[0]![1] * 1e6).toBeCloseTo(documents.usdPerMillionImages.generalLabels!);
  expect(prices.rekognition.imageProperties[0]![1] * 1e6).toBeCloseTo(documents.usdPerMillionImages.imageProperties!);
});
