import { expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';

it('knows carriers by their exact ids', () => {
  const carriers = bundledCarriers();
  expect([carriers.get('SF'), carriers.has('sf'), carriers.has('OTHER')]).toEqual(['顺丰速运', false, true]);
  for (const id of ['dao', '5Post', 'COMET-TECH']) expect(carriers.has(id)).toBe(true);
});

it('has no id twice and none without a name', () => {
  expect(bundledCarriers().size).toBe(1_508);
  expect([...bundledCarriers()].filter(([id, name]) => id.trim() !== id || id === '' || name === '')).toEqual(
    [],
  );
});
