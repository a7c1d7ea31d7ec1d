import { createPublisher } from '../kafka/publisher.ts';
import { defaultRelay, runRelay } from '../relay/run.ts';
import { databaseUrlOf } from './postgres.ts';
import { opensNothing, type OpenRole } from './role.ts';
import { kafkaConnection, topicsOf } from './services.ts';

/** Outbox → topic. Opens its sessions when it leads or waits to. */
export const openRelay: OpenRole = ({ config, log, metrics, pool, admin, instance }) => {
  const connection = kafkaConnection(config);
  const deps = {
    pool,
    log,
    metrics,
    createPublisher: () => createPublisher(connection),
    partitionCount: admin.partitionCount,
  };
  const options = {
    ...defaultRelay,
    ...config.relay,
    databaseUrl: databaseUrlOf(config),
    instance,
    topics: topicsOf(config),
  };
  return opensNothing((signal) => runRelay(deps, options, signal));
};
