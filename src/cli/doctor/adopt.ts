import type { Pool } from '../../../db/client.ts';
import type { AdoptFile } from '../../adopt/file.ts';
import type { Shop } from '../../adopt/shop.ts';
import { readAdoptStatus } from '../../adopt/status-store.ts';
import { loadAdoptFile, openShopOf } from '../../roles/adopt.ts';
import { examine, finding, type Check, type Doctor } from './check.ts';

/** Nothing where no adopt file is named. */
export async function checkAdopt(doctor: Doctor, pool: Pool | null): Promise<Check[]> {
  const path = doctor.config.adopt.file;
  if (path === '') return [];
  let shop: Shop | null = null;
  let file: AdoptFile | null = null;
  const reached = await examine('shop', async () => {
    file = loadAdoptFile(path);
    shop = doctor.opened.add('shop', await openShopOf(doctor.config, file, doctor.log), (it) => it.close());
    return describeApplied(shop, path);
  });
  const checks = [reached];
  const [opened, read] = [shop as Shop | null, file as AdoptFile | null];
  if (opened !== null && reached.ok) checks.push(await examine('shop tables', () => checkFindings(opened)));
  if (read !== null && pool !== null)
    checks.push(await examine('shop followed', () => checkFollowed(pool, read.name)));
  return checks;
}

async function describeApplied(shop: Shop, path: string): Promise<string> {
  const applied = await shop.readApplied();
  if (applied === 'applied') return 'reached, with the triggers of this file';
  throw finding(
    applied === 'absent'
      ? 'reached, and has no triggers'
      : 'reached, with the triggers of another version of the file',
    `Run \`fahuo adopt apply ${path}\`.`,
  );
}

async function checkFindings(shop: Shop): Promise<string> {
  const findings = await shop.findings();
  const problem = findings.find(({ level }) => level === 'problem');
  if (problem !== undefined) throw finding(problem.what, problem.remedy);
  return findings.length === 0 ? 'nothing in the way' : findings.map(({ what }) => what).join('; ');
}

async function checkFollowed(pool: Pool, name: string): Promise<string> {
  const [status] = await readAdoptStatus(pool, name);
  if (status === undefined || status.owner === null)
    throw finding(`nobody follows ${name}`, 'Let an instance run the role adopt with FAHUO_ADOPT_FILE.');
  if (status.failure !== null) throw finding(`${name}: ${status.failure}`, 'See `fahuo adopt status`.');
  return `by ${status.owner}, ${status.waiting} touched rows wait`;
}
