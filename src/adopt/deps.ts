import type { Pool } from '../../db/client.ts';
import type { Heartbeats } from '../heartbeats.ts';
import type { Log } from '../log.ts';
import type { CarrierIds } from '../shipment/combinations.ts';
import type { AdoptFile } from './file.ts';
import type { Shop } from './shop.ts';

export type AdoptDeps = {
  pool: Pool;
  log: Log;
  shop: Shop;
  file: AdoptFile;
  carriers: CarrierIds;
  /** Names this process. */
  owner: string;
  random: () => number;
  newId: () => string;
  nowMs: () => number;
  heartbeats?: Heartbeats;
};
